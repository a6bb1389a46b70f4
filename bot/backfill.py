"""Messages that were written before a channel was opted into storage: how many there are, and fetching them politely.

One page of a hundred messages after the other, the newest first, with a pause between pages: people come first. Where
it was is remembered after each page, so that it goes on after a restart. It does not know who decides about storage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import discord
import structlog

from bot.conversation.intake import ORDINARY, Intake
from bot.conversation.pace import Pace
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from storage.errors import StorageError
from storage.settings import GuildSettings, Place, Scope

log = structlog.get_logger()

NAME = "backfill"
"""Under which name the state of a fetch is remembered."""
PAGE = 100
"""Discord gives at most so many messages at a time."""
PER_PAGE_S = 1.5
"""What a page takes: the pause after it, Discord's answer, and storing it."""
LOOKED_AT_DAYS = (7, 30, 90, 365)

Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel
"""Channels whose messages can be fetched; a forum has none of its own."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many messages a channel has: since `days` ago, and in all (None). `is_exact`: counted, not estimated."""

    counts: dict[int | None, int]
    is_exact: bool

    def words(self, days: int | None) -> str:
        """ "about 1,200 messages", "12 messages"."""
        count = self.counts[days]
        shown = count if self.is_exact else _rounded(count)
        return f"{'' if self.is_exact else 'about '}{shown:,} {'message' if shown == 1 else 'messages'}"


@dataclass(frozen=True, slots=True)
class Fetch:
    """A fetch on its way, or how it ended. `cursor`: the oldest message that was fetched; `since` an ISO moment."""

    since: str
    expected: int
    done: int = 0
    cursor: int | None = None
    problem: str = ""
    is_over: bool = False


async def estimate(channel: Channel, now: datetime) -> Estimate:
    """Discord does not say how many messages a channel has: a few pages of different times tell how dense they are.

    At most six requests. Raises discord's errors where the history may not be read.
    """
    newest = [message async for message in channel.history(limit=PAGE)]
    if len(newest) < PAGE:
        moments = [message.created_at for message in newest]
        exact: dict[int | None, int] = {None: len(newest)}
        for days in LOOKED_AT_DAYS:
            exact[days] = sum(moment >= now - timedelta(days=days) for moment in moments)
        return Estimate(exact, is_exact=True)
    begun = min(channel.created_at, newest[-1].created_at)
    ends = [now - timedelta(days=days) for days in LOOKED_AT_DAYS if now - timedelta(days=days) > begun]
    points = [(now, _density([message.created_at for message in newest], now))]
    for moment in ends:
        page = [message.created_at async for message in channel.history(limit=PAGE, before=moment)]
        points.append((moment, _density(page, moment)))
    points.append((begun, points[-1][1]))
    counts: dict[int | None, int] = {days: _area(points, now - timedelta(days=days)) for days in LOOKED_AT_DAYS}
    return Estimate({**counts, None: max(PAGE, _area(points, begun))}, is_exact=False)


def duration_words(messages: int) -> str:
    """How long it takes to fetch so many messages: "about 20 s", "about 3 minutes", "about 2 hours"."""
    seconds = max(1, math.ceil(messages / PAGE)) * PER_PAGE_S
    if seconds < 90:
        return f"about {math.ceil(seconds)} s"
    if seconds < 90 * 60:
        return f"about {math.ceil(seconds / 60)} minutes"
    return f"about {math.ceil(seconds / 3600)} hours"


