"""One answer at a time per conversation: further questions wait their turn, and only so many of them.

It does not know what a conversation is; a key stands for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.errors import TooManyRequests

LONGEST_LINE = 3
"""Questions that may wait behind the one that is being answered."""


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    present: int = 0


class Lanes:
    """A lane per conversation, kept only while somebody is in it."""

    def __init__(self, longest_line: int = LONGEST_LINE) -> None:
        self._longest_line = longest_line
        self._lanes: dict[Hashable, _Lane] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for the turn, in the order of arrival, and hold it during the body. Raises TooManyRequests."""
        lane = self._lanes.setdefault(key, _Lane())
        if lane.present > self._longest_line:
            raise TooManyRequests(
                f"{lane.present} questions already wait for an answer in this conversation. Please ask again later."
            )
        lane.present += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.present -= 1
            if not lane.present:
                del self._lanes[key]
