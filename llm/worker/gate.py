"""The asyncio side of admission: requests wait here, see their place, are let through. It knows no tokens, no text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from time import monotonic

from llm.types import Priority, QueuePosition
from llm.worker.admission import Admission, Full, Ticket
from llm.worker.errors import ContextExceeded, NotReady, QueueFull

RETRY_S = 5.0  # when to come back to a worker that is ending
FIRST_GUESS_S = 0.01  # seconds for a token of a request's cost, before the first request was measured
SMOOTHING = 0.2  # weight of the newest measurement in the running mean
UPDATE_S = 1.0  # those who wait are told their place no more often than this
NOTICEABLE = 0.2  # an estimate that changed by less than this share, or by less than a second, is not told anew


@dataclass(slots=True)
class _Place:
    """One ticket's way through the gate."""

    ticket: Ticket
    told: QueuePosition | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: float | None = None
    too_big: bool = False


class Gate:
    """Lets tickets through when admission says so. For one event loop.

    `capacity()` is the tokens of KV cache that there are; lack of memory may make them fewer while requests wait."""

    def __init__(
        self,
        admission: Admission,
        max_wait_s: float,
        capacity: Callable[[], int],
        update_s: float = UPDATE_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._admission = admission
        self._max_wait_s = max_wait_s
        self._capacity = capacity
        self._update_s = update_s
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._token_s = FIRST_GUESS_S
        self._closed: str | None = None
        self._told_at: float | None = None  # in the loop's time
        self._next_telling: asyncio.TimerHandle | None = None

    def check(self, priority: Priority, guild: str, person: str) -> None:
        """Whether such a request could join the queue now. Raises QueueFull, NotReady."""
        self._check_open()
        try:
            self._admission.check(priority, guild, person)
        except Full as full:
            raise self._full(full) from None

    def enter(self, ticket: Ticket) -> None:
        """Join the queue. Raises QueueFull, NotReady. Who entered must `leave`, whatever happens."""
        self._check_open()
        try:
            self._admission.enter(ticket)
        except Full as full:
            raise self._full(full) from None
        self._places[ticket.id] = _Place(ticket)
        self._let_through()

    async def wait(self, ticket_id: str) -> AsyncGenerator[QueuePosition, None]:
        """Yield the place in the queue as it changes; end when the ticket is let through.

        Raises NotReady when that takes longer than `max_wait_s` or when the gate is closed meanwhile, and
        ContextExceeded when the KV cache has become too small for it."""
        place = self._places[ticket_id]
        shown: QueuePosition | None = None
        deadline = asyncio.get_running_loop().time() + self._max_wait_s
        while place.started_at is None:
            self._check_open()
            if place.too_big:
                raise ContextExceeded(
                    f"The request needs {place.ticket.cost} tokens of KV cache; a lack of memory has left only "
                    f"{self._capacity()}: ask for less."
                )
            if place.told is not None and place.told != shown:
                shown = place.told
                yield shown
            else:
                await self._changed(place, deadline)

    async def _changed(self, place: _Place, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await place.changed.wait()
        except TimeoutError:
            raise NotReady(
                f"The request waited {self._max_wait_s:g} s without a turn; try again later.",
                code="queue_timeout",
                retry_after_s=self.eta_s,
            ) from None
        place.changed.clear()

    def spend(self, ticket_id: str, tokens: int) -> None:
        """Charge a request that was let through with tokens, beyond those of its prompt; see Admission.spend."""
        self._admission.spend(ticket_id, tokens)

    def leave(self, ticket_id: str) -> None:
        """The request is over, or gave up: free its place and let the next one through. Unknown ids are no error."""
        place = self._places.pop(ticket_id, None)
        if place is None:
            return
        if place.started_at is not None:
            token_s = (self._clock() - place.started_at) / max(1, place.ticket.cost)
            self._token_s += SMOOTHING * (token_s - self._token_s)
        self._admission.leave(ticket_id)
        self._let_through()

    def close(self, reason: str) -> None:
        """Let nobody through any more; those who wait are refused with the reason."""
        self._closed = reason
        for place in self._places.values():
            place.changed.set()

    def waiting(self) -> dict[Priority, int]:
        """Waiting requests by class."""
        return self._admission.waiting()

    @property
    def running(self) -> int:
        return self._admission.running

    @property
    def eta_s(self) -> float:
        """Estimated seconds until a request that joins the end of the queue gets its turn."""
        if not self._admission.wanted and self._admission.running < self._admission.max_running:
            return 0.0
        return self._estimate(self._admission.wanted)

    def _check_open(self) -> None:
        if self._closed is not None:
            raise NotReady(self._closed, retry_after_s=RETRY_S)

    def _full(self, full: Full) -> QueueFull:
        """Come back when half of those who wait will have had their turn: then many find a place, not just one."""
        whose = {"queue": "", "guild": " from this server", "person": " from this person"}
        kind = whose.get(full.who, f" of the {full.who} kind")
        return QueueFull(
            f"{full.waiting} requests{kind} are waiting already, which is as many as may; try again later.",
            retry_after_s=self._estimate(self._admission.wanted // 2),
        )

    def _let_through(self) -> None:
        if self._closed is not None:
            return
        for ticket in self._admission.resize(self._capacity()):
            self._places[ticket.id].too_big = True
            self._places[ticket.id].changed.set()
        for ticket in self._admission.admit():
            place = self._places[ticket.id]
            place.started_at = self._clock()
            place.changed.set()
        self._tell_soon()

    def _tell_soon(self) -> None:
        """See that everybody who waits hears of changes: at once when the last time is long ago, else in a while."""
        if self._next_telling is None and self._admission.wanted:
            loop = asyncio.get_running_loop()
            earliest = loop.time() if self._told_at is None else self._told_at + self._update_s
            self._next_telling = loop.call_at(earliest, self._tell, loop)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work out all places at once: that costs more than telling one, and is the same for all."""
        self._next_telling, self._told_at = None, loop.time()
        ahead = 0
        for position, ticket in enumerate(self._admission.order()):
            place, eta_s = self._places[ticket.id], self._estimate(ahead)
            if place.told is None or place.told.position != position or _differ(place.told.eta_s, eta_s):
                place.told = QueuePosition(position, eta_s)
                place.changed.set()
            ahead += ticket.cost

    def _estimate(self, ahead: int) -> float:
        """Seconds until a place is free for the request that has `ahead` tokens before it.

        One of those that run must end first, then all those ahead; as many at a time as run now."""
        running = max(1, self._admission.running)
        return round((self._admission.held / running + ahead) * self._token_s / running, 1)


def _differ(told_s: float, eta_s: float) -> bool:
    return abs(told_s - eta_s) > max(1.0, NOTICEABLE * told_s)