class Backfills:
    """All fetches. Nothing that goes wrong with one leaves it."""

    def __init__(
        self, intake: Intake, stored: GuildSettings, errands: Errands, pace: Pace, my_id: Callable[[], int]
    ) -> None:
        self._intake = intake
        self._stored = stored
        self._errands = errands
        self._pace = pace
        self._my_id = my_id
        self._fetches: dict[int, Fetch] = {}

    def of(self, channel_id: int) -> Fetch | None:
        """The fetch of a channel: on its way, or how the last one of this run ended."""
        return self._fetches.get(channel_id)

    async def begin(self, channel: Channel, days: int, expected: int) -> None:
        """Fetch the messages of the last `days` days, in the background; a fetch on its way gives way to this one."""
        since = self._pace.clock.utc() - timedelta(days=days)
        fetch = Fetch(since.isoformat(), expected)
        await self._remember(channel, fetch)
        self._start(channel, fetch)

    async def stop(self, channel: Channel) -> None:
        """Fetch no further; what was fetched stays."""
        fetch = self._fetches.get(channel.id)
        if fetch is not None and not fetch.is_over:
            self._fetches[channel.id] = replace(fetch, is_over=True, problem="somebody stopped it")
        await self._remember(channel, None)

    async def resume(self, find: Callable[[int], object]) -> None:
        """After a restart: go on with what was not finished. `find` gives a channel by its id, or None."""
        for place, state in (await self._stored.remembered(NAME)).items():
            channel, fetch = find(place.target_id), _parsed(state)
            if isinstance(channel, Channel) and fetch is not None and self.of(channel.id) is None:
                self._start(channel, fetch)

    def _start(self, channel: Channel, fetch: Fetch) -> None:
        self._fetches[channel.id] = fetch
        self._errands.run(self._run(channel, fetch), "backfill")

    async def _run(self, channel: Channel, fetch: Fetch) -> None:
        try:
            while not fetch.is_over:
                page = await self._page(channel, fetch)
                if self._fetches.get(channel.id) is not fetch:  # stopped, or begun anew
                    return
                fetch = self._fetches[channel.id] = await self._stored_page(page, fetch)
                await self._remember(channel, None if fetch.is_over else fetch)
                if not fetch.is_over:
                    await self._pace.clock.sleep(self._pace.fetch_pause_s)
        except discord.Forbidden:
            await self._fail(channel, fetch, "I may not read the history of this channel")
        except TROUBLE as error:
            await self._fail(channel, fetch, "Discord did not let me go on")
            log.warning("backfill ended", channel=channel.id, error=str(error))
        except StorageError as error:
            self._fetches[channel.id] = replace(fetch, is_over=True, problem="my memory (the database) is away")
            log.error("backfill ended", channel=channel.id, error=str(error))

    async def _page(self, channel: Channel, fetch: Fetch) -> list[discord.Message]:
        before = discord.Object(fetch.cursor) if fetch.cursor is not None else None
        return [message async for message in channel.history(limit=PAGE, before=before)]

    async def _stored_page(self, page: Sequence[discord.Message], fetch: Fetch) -> Fetch:
        """Store those of a page that are young enough; the fetch after it."""
        since = datetime.fromisoformat(fetch.since)
        young = [message for message in page if message.created_at >= since]
        wanted = [one for one in young if one.type in ORDINARY and one.author.id != self._my_id()]
        await self._intake.record_texts(wanted)
        cursor = page[-1].id if page else fetch.cursor
        is_over = len(page) < PAGE or len(young) < len(page)
        return replace(fetch, done=fetch.done + len(young), cursor=cursor, is_over=is_over)

    async def _fail(self, channel: Channel, fetch: Fetch, problem: str) -> None:
        self._fetches[channel.id] = replace(fetch, is_over=True, problem=problem)
        await self._remember(channel, None)

    async def _remember(self, channel: Channel, fetch: Fetch | None) -> None:
        place = Place(channel.guild.id, Scope.CHANNEL, channel.id)
        await self._stored.remember(place, NAME, None if fetch is None else asdict(fetch))


def _parsed(state: Any) -> Fetch | None:  # noqa: ANN401 - any JSON
    """A remembered fetch; None where it cannot be one."""
    try:
        return Fetch(**state)
    except TypeError:
        return None


def _density(moments: Sequence[datetime], end: datetime) -> float:
    """Messages a second in a page of messages that ends at `end`, the newest first."""
    if not moments:
        return 0.0
    return len(moments) / max(1.0, (end - moments[-1]).total_seconds())


def _area(points: Sequence[tuple[datetime, float]], since: datetime) -> int:
    """Messages since that moment, with the densities at some moments, the newest first, and straight lines between."""
    total = 0.0
    for (late, high), (early, low) in pairwise(points):
        begin = max(early, since)
        if begin < late:
            total += (high + low) / 2 * (late - begin).total_seconds()
    return round(total)


def _rounded(count: int) -> int:
    """Two digits tell as much as an estimate knows."""
    step: int = 10 ** max(0, len(str(count)) - 2)
    return round(count / step) * step
