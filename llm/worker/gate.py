"""The asyncio side of admission: requests wait here, see their place, are let through. It knows no tokens, no text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from time import monotonic

from llm.types import QueuePosition
from llm.worker.admission import Admission, Full, Ticket
from llm.worker.errors import NotReady, QueueFull

FIRST_GUESS_S = 5.0  # how long a request takes, before the first one was measured
SMOOTHING = 0.2  # weight of the newest duration in the running mean


@dataclass(slots=True)
class _Place:
    """One ticket's way through the gate."""

    ticket: Ticket
    position: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: float | None = None


class Gate:
    """Lets tickets through when admission says so. One event loop; `max_running` is only for the estimate."""

    def __init__(
        self, admission: Admission, max_running: int, max_wait_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._admission = admission
        self._max_running = max_running
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._service_s = FIRST_GUESS_S
        self._closed: str | None = None

    def enter(self, ticket: Ticket) -> None:
        """Join the queue. Raises QueueFull, NotReady. Who entered must `leave`, whatever happens."""
        self._check_open()
        try:
            self._admission.enter(ticket)
        except Full:
            raise QueueFull(
                f"{self.waiting_total()} requests are waiting already; try again later.",
                retry_after_s=self.eta_s(0),
            ) from None
        self._places[ticket.id] = _Place(ticket)
        self._let_through()

    async def wait(self, ticket_id: str) -> AsyncGenerator[QueuePosition, None]:
        """Yield the place in the queue whenever it changes; end when the ticket is let through.

        Raises NotReady when that takes longer than `max_wait_s`, or when the gate is closed meanwhile."""
        place = self._places[ticket_id]
        shown: int | None = None
        deadline = asyncio.get_running_loop().time() + self._max_wait_s
        while place.started_at is None:
            self._check_open()
            if place.position != shown:
                shown = place.position
                yield QueuePosition(shown, self.eta_s(shown))
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
                retry_after_s=self.eta_s(self.waiting_total()),
            ) from None
        place.changed.clear()

    def close(self, reason: str) -> None:
        """Let nobody through any more; those who wait are refused with the reason."""
        self._closed = reason
        for place in self._places.values():
            place.changed.set()

    def _check_open(self) -> None:
        if self._closed is not None:
            raise NotReady(self._closed, retry_after_s=FIRST_GUESS_S)

    def leave(self, ticket_id: str) -> None:
        """The request is over, or gave up: free its place and let the next one through."""
        place = self._places.pop(ticket_id, None)
        if place is None:
            return
        if place.started_at is not None:
            self._service_s += SMOOTHING * (self._clock() - place.started_at - self._service_s)
        self._admission.leave(ticket_id)
        self._let_through()

    def _let_through(self) -> None:
        if self._closed is not None:
            return
        for ticket in self._admission.admit():
            self._places[ticket.id].started_at = self._clock()
        positions = self._admission.positions()
        for ticket_id, place in self._places.items():
            place.position = positions.get(ticket_id, 0)
            place.changed.set()

    def eta_s(self, position: int) -> float:
        """Estimated seconds until the request at this position gets its turn."""
        return round(self._service_s * (position + 1) / self._max_running, 1)

    def waiting(self) -> dict[str, int]:
        """Waiting requests by class."""
        return {str(name): count for name, count in self._admission.waiting().items()}

    def waiting_total(self) -> int:
        return sum(self._admission.waiting().values())

    @property
    def running(self) -> int:
        return self._admission.running
