"""Who is next: the more urgent class, then the guild, then the person that has had the least, then first come.

A class that waits is let past after a stated amount of other people's tokens, so nothing starves; one guild, one person
or the background cannot fill the queue; what does not fit the KV cache yet is overtaken, but not for ever.

Pure: no clock, no asyncio, no engine. It does not know what a job computes, only how many tokens it may come to hold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import get_args

from llm.types import Priority
from llm.worker.shares import Share

CLASSES: tuple[Priority, ...] = get_args(Priority)

AGING = 8  # a class that waits gets a turn when this many times its next ticket's tokens have gone before it
BACKGROUND_SHARE = 0.75  # of the places and of the cache: the rest stays free for people, who would wait for an end
GUILD_SHARE, PERSON_SHARE = 8, 2  # a guild, a person may wait with so many tickets for each waiting place that is free
CLASS_SHARE: dict[Priority, float] = {"interactive": math.inf, "command": 4, "background": 1}
LOOKAHEAD = 64  # heads of queues looked at when the first one does not fit


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request's place: the tokens of its prompt, and the most that its answer can come to."""

    id: str
    priority: Priority
    guild: str
    person: str
    prompt: int
    answer: int

    @property
    def cost(self) -> int:
        """Tokens of KV cache that it can come to hold."""
        return self.prompt + self.answer

    @property
    def path(self) -> tuple[str, str]:
        """Where its turn is decided, inside its class."""
        return self.guild, self.person


class Full(Exception):
    """As many tickets wait as may: `who` is `"queue"`, or the `"guild"`, the `"person"` or the class at its bound."""

    def __init__(self, who: str, waiting: int) -> None:
        super().__init__(f"{waiting} waiting in this {who}")
        self.who = who
        self.waiting = waiting


def parse_user(user: str | None) -> tuple[str, str]:
    """`"<guild_id>/<person_id>"` → (guild, person). Without a slash the whole is a person outside any guild."""
    guild, slash, person = (user or "").partition("/")
    return (guild, person) if slash else ("", guild)


