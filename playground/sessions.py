"""Gateway sessions: numbered events per session, kept for a while so that a dropped socket can resume without loss.

It does not know sockets: a connection reads its session's events by number and waits for more.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from playground.models import Payload, User

BUFFER_EVENTS = 2_000
"""Events kept per session. Who falls further behind must identify anew."""

RESUMABLE_S = 180.0
"""How long a session without a socket is kept."""


@dataclass(slots=True)
class Event:
    sequence: int
    name: str
    data: Payload


class Session:
    """One identified client: who it is, what it wants to hear, and the last events it was sent."""

    def __init__(self, user: User, intents: int, shard: tuple[int, int]) -> None:
        self.id = secrets.token_hex(16)
        self.user = user
        self.intents = intents
        self.shard = shard
        self.sequence = 0
        self.connection: object | None = None
        self.left_at: float | None = None
        self._events: deque[Event] = deque(maxlen=BUFFER_EVENTS)
        self._more = asyncio.Event()

    def push(self, name: str, data: Payload) -> None:
        self.sequence += 1
        self._events.append(Event(self.sequence, name, data))
        self.wake()

    def wake(self) -> None:
        """Lets the waiting connection look again (new events, or it was replaced)."""
        self._more.set()

    def after(self, sequence: int) -> list[Event] | None:
        """The events behind `sequence`; None when some of them are not kept any more, or were never sent."""
        if sequence > self.sequence:
            return None
        first_kept = self._events[0].sequence if self._events else self.sequence + 1
        if sequence + 1 < first_kept:
            return None
        return [event for event in self._events if event.sequence > sequence]

    async def wait(self) -> None:
        """Returns at the next `wake`; call it after `after` gave nothing (no event can slip in between)."""
        self._more.clear()
        await self._more.wait()

    def wants(self, needed: int) -> bool:
        return not needed or bool(self.intents & needed)

    def has_shard_of(self, guild_id: int | None) -> bool:
        index, count = self.shard
        return (0 if guild_id is None else (guild_id >> 22) % count) == index


@dataclass(slots=True)
class Sessions:
    """Every session, with or without a socket."""

    clock: Callable[[], float] = time.monotonic
    all: dict[str, Session] = field(default_factory=dict)

    def open(self, user: User, intents: int, shard: tuple[int, int]) -> Session:
        self._forget_the_lost()
        session = Session(user, intents, shard)
        self.all[session.id] = session
        return session

    def find(self, session_id: str, user: User) -> Session | None:
        self._forget_the_lost()
        session = self.all.get(session_id)
        return session if session is not None and session.user.id == user.id else None

    def online(self, user_id: int) -> bool:
        return any(one.user.id == user_id and one.connection is not None for one in self.all.values())

    def attach(self, session: Session, connection: object) -> None:
        """Gives the session to a connection; one that held it before notices and goes."""
        session.connection = connection
        session.left_at = None
        session.wake()

    def detach(self, session: Session, connection: object, *, forget: bool) -> None:
        """The connection is gone; `forget` ends the session, otherwise it is kept for a resume."""
        if session.connection is not connection:
            return
        session.connection = None
        session.left_at = self.clock()
        if forget:
            self.forget(session)

    def forget(self, session: Session) -> None:
        """Ends the session: it can be resumed no more."""
        self.all.pop(session.id, None)

    def wake_all(self) -> None:
        """Every connection looks again."""
        for session in self.all.values():
            session.wake()

    def _forget_the_lost(self) -> None:
        now = self.clock()
        lost = [one.id for one in self.all.values() if one.left_at is not None and now - one.left_at > RESUMABLE_S]
        for identity in lost:
            del self.all[identity]
