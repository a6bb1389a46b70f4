"""Who is next: priority classes, then turns between guilds, then between the people of a guild, then first come.

Pure: no clock, no asyncio, no engine. It does not know what a job computes, only what it may cost in tokens.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from llm.types import Priority

CLASSES: tuple[Priority, ...] = get_args(Priority)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request's place: `cost` is the most tokens of KV cache it can come to hold (prompt and answer)."""

    id: str
    priority: Priority
    guild: str
    person: str
    cost: int


class Full(Exception):
    """As many tickets wait as are allowed to."""


def parse_user(user: str | None) -> tuple[str, str]:
    """`"<guild_id>/<person_id>"` → (guild, person). Without a slash the whole is a person outside any guild."""
    guild, slash, person = (user or "").partition("/")
    return (guild, person) if slash else ("", guild)


class FairLine:
    """The waiting tickets of one class: guilds take turns, inside a guild its people take turns."""

    def __init__(self) -> None:
        self._guilds: OrderedDict[str, OrderedDict[str, deque[Ticket]]] = OrderedDict()

    def add(self, ticket: Ticket) -> None:
        self._guilds.setdefault(ticket.guild, OrderedDict()).setdefault(ticket.person, deque()).append(ticket)

    def remove(self, ticket: Ticket) -> None:
        people = self._guilds[ticket.guild]
        people[ticket.person].remove(ticket)
        self._drop_empty(ticket)

    def take(self, ticket: Ticket) -> None:
        """Serve the head of the line: its guild and its person go to the end of their rounds."""
        people = self._guilds[ticket.guild]
        people[ticket.person].popleft()
        people.move_to_end(ticket.person)
        self._guilds.move_to_end(ticket.guild)
        self._drop_empty(ticket)

    def _drop_empty(self, ticket: Ticket) -> None:
        people = self._guilds[ticket.guild]
        if not people[ticket.person]:
            del people[ticket.person]
        if not people:
            del self._guilds[ticket.guild]

    def order(self) -> Iterator[Ticket]:
        """All tickets in the order in which they would be taken if nobody else came."""
        rounds = deque(deque(deque(own) for own in people.values()) for people in self._guilds.values())
        while rounds:
            people = rounds.popleft()
            own = people.popleft()
            yield own.popleft()
            if own:
                people.append(own)
            if people:
                rounds.append(people)


class Admission:
    """A bounded queue in front of an engine that runs `max_running` tickets of together `capacity` tokens.

    The next ticket waits until it fits; nobody overtakes it, so that a long request is never starved by short ones."""

    def __init__(self, max_waiting: int, max_running: int, capacity: int) -> None:
        self._max_waiting = max_waiting
        self._max_running = max_running
        self._capacity = capacity
        self._lines: dict[Priority, FairLine] = {name: FairLine() for name in CLASSES}
        self._waiting: dict[str, Ticket] = {}
        self._running: dict[str, Ticket] = {}

    def enter(self, ticket: Ticket) -> None:
        """Put a ticket into the queue. Raises Full, and ValueError for one that could never run."""
        if ticket.cost > self._capacity:
            raise ValueError(f"a request of {ticket.cost} tokens can never fit a capacity of {self._capacity}")
        if len(self._waiting) >= self._max_waiting:
            raise Full
        self._waiting[ticket.id] = ticket
        self._lines[ticket.priority].add(ticket)

    def leave(self, ticket_id: str) -> None:
        """Forget a ticket, waiting or running; what it held is free again. Unknown ids are no error."""
        self._running.pop(ticket_id, None)
        waiting = self._waiting.pop(ticket_id, None)
        if waiting is not None:
            self._lines[waiting.priority].remove(waiting)

    def admit(self) -> list[Ticket]:
        """Move every ticket that may run now from waiting to running, and return them."""
        admitted: list[Ticket] = []
        while (ticket := next(self._order(), None)) is not None and self._fits(ticket):
            self._lines[ticket.priority].take(ticket)
            self._running[ticket.id] = self._waiting.pop(ticket.id)
            admitted.append(ticket)
        return admitted

    def positions(self) -> dict[str, int]:
        """How many go before each waiting ticket, were nobody else to come; 0 is next."""
        return {ticket.id: place for place, ticket in enumerate(self._order())}

    def waiting(self) -> dict[Priority, int]:
        """Waiting tickets by class."""
        counts: dict[Priority, int] = dict.fromkeys(CLASSES, 0)
        for ticket in self._waiting.values():
            counts[ticket.priority] += 1
        return counts

    @property
    def running(self) -> int:
        return len(self._running)

    def _order(self) -> Iterator[Ticket]:
        for name in CLASSES:
            yield from self._lines[name].order()

    def _fits(self, ticket: Ticket) -> bool:
        held = sum(other.cost for other in self._running.values())
        return len(self._running) < self._max_running and held + ticket.cost <= self._capacity
