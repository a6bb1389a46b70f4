"""How many messages a channel has, its threads included, and how long fetching them takes: told before anybody decides.

It does not know how they are fetched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import discord

from bot.public_threads import Channel, last_said, public_threads

PAGE = 100
"""Discord gives at most so many messages at a time."""
PER_PAGE_S = 1.5
"""What a page takes: the pause after it, Discord's answer, and storing it."""
LOOKED_AT_DAYS = (7, 30, 90, 365)


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many messages a channel has: since `days` ago, and in all (None); in how many `threads` some of them are.
    `is_exact`: counted, not estimated."""

    counts: dict[int | None, int]
    is_exact: bool
    threads: dict[int | None, int] = field(default_factory=dict)

    def words(self, days: int | None) -> str:
        """ "about 1,200 messages", "12 messages"."""
        count = self.counts[days]
        shown = count if self.is_exact else _rounded(count)
        return f"{'' if self.is_exact else 'about '}{shown:,} {'message' if shown == 1 else 'messages'}"

    def duration(self, days: int | None) -> str:
        """How long it takes to fetch them, in words."""
        return duration_words(self.counts[days], self.threads.get(days, 0))


async def estimate(channel: Channel, now: datetime) -> Estimate:
    """What was said in a channel and its public threads. Raises discord's errors where the history may not be read."""
    own = await _in_channel(channel, now)
    threads = await public_threads(channel, now - timedelta(days=max(LOOKED_AT_DAYS)))
    counts, places = dict(own.counts), dict.fromkeys(own.counts, 0)
    for days in counts:
        since = now - timedelta(days=days) if days is not None else None
        said = [number for thread in threads if (number := _in_thread(thread, since)) is not None]
        counts[days] += sum(said)
        places[days] = len(said)
    return Estimate(counts, own.is_exact and not threads, places)


def _in_thread(thread: discord.Thread, since: datetime | None) -> int | None:
    """About how many messages a thread has since then, as if they had been written evenly; None where there are none.

    Discord counts them itself, roughly."""
    begun, ended = thread.created_at or discord.utils.snowflake_time(thread.id), last_said(thread)
    if since is None or since <= begun:
        return thread.message_count
    if since > ended:
        return None
    share = (ended - since) / max(ended - begun, timedelta(seconds=1))
    return math.ceil(thread.message_count * share)


async def _in_channel(channel: Channel, now: datetime) -> Estimate:
    """Discord does not say how many messages a channel has: a few pages of different times tell how dense they are.

    At most six requests.
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


def duration_words(messages: int, threads: int = 0) -> str:
    """How long it takes to fetch so many messages, some of them in threads: "about 20 s", "about 3 minutes"."""
    seconds = (max(1, math.ceil(messages / PAGE)) + threads) * PER_PAGE_S
    if seconds < 90:
        return f"about {math.ceil(seconds)} s"
    if seconds < 90 * 60:
        return f"about {math.ceil(seconds / 60)} minutes"
    return f"about {math.ceil(seconds / 3600)} hours"


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
