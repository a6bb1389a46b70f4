"""Waiting for one's turn: places, estimates, deadlines, leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest

from llm.types import Priority, QueuePosition
from llm.worker.admission import Admission, Ticket
from llm.worker.errors import ContextExceeded, NotReady, QueueFull
from llm.worker.gate import Gate


def ticket(name: str, cost: int = 10, priority: Priority = "interactive") -> Ticket:
    return Ticket(name, priority, "g", name, 0, cost)


def gate(
    max_waiting: int = 9,
    max_running: int = 1,
    max_wait_s: float = 60,
    capacity: Callable[[], int] = lambda: 100,
    clock: Callable[[], float] = monotonic,
) -> Gate:
    """Tells its places as soon as they change."""
    admission = Admission(max_waiting, max_running, capacity())
    return Gate(admission, max_wait_s, capacity, update_s=0, clock=clock)


async def places(gate: Gate, name: str) -> list[int]:
    return [place.position async for place in gate.wait(name)]


async def rest() -> None:
    """Let everybody react who has something to react to: timers, then those whom they wake."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_first_one_does_not_wait() -> None:
    subject = gate()
    subject.enter(ticket("a"))
    assert await places(subject, "a") == []
    assert subject.running == 1


async def test_those_behind_see_themselves_move_up_and_get_their_turn() -> None:
    subject = gate()
    for name in "abc":
        subject.enter(ticket(name))
    waiting = asyncio.create_task(places(subject, "c"))
    await rest()
    subject.leave("a")
    await rest()
    subject.leave("b")
    assert await waiting == [1, 0]


async def test_one_who_gives_up_lets_the_others_through() -> None:
    subject = gate()
    for name in "abc":
        subject.enter(ticket(name))
    subject.leave("b")
    subject.leave("a")
    assert await places(subject, "c") == []


async def test_a_waiting_task_that_is_cancelled_frees_its_place() -> None:
    subject = gate(max_waiting=1)

    async def request(name: str) -> None:
        try:
            await places(subject, name)
        finally:
            subject.leave(name)

    subject.enter(ticket("a"))
    subject.enter(ticket("b"))
    waiting = asyncio.create_task(request("b"))
    await rest()
    with pytest.raises(QueueFull):
        subject.check("interactive", "g", "c")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    subject.enter(ticket("c"))
    subject.leave("a")
    assert await places(subject, "c") == []


async def test_places_are_told_together_and_not_too_often() -> None:
    admission = Admission(max_waiting=9, max_running=1, capacity=100)
    subject = Gate(admission, 60, lambda: 100, update_s=1000)
    for name in "abcd":
        subject.enter(ticket(name))
    told: list[QueuePosition] = []

    async def listen() -> None:
        async for place in subject.wait("d"):
            told.append(place)

    waiting = asyncio.create_task(listen())
    await rest()
    subject.leave("a")
    await rest()
    assert [place.position for place in told] == [2]
    subject.leave("b")
    subject.leave("c")
    await waiting
    assert len(told) == 1


async def test_full_says_when_to_come_back() -> None:
    subject = gate(max_waiting=1)
    subject.enter(ticket("a"))
    subject.enter(ticket("b"))
    with pytest.raises(QueueFull):
        subject.check("interactive", "g", "c")
    with pytest.raises(QueueFull) as refused:
        subject.enter(ticket("c"))
    assert int(refused.value.headers()["Retry-After"]) >= 1
    subject.leave("c")
    assert sum(subject.waiting().values()) == 1


async def test_one_person_is_told_that_it_is_their_own_requests_that_wait() -> None:
    subject = gate(max_waiting=6)
    subject.enter(ticket("running"))
    for name in "abcd":
        subject.enter(Ticket(name, "interactive", "g", "loud", 0, 1))
    with pytest.raises(QueueFull, match="4 requests from this person"):
        subject.check("interactive", "g", "loud")
    subject.check("interactive", "g", "quiet")


async def test_nobody_waits_for_ever() -> None:
    subject = gate(max_wait_s=0.01)
    subject.enter(ticket("a"))
    subject.enter(ticket("b"))
    with pytest.raises(NotReady) as refused:
        await places(subject, "b")
    assert refused.value.code == "queue_timeout"
    assert int(refused.value.headers()["Retry-After"]) >= 1


async def test_the_estimate_follows_what_was_measured() -> None:
    now = 0.0
    subject = gate(max_running=2, clock=lambda: now)
    for number in range(50):
        subject.enter(ticket(str(number)))
        now += 2.0
        subject.leave(str(number))
    assert subject.eta_s == 0.0
    for name in "abcd":
        subject.enter(ticket(name))
    # two places, each of which is free every two seconds: the next one waits 1 s, the one after it 2 s, a new one 3 s
    assert subject.eta_s == pytest.approx(3.0, abs=0.1)
    shown = [await anext(subject.wait(name)) for name in "cd"]
    assert [place.position for place in shown] == [0, 1]
    assert [place.eta_s for place in shown] == pytest.approx([1.0, 2.0], abs=0.1)


async def test_the_estimate_weighs_those_ahead() -> None:
    now = 0.0
    subject = gate(clock=lambda: now)
    for number in range(50):
        subject.enter(ticket(str(number), cost=10))
        now += 1.0
        subject.leave(str(number))
    for name, cost in (("a", 10), ("b", 80), ("c", 10)):
        subject.enter(ticket(name, cost))
    assert (await anext(subject.wait("c"))).eta_s == pytest.approx(9.0, abs=0.1)


async def test_what_a_smaller_cache_can_never_hold_is_refused_with_the_numbers() -> None:
    room = 100
    subject = gate(capacity=lambda: room)
    subject.enter(ticket("a"))
    subject.enter(ticket("large", cost=80))
    subject.enter(ticket("small", cost=20))
    waiting = asyncio.create_task(places(subject, "large"))
    await rest()
    room = 50
    subject.leave("a")
    with pytest.raises(ContextExceeded, match=r"80 tokens.*50"):
        await waiting
    subject.leave("large")
    assert await places(subject, "small") == []


async def test_a_closed_gate_refuses_who_waits_and_who_comes() -> None:
    subject = gate()
    for name in "ab":
        subject.enter(ticket(name))
    waiting = asyncio.create_task(places(subject, "b"))
    await rest()
    subject.close("the worker is shutting down")
    with pytest.raises(NotReady, match="shutting down"):
        await waiting
    with pytest.raises(NotReady):
        subject.check("interactive", "g", "c")
    with pytest.raises(NotReady):
        subject.enter(ticket("c"))
    subject.leave("a")
    assert subject.running == 0
