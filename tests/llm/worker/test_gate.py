"""Waiting for one's turn: places, deadlines, leaving."""

from __future__ import annotations

import asyncio

import pytest

from llm.worker.admission import Admission, Ticket
from llm.worker.errors import NotReady, QueueFull
from llm.worker.gate import Gate


def ticket(name: str) -> Ticket:
    return Ticket(name, "interactive", "g", name, 1)


def gate(max_waiting: int = 9, max_wait_s: float = 60) -> Gate:
    return Gate(Admission(max_waiting, max_running=1, capacity=100), max_running=1, max_wait_s=max_wait_s)


async def places(gate: Gate, name: str) -> list[int]:
    return [place.position async for place in gate.wait(name)]


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
    await asyncio.sleep(0)
    subject.leave("a")
    await asyncio.sleep(0)
    subject.leave("b")
    assert await waiting == [1, 0]


async def test_one_who_gives_up_lets_the_others_through() -> None:
    subject = gate()
    for name in "abc":
        subject.enter(ticket(name))
    subject.leave("b")
    subject.leave("a")
    assert await places(subject, "c") == []


async def test_full_says_when_to_come_back() -> None:
    subject = gate(max_waiting=1)
    subject.enter(ticket("a"))
    subject.enter(ticket("b"))
    with pytest.raises(QueueFull) as refused:
        subject.enter(ticket("c"))
    assert int(refused.value.headers()["Retry-After"]) >= 1
    subject.leave("c")
    assert subject.waiting_total() == 1


async def test_nobody_waits_for_ever() -> None:
    subject = gate(max_wait_s=0.01)
    subject.enter(ticket("a"))
    subject.enter(ticket("b"))
    with pytest.raises(NotReady) as refused:
        await places(subject, "b")
    assert refused.value.code == "queue_timeout"


async def test_the_estimate_follows_what_was_measured() -> None:
    now = 0.0
    subject = Gate(Admission(9, 2, 100), max_running=2, max_wait_s=60, clock=lambda: now)
    before = subject.eta_s(3)
    for number in range(50):
        subject.enter(ticket(str(number)))
        now += 1.0
        subject.leave(str(number))
    assert subject.eta_s(3) < before
    assert subject.eta_s(3) == pytest.approx(2.0, abs=0.1)


async def test_a_closed_gate_refuses_who_waits_and_who_comes() -> None:
    subject = gate()
    for name in "ab":
        subject.enter(ticket(name))
    waiting = asyncio.create_task(places(subject, "b"))
    await asyncio.sleep(0)
    subject.close("the worker is shutting down")
    with pytest.raises(NotReady, match="shutting down"):
        await waiting
    with pytest.raises(NotReady):
        subject.enter(ticket("c"))
    subject.leave("a")
    assert subject.running == 0
