"""/catchup: what somebody missed since their last message, here or in up to five channels, for them alone.

What mentions them comes first. It is read from Discord, and kept nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import discord
from discord import app_commands

from bot.commands.answering import explained
from bot.commands.digest import NOTHING_LEFT, OLDER, WHY_EXTRACT, cited, left_out, line_of, link, short, without
from bot.commands.digesting import Digesting
from bot.commands.kept_notes import KeptNotes
from bot.commands.missed_threads import missed_threads
from bot.commands.paged import Again
from bot.commands.ranges import ReadableChannel, parsed_window, place_of, require_readable
from bot.commands.summarize import progress_words, tell_instead
from bot.commands.working import Work
from bot.conversation.own_text import INSTEAD
from bot.conversation.rendering import small
from bot.errors import Refusal
from bot.language import N_, _, _n, number
from bot.limits import PersonalLimits
from bot.metering import Payer, used_by
from llm.tasks.summary import SourceMessage, Summary, Wish

MOST = 2_000
"""Messages of one catch-up."""
MOST_CHANNELS = 5
MOST_MENTIONS = 10
_LONGEST_MENTION = 200
USUAL_S = 0.02
"""What a message takes to be summarized, until it was measured."""
NEVER_WROTE = N_(
    "I found no message of yours in {where}, so I do not know since when. Tell me how far back: "
    "`/catchup window:6h`, `window:2d` or `window:1w`."
)
NOTHING_NEW = N_("Nobody wrote anything in {where} since {since}.")

Option = app_commands.AppCommandChannel | app_commands.AppCommandThread


@dataclass(slots=True)
class Missed:
    """What was found in one channel or thread, the newest first. `wrote_id`: the reader's last message there, None
    where none was found; `is_cut`: there are older ones than were read."""

    channel: ReadableChannel
    messages: list[discord.Message] = field(default_factory=list)
    wrote_id: int | None = None
    is_cut: bool = False


class Catchup:
    """Answers /catchup."""

    def __init__(self, tools: Digesting) -> None:
        self.tools = tools
        self._seconds_each = USUAL_S

    async def answer(self, work: Work, channels: Sequence[ReadableChannel], window: timedelta | None) -> None:
        """Answer in private. Raises what `explained` explains."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        now = self.tools.works.clock.utc()
        begin = discord.utils.time_snowflake(now - window) if window is not None else None
        missed = await self._missed(work, channels, begin)
        first = begin or min((one.wrote_id for one in missed if one.wrote_id), default=None)
        if first is None:
            await tell_instead(work, _(NEVER_WROTE, where=_mentions(channels)))
            return
        since = discord.utils.snowflake_time(first)
        found = [message for one in missed for message in reversed(one.messages)]
        sources = [source for one in missed for source in await self._sources(one)]
        if not sources:
            await tell_instead(
                work, _(NOTHING_NEW, where=_mentions(channels), since=discord.utils.format_dt(since, "R"))
            )
            return
        await work.announce(self._size(sources, missed, since))
        written_at = {one.id: one.edited_at or one.created_at for one in found}
        summary = await self._summary(work, sources, written_at)
        may = {source.id: source for source in sources}
        mine = [may[one.id] for one in found if one.id in may and _is_for(one, work.interaction.user)][-MOST_MENTIONS:]
        places = cited(summary, sources) | {one.id: one.place for one in mine}
        remark = _remark(summary, len(found), channels, missed, has_window=begin is not None)
        guild_id = work.interaction.guild_id or 0

        def lines(there: set[int]) -> list[str]:
            left = [one for one in mine if one.id in there]
            return _lines(without(summary, there), left, places, guild_id, since, remark)

        async def there() -> set[int]:
            return await self._there(missed, places, written_at)

        told = lines(await there())
        if rules.filter_own_text and self.tools.words.is_in("\n".join(told)):
            await tell_instead(work, _(INSTEAD))
            return
        await self.tools.pages.give(work, told, self._again(there, lines), may_post=False)

    async def _summary(
        self, work: Work, sources: Sequence[SourceMessage], written_at: Mapping[int, datetime]
    ) -> Summary:
        begun = self.tools.works.clock.now()
        summary = await self.tools.summarizer.summarize(
            sources,
            Wish(count=self.tools.items),
            user=f"{work.interaction.guild_id}/{work.interaction.user.id}",
            store=KeptNotes(self.tools.notes, written_at),
            progress=lambda done, total: work.say(progress_words(len(sources), done, total)),
        )
        payer = Payer.of(work.interaction.user, work.interaction.guild, work.interaction.channel)
        await self.tools.metering.count(payer, used_by(summary.cost.usage))
        self._seconds_each = (self._seconds_each + (self.tools.works.clock.now() - begun) / len(sources)) / 2
        return summary

    async def _missed(self, work: Work, channels: Sequence[ReadableChannel], begin: int | None) -> list[Missed]:
        """What was said in each channel, and in its threads that the reader may read."""
        missed: list[Missed] = []
        most = MOST // len(channels)
        for channel in channels:
            one = await self._since(work, channel, begin, most)
            missed.append(one)
            since = begin or one.wrote_id
            for thread in await self._threads(work, channel, since):
                if thread in channels:
                    continue
                room = most - sum(len(each.messages) for each in missed if _belongs(each.channel, channel))
                if room > 0:
                    missed.append(await self._since(work, thread, begin, room, since))
        return missed

    async def _threads(self, work: Work, channel: ReadableChannel, since: int | None) -> list[discord.Thread]:
        """Where else something was said since then."""
        if since is None:
            return []
        return await missed_threads(work.interaction, channel, discord.utils.snowflake_time(since))

    async def _since(
        self,
        work: Work,
        channel: ReadableChannel,
        begin: int | None,
        most: int,
        earliest: int | None = None,
    ) -> Missed:
        """Backwards from now: to `begin`, or to the reader's last message, and in a thread to `earliest`."""
        missed = Missed(channel)
        me = work.interaction.user.id
        after = discord.Object(begin or earliest or 0)
        async for message in channel.history(limit=most, after=after, oldest_first=False):
            if message.author.id == me and begin is None:
                missed.wrote_id = message.id
                return missed
            missed.messages.append(message)
            if len(missed.messages) % 100 == 0:
                work.say(_reading(channel, len(missed.messages)))
        missed.is_cut = len(missed.messages) >= most
        if begin is None and earliest is None:
            missed.messages.clear()  # they never wrote there, so nothing says from where on
        return missed

    async def _sources(self, one: Missed) -> list[SourceMessage]:
        return (await self.tools.fetching.sources(one.messages[::-1], one.channel)).sources

    async def _there(
        self, missed: Sequence[Missed], places: Mapping[int, int], written_at: Mapping[int, datetime]
    ) -> set[int]:
        """Those of the cited messages that were not deleted, changed or withdrawn meanwhile."""
        there: set[int] = set()
        for one in missed:
            mine = [message for message, place in places.items() if place == one.channel.id]
            there |= await self.tools.fetching.still_true(one.channel, mine, written_at) if mine else set()
        return there

    @staticmethod
    def _again(there: Callable[[], Awaitable[set[int]]], lines: Callable[[set[int]], list[str]]) -> Again:
        async def again(interaction: discord.Interaction, is_public: bool) -> list[str]:
            left = await there()
            if is_public or not left:
                raise Refusal(NOTHING_LEFT)
            return lines(left)

        return again

    def _size(self, sources: Sequence[SourceMessage], missed: Sequence[Missed], since: datetime) -> str:
        """How much it is, and how long it takes."""
        seconds = math.ceil(len(sources) * self._seconds_each)
        places = sum(bool(one.messages) for one in missed)
        when, took = discord.utils.format_dt(since, "R"), number(max(1, seconds))
        if places == 1:
            return _n(
                "{count} message since {since}: this takes about {seconds} s …",
                "{count} messages since {since}: this takes about {seconds} s …",
                len(sources),
                since=when,
                seconds=took,
            )
        return _(
            "{messages} messages since {since} in {places} places: this takes about {seconds} s …",
            messages=number(len(sources)),
            since=when,
            places=number(places),
            seconds=took,
        )


