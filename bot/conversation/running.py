"""The replies that are in the making, and how somebody ends one early. Does not know how an answer is made or shown."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum

import discord

from bot.conversation.lanes import Place

REMEMBERED_DELETIONS = 1000
"""Other bots delete within milliseconds, while the message itself still waits for its turn."""


class Why(Enum):
    """Why a reply was ended early."""

    PRESSED = "somebody pressed Stop"
    DELETED = "the question was deleted"
    PAUSED = "a moderator paused Steward"


class Running:
    """One reply in the making, in the conversation `key`."""

    def __init__(self, question: discord.Message, key: int, place: Place) -> None:
        self.question = question
        self.key = key
        self.place = place
        self.why_stopped: Why | None = None
        self._begins_anew = False
        self._limit: asyncio.Timeout | None = None

    @property
    def begins_anew(self) -> bool:
        """Whether the answer that is being written is no longer wanted, but another one is."""
        return self._begins_anew and self.why_stopped is None

    def stop(self, why: Why) -> None:
        """End it now, with what there is; the first reason counts."""
        self.why_stopped = self.why_stopped or why
        self._interrupt()

    def begin_anew(self, question: discord.Message) -> None:
        """Write another answer: to this question, as it is now."""
        self.question = question
        self._begins_anew = True
        self._interrupt()

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """The body writes an answer; it is left early, without an error, when somebody stops it or wants another."""
        self._begins_anew = False
        limit = asyncio.timeout(0 if self.why_stopped else None)
        try:
            async with limit:
                self._limit = limit
                yield
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            self._limit = None

    def _interrupt(self) -> None:
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())


class Replies:
    """All replies in the making."""

    def __init__(self) -> None:
        self._running: set[Running] = set()
        self._deleted: deque[int] = deque(maxlen=REMEMBERED_DELETIONS)

    @contextmanager
    def opened(self, running: Running) -> Iterator[Running]:
        """Keep it during the body."""
        self._running.add(running)
        if running.question.id in self._deleted:
            running.stop(Why.DELETED)
        try:
            yield running
        finally:
            self._running.discard(running)

    def to(self, question_id: int) -> Running | None:
        """The reply to this message, if one is in the making."""
        return next((running for running in self._running if running.question.id == question_id), None)

    def stop_to(self, question_ids: Collection[int]) -> None:
        """These messages were deleted, perhaps while they were still on their way here."""
        self._deleted.extend(question_ids)
        for running in list(self._running):
            if running.question.id in question_ids:
                running.stop(Why.DELETED)
