"""When the next request in a channel may go out: one clock per channel, slower where Discord is slow or many speak.

It does not know what is requested.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from bot.conversation.pace import Pace

PATIENCE_FACTOR = 2.0
"""A request that took t seconds (discord.py waits inside it when it is limited) is followed by none for 2 t."""
EVERYWHERE_PER_S = 40
"""Edits of all channels together; Discord takes 50 requests a second of one bot, and there are others than edits."""


class ChannelClock:
    """When the next request in one channel may go out."""

    def __init__(self, pace: Pace, in_use: Callable[[], int] = lambda: 1) -> None:
        """`in_use`: how many channels something is being said in."""
        self._clock = pace.clock
        self._interval_s = pace.edit_interval_s
        self._in_use = in_use
        self._lock = asyncio.Lock()
        self._next = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for this channel's turn, then hold it while one request runs."""
        async with self._lock:
            await self._clock.sleep(max(0.0, self._next - self._clock.now()))
            begun = self._clock.now()
            try:
                yield
            finally:
                took = self._clock.now() - begun
                share_s = self._in_use() / EVERYWHERE_PER_S
                self._next = begun + max(self._interval_s, PATIENCE_FACTOR * took, share_s)


class ChannelClocks:
    """The clocks of the channels in which something is being said."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._clocks: WeakValueDictionary[int, ChannelClock] = WeakValueDictionary()

    def of(self, channel_id: int) -> ChannelClock:
        """The one clock of this channel."""
        clock = self._clocks.get(channel_id)
        if clock is None:
            clock = self._clocks[channel_id] = ChannelClock(self._pace, lambda: len(self._clocks))
        return clock
