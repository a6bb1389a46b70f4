"""One answer at a time per conversation: further questions wait their turn, and only so many of them.

It does not know what a conversation is; a key stands for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from bot.errors import TooManyRequests

LONGEST_LINE = 3
"""Questions that may wait behind the one that is being answered."""


class Place:
    """A place in the line of one conversation."""

    def __init__(self) -> None:
        self._first = asyncio.Event()

    async def turn(self) -> None:
        """Return when everybody before has left the line."""
        await self._first.wait()

    def move_up(self) -> None:
        """Nobody stands before this place any more."""
        self._first.set()


class Lanes:
    """A line per conversation, kept only while somebody is in it."""

    def __init__(self, longest_line: int = LONGEST_LINE) -> None:
        self._longest_line = longest_line
        self._lanes: dict[Hashable, deque[Place]] = {}

    @contextmanager
    def line(self, key: Hashable) -> Iterator[Place]:
        """Stand in line during the body, from this very moment on. Raises TooManyRequests."""
        line = self._lanes.setdefault(key, deque())
        if len(line) > self._longest_line:
            raise TooManyRequests(
                f"{len(line)} questions already wait for an answer in this conversation. Please ask again later."
            )
        place = Place()
        line.append(place)
        line[0].move_up()
        try:
            yield place
        finally:
            line.remove(place)
            if line:
                line[0].move_up()
            else:
                del self._lanes[key]
