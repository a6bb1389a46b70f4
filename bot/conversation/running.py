"""The replies that are in the making, and how somebody ends one early. Does not know how an answer is made or shown."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum
from weakref import WeakValueDictionary

import discord

from bot.conversation.bursts import Burst
from bot.conversation.lanes import Place
from bot.conversation.pausing import Pauses
from bot.metering import Payer
from bot.settings.resolving import Where
from bot.settings.rules import Rules
from storage.choices import Consent

AS_EVER = Rules()
NOBODY: frozenset[int] = frozenset()
REMEMBERED_DELETIONS = 1000
"""Other bots delete within milliseconds, while the message itself still waits for its turn."""


class Why(Enum):
    """Why a reply was ended early."""

    PRESSED = "somebody pressed Stop"
    DELETED = "the question was deleted"
    PAUSED = "a moderator paused Steward"
    CLOSING = "Steward is being shut down"
    ANSWERED = "somebody replied to what stood there before"
    LEFT = "the asker wants nothing of theirs kept"


class Running:
    """One reply in the making, in the conversation `key`, for `asker_id`, which a proxy's copy of a question lacks.

    `burst` says until when further messages of the asker belong to the question; None where each is one. `chosen` is
    what the asker said yes to; `rules` hold for the asker there. `room` is the thread that the answer goes into, where
    that is not the place of the question. `spot` and `asker`: where, and by whom, as Discord knows them; `payer`: whose
    use the answer is. `is_ending`: nothing is written any more, and Discord is being shown the end; `shown`: it is, and
    known as the newest reply, or there will be none. `parts`: ids of all messages that were posted for it. `reads`: the
    ids of those whose words it is written from; None where that may be anybody."""

    def __init__(
        self,
        question: discord.Message,
        key: int,
        place: Place,
        *,
        asker_id: int,
        burst: Burst | None = None,
        chosen: Collection[Consent] = (),
        rules: Rules = AS_EVER,
        spot: Where | None = None,
        asker: discord.abc.User | None = None,
        payer: Payer | None = None,
    ) -> None:
        self.question = question
        self.key = key
        self.place = place
        self.asker_id = asker_id
        self.burst = burst
        self.chosen = frozenset(chosen)
        self.rules = rules
        self.room: discord.Thread | None = None
        self.spot = spot
        self.asker = asker
        self.payer = payer or Payer(asker_id, spot)
        self.has_begun = False
        self.is_ending = False
        self.shown = asyncio.Event()
        self.parts: list[int] = []
        self.reads: frozenset[int] | None = NOBODY
        self._earlier: list[discord.Message] = []
        self._names = {question.id}
        self.why_stopped: Why | None = None
        self._begins_anew = False
        self._limit: asyncio.Timeout | None = None

    @property
    def places(self) -> list[int]:
        """Where it was asked for and is answered, from the thread up to the server."""
        return [*places_of(self.question), *([self.room.id] if self.room else [])]

    @property
    def begins_anew(self) -> bool:
        """Whether the answer that is being written is no longer wanted, but another one is."""
        return self._begins_anew and self.why_stopped is None

    def stop(self, why: Why) -> None:
        """End it now, with what there is; the first reason counts, unless the asker wants nothing kept."""
        self.why_stopped = why if why is Why.LEFT else self.why_stopped or why
        self._interrupt()

    def joined(self, message: discord.Message) -> None:
        """The asker goes on: one answer to everything. Only before the first word of it."""
        if self.burst is not None:
            self.burst.said()
        self._earlier.append(self.question)
        self._names.add(message.id)
        self.begin_anew(message)

    def deleted(self, message_id: int) -> None:
        """One of the messages that are answered is gone; with the last of them goes the answer."""
        self._earlier = [message for message in self._earlier if message.id != message_id]
        if self.question.id != message_id:
            self.begin_anew(self.question)
        elif self._earlier:
            self.begin_anew(self._earlier.pop())
        else:
            self.stop(Why.DELETED)

    def said(self, message_id: int) -> discord.Message | None:
        """The message with this id, if it is one of those that are answered."""
        return next((message for message in (*self._earlier, self.question) if message.id == message_id), None)

    def edited(self, message: discord.Message) -> None:
        """One of the messages that are answered has another text, or only a link preview."""
        before = self.said(message.id)
        if before is not None and before.content != message.content:
            self._replace(message.id, message)
            self.begin_anew(self.question)

    def replaced(self, message_id: int, copy: discord.Message) -> None:
        """A proxy has posted one of the messages that are answered again; the text is the same."""
        self._replace(message_id, copy)
        if not self.has_begun:
            self.begin_anew(self.question)

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

    def is_called(self, message_id: int) -> bool:
        """Whether it answers, or answered at first, this message: a button may still name one that was replaced."""
        return message_id in self._names

    def _replace(self, message_id: int, by: discord.Message) -> None:
        self._names.add(by.id)
        self._earlier = [by if message.id == message_id else message for message in self._earlier]
        self.question = by if self.question.id == message_id else self.question

    def _interrupt(self) -> None:
        limit, self._limit = self._limit, None  # once: a limit that is expiring cannot be moved any more
        if limit is not None:
            limit.reschedule(asyncio.get_running_loop().time())


class Replies:
    """All replies in the making."""

    def __init__(self, pauses: Pauses) -> None:
        self._pauses = pauses
        self._running: set[Running] = set()
        self._deleted: deque[int] = deque(maxlen=REMEMBERED_DELETIONS)
        self._alone: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._is_closing = False
        self._none_left = asyncio.Event()
        self._none_left.set()

    @contextmanager
    def opened(self, running: Running) -> Iterator[Running]:
        """Keep it during the body. What ends it may have happened while it was still being prepared."""
        self._running.add(running)
        self._none_left.clear()
        why = self._why_never(running)
        if why is not None:
            running.stop(why)
        try:
            yield running
        finally:
            self._running.discard(running)
            if not self._running:
                self._none_left.set()

    def _why_never(self, running: Running) -> Why | None:
        if running.question.id in self._deleted:
            return Why.DELETED
        if self._pauses.hold(*running.places):
            return Why.PAUSED
        return Why.CLOSING if self._is_closing else None

    def alone(self, question_id: int) -> asyncio.Lock:
        """Held by whoever is about to answer a question again: one at a time."""
        lock = self._alone.get(question_id)
        if lock is None:
            lock = self._alone[question_id] = asyncio.Lock()
        return lock

    async def close(self, within_s: float) -> None:
        """End all of them, and those that still begin, and let each person read so; give up after so many seconds."""
        self._is_closing = True
        for running in list(self._running):
            running.stop(Why.CLOSING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._none_left.wait()

    def to(self, question_id: int) -> Running | None:
        """The reply to this message, if one is in the making."""
        return next((running for running in self._running if running.is_called(question_id)), None)

    def answered(self, question_id: int) -> None:
        """Somebody replied to the answer that stands there: another one, of which nothing shows yet, comes too late."""
        running = self.to(question_id)
        if running is not None and not running.has_begun:
            running.stop(Why.ANSWERED)

    def open_for(self, channel_id: int, person_id: int) -> Running | None:
        """The last reply for which this person's further messages are waited, as long as it has not begun."""
        waiting = [
            running
            for running in self._running
            if running.burst is not None
            and not running.has_begun
            and running.why_stopped is None
            and (running.question.channel.id, running.asker_id) == (channel_id, person_id)
        ]
        return max(waiting, key=lambda running: running.question.id, default=None)

    def deleted(self, message_ids: Collection[int]) -> None:
        """These messages were deleted, perhaps while they were still on their way here."""
        self._deleted.extend(message_ids)
        for running in list(self._running):
            for message_id in message_ids:
                if running.said(message_id) is not None:
                    running.deleted(message_id)

    def stop_in(self, place_id: int, why: Why) -> None:
        """End all replies in a server or a channel, its threads included."""
        for running in list(self._running):
            if place_id in running.places:
                running.stop(why)

    def stop_for(self, person_id: int, guild_id: int | None, why: Why) -> None:
        """End all replies to this person, in one server or (None) everywhere."""
        for running in list(self._running):
            place = running.question.guild.id if running.question.guild else None
            if running.asker_id == person_id and guild_id in (None, place):
                running.stop(why)

    def without(self, person_id: int, guild_id: int | None) -> None:
        """Nothing that this person wrote is kept any more, in one server or (None) everywhere: what is being written
        from it for others is written anew."""
        for running in list(self._running):
            place = running.question.guild.id if running.question.guild else None
            is_theirs = running.reads is None or person_id in running.reads
            if is_theirs and guild_id in (None, place) and not running.is_ending:
                running.begin_anew(running.question)


def places_of(message: discord.Message) -> list[int]:
    """Where a message was said: its channel or thread, the channel of the thread, the server."""
    parent = message.channel.parent_id if isinstance(message.channel, discord.Thread) else None
    found = [message.channel.id, parent, message.guild.id if message.guild else None]
    return [place_id for place_id in found if place_id is not None]
