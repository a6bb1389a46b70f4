"""What happens to the messages of a channel, one after the other: said, edited, deleted, in the order of arrival.

What is said in a row is handed on together, so that an engine can compute it together. It does not know what is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

import discord
import structlog

from bot.errands import Errands

log = structlog.get_logger()

TOGETHER = 8
"""Messages that are handed on at once."""
MOST_WAITING = 60
"""Discord lets a channel's webhooks post about thirty times a minute: whoever waits longer is left out."""


@dataclass(frozen=True, slots=True)
class New:
    """Somebody said something."""

    message: discord.Message


@dataclass(frozen=True, slots=True)
class Edited:
    """It says something else now."""

    message: discord.Message


@dataclass(frozen=True, slots=True)
class Gone:
    """These messages were deleted."""

    message_ids: tuple[int, ...]


Event = New | Edited | Gone


@dataclass(slots=True)
class _Lane:
    waiting: deque[Event] = field(default_factory=deque)
    new: int = 0
    left_out: list[discord.Message] = field(default_factory=list)


class Lanes:
    """A line per channel, kept only while something waits in it.

    `said` gets messages that were said in a row, `changed` one other event, `full` what was left out of a full line."""

    def __init__(
        self,
        errands: Errands,
        *,
        said: Callable[[Sequence[discord.Message]], Awaitable[None]],
        changed: Callable[[Edited | Gone], Awaitable[None]],
        full: Callable[[Collection[discord.Message]], Awaitable[None]],
    ) -> None:
        self._errands = errands
        self._said = said
        self._changed = changed
        self._full = full
        self._lanes: dict[int, _Lane] = {}

    def enter(self, channel_id: int, event: Event) -> None:
        """Stand in line from this very moment on. A message that finds it full is left out."""
        lane = self._lanes.get(channel_id)
        if lane is None:
            lane = self._lanes[channel_id] = _Lane()
            self._errands.run(self._work(channel_id, lane), "mirror")
        if isinstance(event, New):
            if lane.new >= MOST_WAITING:
                lane.left_out.append(event.message)
                return
            lane.new += 1
        lane.waiting.append(event)

    async def _work(self, channel_id: int, lane: _Lane) -> None:
        try:
            while lane.waiting:
                try:
                    await self._next(lane)
                except Exception as error:  # the edge: one message that cannot be carried holds up no other
                    log.error("message not mirrored", channel=channel_id, exc_info=error)
        finally:
            del self._lanes[channel_id]

    async def _next(self, lane: _Lane) -> None:
        first = lane.waiting.popleft()
        if not isinstance(first, New):
            await self._changed(first)
            return
        some = [first.message]
        while lane.waiting and len(some) < TOGETHER and isinstance(event := lane.waiting[0], New):
            lane.waiting.popleft()
            some.append(event.message)
        lane.new -= len(some)
        await self._said(some)
        if lane.left_out and not lane.new:
            left_out, lane.left_out = lane.left_out, []
            await self._full(left_out)
