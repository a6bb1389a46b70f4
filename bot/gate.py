"""Whether somebody may ask right now: by their roles, and by what they have used today. Asked before any work begins,
which counts from then on, so that nobody passes a limit by asking twice at once.

Days are days in UTC. It does not know who is answered at all (`permissions`), nor how much in a minute (`limits`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

import discord

from bot.errors import Refusal, TooManyRequests
from bot.language import N_, _, _n, listed
from bot.settings.resolving import Where
from bot.settings.rulebook import Rulebook, where
from bot.settings.rules import Rules
from bot.settings.sharing import Share
from bot.tally import Tally
from storage.usage import Usage, Used, total

TOLD_FOR_S = 600.0
"""Somebody who was told of their limit is not told in full again within this."""
REMEMBERED_PEOPLE = 10_000
IN_WORK = N_(
    "What I am answering for you just now takes the rest of what you may use today. Please wait until it is done, then "
    "ask again."
)
ALL_IN_WORK = N_(
    "What I am answering just now takes the rest of what {people} may use together today. Please ask again in a moment."
)


class Gate:
    """Lets people through, or says why not. Methods raise Refusal and StorageError."""

    def __init__(
        self,
        rulebook: Rulebook,
        usage: Usage,
        tally: Tally,
        utc: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rulebook = rulebook
        self._usage = usage
        self._tally = tally
        self._utc = utc
        self._clock = clock
        self._told: OrderedDict[int, float] = OrderedDict()

    async def require(
        self, guild: discord.Guild | None, channel: discord.abc.Snowflake | None, person: discord.abc.User
    ) -> Rules:
        """The rules that hold for this person there, if they let them ask. Raises Refusal with a sentence for them.

        What they ask counts as used until it is counted (`Metering`), or the current task ends."""
        spot = where(guild, channel, person)
        rules = await self.rulebook.at(spot)
        if guild is not None:
            require_role(rules, guild, person)
        guild_id = guild.id if guild else None
        async with self._tally.figures(guild_id):
            await self._require_quota(rules, guild_id, person.id)
            if guild is not None and spot is not None:
                await self._require_share(guild, spot, person.id)
            self._tally.begin(person.id, guild_id, spot.roles if spot else (), rules.max_tokens)
        return rules

    async def for_interaction(self, interaction: discord.Interaction) -> Rules:
        """`require`, for who gives a command or presses a button."""
        return await self.require(interaction.guild, interaction.channel, interaction.user)

    async def _require_quota(self, rules: Rules, guild_id: int | None, person_id: int) -> None:
        if not rules.requests_per_day and not rules.tokens_per_day:
            return
        stored = await self._usage.of_person(person_id, self._utc(), guild_id)
        used = total([stored, self._tally.used_before(person_id, guild_id)])
        if rules.requests_per_day and used.requests >= rules.requests_per_day:
            sentence = _n(
                "You have used your {count} request for today. I am free for you again at {when}.",
                "You have used your {count} requests for today. I am free for you again at {when}.",
                rules.requests_per_day,
                when=self._midnight(),
            )
        elif rules.tokens_per_day and used.tokens >= rules.tokens_per_day:
            sentence = _n(
                "You have used your {count} token for today. I am free for you again at {when}.",
                "You have used your {count} tokens for today. I am free for you again at {when}.",
                rules.tokens_per_day,
                when=self._midnight(),
            )
        elif _reaches(rules, total([used, self._tally.in_work(person_id, guild_id)])):
            sentence = IN_WORK
        else:
            return
        raise TooManyRequests(sentence, first=self._is_news(person_id))

    async def _require_share(self, guild: discord.Guild, spot: Where, person_id: int) -> None:
        """Whether there is something left of what all people with a role may use together."""
        shares = await self.rulebook.shares_of(spot)
        if not shares:
            return
        used = await self._usage.of_roles(guild.id, {share.role_id for share in shares}, self._utc())
        for share in shares:
            if share.used(used[share.role_id]) >= share.limit:
                raise TooManyRequests(
                    "{people} together have used their {share} for today. I am free for you again at {when}.",
                    first=self._is_news(person_id),
                    people=who_shares(guild, share),
                    share=_shared(share),
                    when=self._midnight(),
                )
            at_once = total([used[share.role_id], self._tally.in_work_for(guild.id, share.role_id)])
            if share.used(at_once) >= share.limit:
                raise TooManyRequests(ALL_IN_WORK, first=self._is_news(person_id), people=who_shares(guild, share))

    def _midnight(self) -> str:
        """When the next day begins, as each reader's clock shows it."""
        free = self._utc().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return f"{discord.utils.format_dt(free, 't')} ({discord.utils.format_dt(free, 'R')})"

    def _is_news(self, person_id: int) -> bool:
        """Whether this person was not told a moment ago."""
        now = self._clock()
        told = self._told.pop(person_id, None)
        self._told[person_id] = now if told is None or now - told >= TOLD_FOR_S else told
        while len(self._told) > REMEMBERED_PEOPLE:
            self._told.popitem(last=False)
        return self._told[person_id] == now


def _reaches(rules: Rules, used: Used) -> bool:
    """Whether so much is as much as one person may use."""
    requests, tokens = rules.requests_per_day, rules.tokens_per_day
    return bool(requests and used.requests >= requests) or bool(tokens and used.tokens >= tokens)


def who_shares(guild: discord.Guild, share: Share) -> str:
    """Whose limit it is: "People with the role *Club*"."""
    role = guild.get_role(share.role_id)
    if role is None or role.is_default():
        return _("All people of this server")
    return _("People with the role {role}", role=_listed([role.name]))


def _shared(share: Share) -> str:
    if share.unit == "tokens":
        return _n("{count} token", "{count} tokens", share.limit)
    return _n("{count} request", "{count} requests", share.limit)


def require_role(rules: Rules, guild: discord.Guild, person: discord.abc.User) -> None:
    """Raises Refusal unless this person has a role that may ask, or manages the server."""
    if not is_allowed(rules, person):
        names = [role.name for one in rules.allowed_roles if (role := guild.get_role(one)) is not None]
        if not names:
            raise Refusal("Here I answer nobody but the server's managers.")
        raise Refusal("Here I answer people with the role {roles} only.", roles=_listed(names))


def is_allowed(rules: Rules, person: discord.abc.User) -> bool:
    """Whether this person's roles let them ask."""
    if not rules.allowed_roles:
        return True
    if not isinstance(person, discord.Member):
        return False
    return person.guild_permissions.manage_guild or any(role.id in rules.allowed_roles for role in person.roles)


def _listed(names: list[str]) -> str:
    return listed([f"*{discord.utils.escape_markdown(name.removeprefix('@'))}*" for name in names], "or")
