"""Messages on their way into the database: collected, and written together, off the hot path.

What is collected is written at most WRITE_AFTER_S later in one transaction with everything else that came meanwhile, so
that a process that is killed loses no more than that; whoever uses the database settles it first, so that nobody reads
what is out of date. It does not know tables: how messages are written is `storage.history`'s business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context

from storage.errors import BadRecord, StorageError
from storage.records import StoredMessage

log = logging.getLogger(__name__)

Write = Callable[[Sequence[StoredMessage]], Awaitable[None]]

WRITE_AFTER_S = 0.15
"""Together with the transaction itself less than the 200 ms that a killed process may lose."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 5.0
"""Between attempts while the database cannot be written."""
MOST_WAITING = 10_000
"""Messages: a few megabytes. Beyond it whoever brings another waits until the database has taken these."""
MOST_TOGETHER = 500
"""Messages of one transaction: beyond it the collected ones are not left to wait."""


class Intake:
    """Collects messages. `settle` and `close` raise StorageError, and so does `collect` once too many wait.

    A batch that cannot be written stays and is tried again; a message that can never be stored is left out of it, and
    both are logged (without content).
    """

    def __init__(self, write: Write, *, write_after_s: float = WRITE_AFTER_S, most_waiting: int = MOST_WAITING) -> None:
        self._write = write
        self._write_after_s = write_after_s
        self._most_waiting = most_waiting
        self._waiting: list[StoredMessage] = []
        self._in_hand = 0
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._urgent = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many messages are collected and not yet safe."""
        return len(self._waiting) + self._in_hand

    async def collect(self, messages: Sequence[StoredMessage]) -> None:
        """Take messages in; they are stored a moment later."""
        if not self._has_room(len(messages)):
            async with self._writing:
                if not self._has_room(len(messages)):  # of many who waited the first made room for the others
                    await self._write_waiting()
        self._waiting.extend(messages)
        if len(self._waiting) >= MOST_TOGETHER:
            self._urgent.set()
        if self._waiting and (self._task is None or self._task.done()):
            # in a context of its own: it writes for everybody, not for whoever brought the first message
            self._task = asyncio.create_task(self._write_soon(), name="storage intake", context=Context())

    def _has_room(self, count: int) -> bool:
        return len(self._waiting) + count <= self._most_waiting

    async def settle(self) -> None:
        """Return when everything that was collected before this call is stored."""
        if self._waiting or self._writing.locked():
            async with self._writing:
                await self._write_waiting()

    async def close(self) -> None:
        """Store what still waits, and end."""
        try:
            await self.settle()
        finally:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)

    async def _write_soon(self) -> None:
        """Write until nothing waits; while the database cannot be written, try again after growing pauses."""
        pause_s = self._write_after_s
        while self._waiting:
            await self._pause(pause_s)
            try:
                await self.settle()
                pause_s = self._write_after_s
            except StorageError as error:
                pause_s = min(max(2 * pause_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
                log.error("%d messages wait to be stored, tried again in %.1f s: %s", self.waiting, pause_s, error)

    async def _pause(self, pause_s: float) -> None:
        """So long, or until many wait; after a failure many do not hurry it."""
        if pause_s > self._write_after_s:
            await asyncio.sleep(pause_s)
            return
        self._urgent.clear()
        if len(self._waiting) >= MOST_TOGETHER:
            return
        try:
            async with asyncio.timeout(pause_s):
                await self._urgent.wait()
        except TimeoutError:
            return

    async def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        self._in_hand = len(batch)
        try:
            await self._write_what_can_be(batch)
        except BaseException:  # a cancelled writer, too, gives its batch back: writing it twice is harmless
            self._waiting[:0] = batch
            raise
        finally:
            self._in_hand = 0

    async def _write_what_can_be(self, batch: list[StoredMessage]) -> None:
        """Halves a batch that the database refuses, until what it refuses is found."""
        if not batch:
            return
        try:
            await self._write(batch)
        except BadRecord as error:
            if len(batch) == 1:
                log.error("a message can never be stored: %s", error)
                return
            middle = len(batch) // 2
            await self._write_what_can_be(batch[:middle])
            await self._write_what_can_be(batch[middle:])
