"""/usage: what a person has used of Steward, and what they may; for moderators the same of the whole server.

What may be used is said by `allowances`: the one place to add a limit to. It does not know how a chart is drawn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import discord
import structlog
from discord import app_commands

from bot.charting import Chart, ChartFailed, Charts
from bot.clock import Clock
from bot.commands.answering import defer, explained, tell
from bot.errors import Refusal
from bot.gate import who_shares
from bot.limits import AT_ONCE, PersonalLimits
from bot.settings.rulebook import Rulebook, where
from bot.settings.sharing import Share
from bot.settings.values import counted
from bot.tally import Tally
from storage.usage import Usage, Used, total

log = structlog.get_logger()

Of = Literal["me", "server"]
Allowances = Callable[[discord.Interaction], Awaitable[Sequence[str]]]
"""What the person who asks may use, one sentence for each limit."""

DAYS = 30
MOST_PEOPLE = 5
MOST_SHARES = 5
WINDOWS = (("today", 1), ("7 days", 7), ("30 days", DAYS))
NOT_ALLOWED = (
    "Only people with *Manage Messages* or *Manage Server* see what the whole server used. `/usage` shows yours."
)
NO_SERVER = "In private messages I can only show what you used yourself."
MINE = """**What you used {where}**
{sums}
**What you may**
{limits}
-# Days are days in UTC. A request that failed does not count; figures older than {days} days are deleted."""
SERVERS = """**What {guild} used**
{sums}
{days}{people}{shared}"""
TOGETHER = "**Limits that people share**"
NO_USE = "Nobody asked me anything in these 30 days."
NO_CHART = "-# The chart could not be drawn; its numbers stand above."
HEADER = f"{'day':<10}{'requests':>10}{'tokens':>14}"
ALT = (
    "Two bar charts of {first:%d %B} to {last:%d %B %Y}, day by day: requests ({requests:,} in all, most on "
    "{most:%d %B}, {peak:,}) and tokens ({tokens:,} in all). The message has the numbers of each day."
)


@dataclass(frozen=True, slots=True)
class Window:
    """The last days of a person's or a server's use: what was used on which day."""

    last: date
    by_day: dict[date, Used]

    def sum(self, days: int) -> Used:
        """What was used in the last so many days, the current one among them."""
        first = self.last - timedelta(days=days - 1)
        return total(used for day, used in self.by_day.items() if first <= day <= self.last)


class UsageDesk:
    """Answers /usage."""

    def __init__(
        self,
        *,
        usage: Usage,
        allowances: Allowances,
        limits: PersonalLimits,
        charts: Charts,
        clock: Clock,
        rulebook: Rulebook,
    ) -> None:
        self._usage = usage
        self._allowances = allowances
        self._limits = limits
        self._charts = charts
        self._clock = clock
        self._rulebook = rulebook

    async def mine(self, interaction: discord.Interaction) -> None:
        """What the asker used, here or (in private messages) everywhere. Raises StorageError."""
        window = await self._window(interaction.guild_id, interaction.user.id)
        limits = "\n".join(f"- {sentence}" for sentence in await self._allowances(interaction))
        where = "everywhere" if interaction.guild_id is None else "in this server"
        days = (await self._rulebook.days_in(interaction.guild_id))[0]
        await tell(interaction, MINE.format(where=where, sums=sums(window), limits=limits, days=days))

    async def servers(self, interaction: discord.Interaction, guild: discord.Guild) -> None:
        """What the server used, with a chart. Raises StorageError; a chart that cannot be drawn is said."""
        with self._limits.request(interaction.user.id):
            window = await self._window(guild.id, None)
            people = await self._usage.by_person(self._since(), guild.id, MOST_PEOPLE)
            shares = await self._rulebook.all_shares(guild.id)
            together = await shared(self._usage, self._clock, guild, shares[:MOST_SHARES])
            text = SERVERS.format(
                guild=discord.utils.escape_markdown(guild.name),
                sums=sums(window),
                days=table(window) if window.by_day else NO_USE,
                people=ranked(people),
                shared="\n".join(["", TOGETHER, *(f"- {line}" for line in together)]) if together else "",
            )
            if not window.by_day:
                await tell(interaction, text)
                return
            try:
                file = await self._charts.draw(chart(window))
            except ChartFailed as error:
                log.warning("chart not drawn", error=str(error))
                await tell(interaction, f"{text}\n{NO_CHART}")
                return
        await interaction.edit_original_response(content=text, attachments=[file])

    async def _window(self, guild_id: int | None, person_id: int | None) -> Window:
        by_day = await self._usage.by_day(self._since(), person_id=person_id, guild_id=guild_id)
        return Window(self._clock.utc().date(), by_day)

    def _since(self) -> datetime:
        """Midnight before the first of the days."""
        today = self._clock.utc().replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=DAYS - 1)