class Admission:
    """A bounded queue in front of an engine that runs `max_running` tickets of together `capacity` tokens.

    Room is given in whole pages of `page` tokens, as the KV cache gives it."""

    def __init__(self, max_waiting: int, max_running: int, capacity: int, page: int = 1) -> None:
        self._max_waiting = max_waiting
        self.max_running = max_running
        self.wanted = 0  # tokens that the waiting tickets cost together
        self._capacity = capacity
        self._page = page
        self._lines: dict[Priority, Share[Ticket]] = {name: Share() for name in CLASSES}
        self._waiting: dict[str, Ticket] = {}
        self._running: dict[str, Ticket] = {}
        self._groups: Counter[tuple[str, ...]] = Counter()  # waiting tickets of each guild, person and class
        self._held: Counter[Priority] = Counter()  # tokens of cache in the hands of each class
        self._places: Counter[Priority] = Counter()  # running tickets of each class
        self._passed: Counter[Priority] = Counter()  # tokens that went before a class that waits, since its last turn
        self._overtaken: Counter[str] = Counter()  # tokens that went before a ticket because it did not fit

    def check(self, priority: Priority, guild: str, person: str) -> None:
        """Whether one more of these may wait now. Raises Full.

        While some flood, others still find a place: a guild waits with at most GUILD_SHARE tickets for each place that
        is left free, a class likewise, and a person also by what its guild has left (dynamic thresholds: Choudhury and
        Hahne, 1998). Nobody knows who the nameless are, so that they are bounded together only."""
        free = self._max_waiting - len(self._waiting)
        if free <= 0:
            raise Full("queue", len(self._waiting))
        of_guild, of_person, of_class = (self._groups[group] for group in _groups(priority, guild, person))
        left = GUILD_SHARE * free - of_guild
        if left <= 0:
            raise Full("guild", of_guild)
        if (guild or person) and of_person >= PERSON_SHARE * min(free, left):
            raise Full("person", of_person)
        if of_class >= CLASS_SHARE[priority] * free:
            raise Full(priority, of_class)

    def enter(self, ticket: Ticket) -> None:
        """Put a ticket into the queue. Raises Full, and ValueError for one that could never run."""
        if self._room(ticket) > self._capacity:
            raise ValueError(f"a request of {ticket.cost} tokens can never fit a capacity of {self._capacity}")
        self.check(ticket.priority, ticket.guild, ticket.person)
        self._waiting[ticket.id] = ticket
        self.wanted += ticket.cost
        self._groups.update(_groups(ticket.priority, ticket.guild, ticket.person))
        self._lines[ticket.priority].add(ticket.path, ticket)

    def leave(self, ticket_id: str) -> None:
        """Forget a ticket, waiting or running; what it held is free again. Unknown ids are no error."""
        if (ticket := self._running.pop(ticket_id, None)) is not None:
            self._held[ticket.priority] -= self._room(ticket)
            self._places[ticket.priority] -= 1
            self._lines[ticket.priority].end(ticket.path)
        elif (ticket := self._waiting.pop(ticket_id, None)) is not None:
            self._lines[ticket.priority].remove(ticket.path, ticket)
            self._no_longer_waits(ticket)

    def resize(self, capacity: int) -> list[Ticket]:
        """The engine's cache has another size now. Forgets and returns those who wait and can never fit any more; what
        runs beyond a smaller capacity goes on, and nothing new begins until there is room again."""
        smaller, self._capacity = capacity < self._capacity, capacity
        if not smaller:
            return []
        lost = [ticket for ticket in self._waiting.values() if self._room(ticket) > capacity]
        for ticket in lost:
            self.leave(ticket.id)
        return lost

    def spend(self, ticket_id: str, tokens: int) -> None:
        """Charge guild and person with what a running ticket has used beyond its prompt, which is charged when it
        begins; less than nothing is given back (prompt tokens that were reused). Unknown ids are no error."""
        if (ticket := self._running.get(ticket_id)) is not None:
            self._lines[ticket.priority].spend(ticket.path, tokens, ticket.cost, self.held)

    def admit(self) -> list[Ticket]:
        """Move every ticket that may run now from waiting to running, and return them."""
        admitted: list[Ticket] = []
        while len(self._running) < self.max_running and (ticket := self._choose()) is not None:
            self._start(ticket)
            admitted.append(ticket)
        return admitted

    def order(self) -> Iterator[Ticket]:
        """The waiting tickets in the order of their turns, were nobody else to come and everything to fit."""
        lines = {name: line.order() for name, line in self._lines.items() if line.waiting}
        heads = {name: next(tickets) for name, tickets in lines.items()}
        passed = self._passed.copy()
        while heads:
            ticket = heads[_classes(heads, passed)[0]]
            yield ticket
            following = next(lines[ticket.priority], None)
            if following is None:
                del heads[ticket.priority]
            else:
                heads[ticket.priority] = following
            _age(passed, heads, ticket)

    def waiting(self) -> dict[Priority, int]:
        """Waiting tickets by class."""
        return {name: line.waiting for name, line in self._lines.items()}

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def held(self) -> int:
        """Tokens of cache that running tickets have reserved."""
        return self._held.total()

    def _choose(self) -> Ticket | None:
        """The next ticket that may run. One that does not fit is overtaken by others, until as many tokens as it asks
        for itself have gone before it; from then on what gets free is kept for it."""
        overtaken: list[Ticket] = []
        for ticket in islice(self._candidates(), LOOKAHEAD):
            if self._fits(ticket):
                for other in overtaken:
                    self._overtaken[other.id] += ticket.cost
                return ticket
            if self._overtaken[ticket.id] >= ticket.cost:
                return None
            overtaken.append(ticket)
        return None

    def _candidates(self) -> Iterator[Ticket]:
        """The first ticket of everybody who waits, by class, guild and person."""
        heads = {name: next(line.heads()) for name, line in self._lines.items() if line.waiting}
        for name in _classes(heads, self._passed, resting=self._resting(heads.get("background"))):
            yield from self._lines[name].heads()

    def _resting(self, background: Ticket | None) -> bool:
        """Whether the background has what it may have: then it does not go before others, however long it waits."""
        return background is not None and not self._fits_background(background)

    def _start(self, ticket: Ticket) -> None:
        self._lines[ticket.priority].take(ticket.path)
        self._running[ticket.id] = self._waiting.pop(ticket.id)
        self._held[ticket.priority] += self._room(ticket)
        self._places[ticket.priority] += 1
        self._no_longer_waits(ticket)
        self.spend(ticket.id, ticket.prompt)
        _age(self._passed, [name for name, others in self._lines.items() if others.waiting], ticket)

    def _no_longer_waits(self, ticket: Ticket) -> None:
        self.wanted -= ticket.cost
        del self._overtaken[ticket.id]
        for group in _groups(ticket.priority, ticket.guild, ticket.person):
            self._groups[group] -= 1
            if not self._groups[group]:
                del self._groups[group]
        if not self._lines[ticket.priority].waiting:
            del self._passed[ticket.priority]

    def _room(self, ticket: Ticket) -> int:
        """Tokens of cache that are kept for a ticket: whole pages."""
        return -(-ticket.cost // self._page) * self._page

    def _fits(self, ticket: Ticket) -> bool:
        fits = self.held + self._room(ticket) <= self._capacity
        return fits and (ticket.priority != "background" or self._fits_background(ticket))

    def _fits_background(self, ticket: Ticket) -> bool:
        """Whether the background stays within its share; one ticket of it may run in any case."""
        places, held = self._places["background"], self._held["background"] + self._room(ticket)
        within = places < BACKGROUND_SHARE * self.max_running and held <= BACKGROUND_SHARE * self._capacity
        return within or not places


def _groups(priority: Priority, guild: str, person: str) -> tuple[tuple[str, ...], ...]:
    """What a ticket counts for while it waits: its guild, its person, its class."""
    return ("guild", guild), ("person", guild, person), ("class", priority)


def _classes(heads: Mapping[Priority, Ticket], passed: Counter[Priority], resting: bool = False) -> list[Priority]:
    """The classes that wait, in the order of their turns: urgent before less urgent, unless one has aged enough.

    `heads`: the next ticket of each; `resting`: the background does not age now."""
    due = [name for name, head in heads.items() if passed[name] and passed[name] >= AGING * head.cost]
    if resting and "background" in due:
        due.remove("background")
    return sorted(heads, key=lambda name: (name not in due, CLASSES.index(name)))


def _age(passed: Counter[Priority], waiting: Iterable[Priority], ticket: Ticket) -> None:
    """A ticket has gone before the classes that wait; its own begins anew."""
    for name in waiting:
        passed[name] = 0 if name == ticket.priority else passed[name] + ticket.cost