def add_catchup(tree: app_commands.CommandTree[discord.Client], catchup: Catchup, limits: PersonalLimits) -> None:
    """Hang /catchup on the tree."""

    @tree.command(name="catchup", description="What you missed since your last message; only you see it")
    @app_commands.describe(
        window="How far back instead, such as 90m, 6h, 2d",
        channel="A channel; without any, this one",
        channel2="One more",
        channel3="One more",
        channel4="One more",
        channel5="One more",
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def catchup_command(
        interaction: discord.Interaction,
        window: str | None = None,
        channel: Option | None = None,
        channel2: Option | None = None,
        channel3: Option | None = None,
        channel4: Option | None = None,
        channel5: Option | None = None,
    ) -> None:
        async with explained(interaction):
            named = [one.id for one in (channel, channel2, channel3, channel4, channel5) if one is not None]
            channels = [place_of(interaction, one) for one in dict.fromkeys(named)]
            channels = channels or [place_of(interaction, None)]
            for one in channels:
                require_readable(interaction, one)
            span = parsed_window(window) if window is not None else None
            with limits.request(interaction.user.id):
                async with catchup.tools.works.work(interaction) as work, explained(interaction), work.settled():
                    await catchup.answer(work, channels, span)


def _belongs(place: ReadableChannel, channel: ReadableChannel) -> bool:
    return place.id == channel.id or (isinstance(place, discord.Thread) and place.parent_id == channel.id)


def _is_for(message: discord.Message, person: discord.User | discord.Member) -> bool:
    """Whether a message mentions this person, answers them, or mentions a role of theirs."""
    roles = {role.id for role in person.roles} if isinstance(person, discord.Member) else set()
    answered = message.reference.resolved if message.reference else None
    return (
        any(one.id == person.id for one in message.mentions)
        or any(role.id in roles for role in message.role_mentions)
        or (isinstance(answered, discord.Message) and answered.author.id == person.id)
    )


def _lines(
    summary: Summary,
    mine: Sequence[SourceMessage],
    places: dict[int, int],
    guild_id: int,
    since: datetime,
    remark: str,
) -> list[str]:
    told = [_("**Since {since}**", since=discord.utils.format_dt(since, "R"))]
    if mine:
        told.append(_("**For you**"))
        told += [
            f"- **{discord.utils.escape_markdown(short(one.author))}**: {short(one.text, _LONGEST_MENTION)} "
            f"[↗]({link(guild_id, one.place, one.id)})"
            for one in mine
        ]
    here = None
    for item in summary.items:
        if places[item.message_ids[0]] != here:
            here = places[item.message_ids[0]]
            told.append(_("**In** {channel}", channel=f"<#{here}>"))
        told.append(line_of(item, places, guild_id, is_extract=summary.method == "extract"))
    return [*told, small(remark)]


def _remark(
    summary: Summary, found: int, channels: Sequence[ReadableChannel], missed: Sequence[Missed], *, has_window: bool
) -> str:
    told = [_("read {read} of {found} messages", read=number(summary.read), found=number(found))]
    if any(one.is_cut and one.messages for one in missed):
        told.append(_(OLDER))
    if summary.read < found:
        told.append(left_out(is_partial=True))
    silent = [one.channel for one in missed if one.channel in channels and one.wrote_id is None]
    if silent and not has_window:
        told.append(_("not {channels}: you never wrote there, so give me a window", channels=_mentions(silent)))
    if summary.fallback:
        told.append(_(WHY_EXTRACT[summary.fallback]))
    return " · ".join(told)


def _reading(channel: ReadableChannel, count: int) -> str:
    return _("Reading {channel}: {count} messages so far …", channel=channel.mention, count=number(count))


def _mentions(channels: Sequence[ReadableChannel]) -> str:
    return ", ".join(channel.mention for channel in channels)