def add_usage(tree: app_commands.CommandTree[discord.Client], desk: UsageDesk) -> None:
    """Hang /usage on the tree."""

    @tree.command(
        name="usage", description="What you used of me and what you may; for moderators: what the server used"
    )
    @app_commands.describe(of="me: you alone; server: everybody here, with a chart (for moderators)")
    async def usage_command(interaction: discord.Interaction, of: Of = "me") -> None:
        async with explained(interaction):
            guild = _moderated(interaction) if of == "server" else None
            await defer(interaction)
            await (desk.servers(interaction, guild) if guild else desk.mine(interaction))


def limits_of(rulebook: Rulebook, usage: Usage, tally: Tally, clock: Clock, per_minute: int) -> Allowances:
    """What holds for whoever asks: the limits of the owner's file, and what the server's managers chose, with what is
    used of it today."""
    standing = (
        f"{per_minute} requests a minute, in all servers together ([bot] requests_per_minute)",
        f"{AT_ONCE} requests in work at the same time",
    )

    async def told(interaction: discord.Interaction) -> Sequence[str]:
        rules = await rulebook.for_interaction(interaction)
        stored = await usage.of_person(interaction.user.id, clock.utc(), interaction.guild_id)
        used = total([stored, tally.used_before(interaction.user.id, interaction.guild_id)])
        quotas = [
            f"{counted(limit, unit)} a day, from midnight to midnight (UTC); {spent:,} used today"
            for limit, unit, spent in (
                (rules.requests_per_day, "requests", used.requests),
                (rules.tokens_per_day, "tokens", used.tokens),
            )
            if limit
        ]
        spot = where(interaction.guild, interaction.channel, interaction.user)
        if interaction.guild is None or spot is None:
            return [*standing, *quotas]
        return [*standing, *quotas, *await shared(usage, clock, interaction.guild, await rulebook.shares_of(spot))]

    return told


async def shared(usage: Usage, clock: Clock, guild: discord.Guild, shares: Sequence[Share]) -> list[str]:
    """What people may use together, one sentence for each limit. Raises StorageError."""
    if not shares:
        return []
    used = await usage.of_roles(guild.id, {share.role_id for share in shares}, clock.utc())
    return [
        f"{who_shares(guild, share)}: {share.words} a day together; {share.used(used[share.role_id]):,} used today"
        for share in shares
    ]


def sums(window: Window) -> str:
    """Requests and tokens of each span, one line each."""
    lines = []
    for name, days in WINDOWS:
        used = window.sum(days)
        split = f" ({used.prompt_tokens:,} read, {used.completion_tokens:,} written)" if used.tokens else ""
        lines.append(f"- {name}: {_requests(used)} · {used.tokens:,} tokens{split}")
    return "\n".join(lines)


def table(window: Window) -> str:
    """Each day that saw any use, the newest first."""
    days = sorted(window.by_day.items(), reverse=True)
    lines = [f"{day:%Y-%m-%d}{used.requests:>10,}{used.tokens:>14,}" for day, used in days]
    return "\n".join(["```", HEADER, *lines, "```"])


def ranked(people: dict[int, Used]) -> str:
    """Who used most; their names come from Discord, and nobody is pinged."""
    lines = [f"- <@{person}>: {_requests(used)} · {used.tokens:,} tokens" for person, used in people.items() if person]
    return "\n".join(["**Most, in 30 days**", *lines]) if lines else ""


def chart(window: Window) -> Chart:
    """The same as a picture, with what it shows in words."""
    days = [window.last - timedelta(days=back) for back in reversed(range(DAYS))]
    used = [window.by_day.get(day, Used()) for day in days]
    most = max(range(DAYS), key=lambda place: used[place].requests)
    every = total(used)
    alt = ALT.format(
        first=days[0],
        last=days[-1],
        requests=every.requests,
        most=days[most],
        peak=used[most].requests,
        tokens=every.tokens,
    )
    series = {"requests": [each.requests for each in used], "tokens": [each.tokens for each in used]}
    return Chart(tuple(f"{day:%d %b}" for day in days), series, alt)


def _requests(used: Used) -> str:
    return f"{used.requests:,} request{'' if used.requests == 1 else 's'}"


def _moderated(interaction: discord.Interaction) -> discord.Guild:
    """The server, where this person moderates all of it. Raises Refusal."""
    member = interaction.user
    if interaction.guild is None or not isinstance(member, discord.Member):
        raise Refusal(NO_SERVER)
    granted = member.guild_permissions
    if not (granted.manage_messages or granted.manage_guild):
        raise Refusal(NOT_ALLOWED)
    return interaction.guild
