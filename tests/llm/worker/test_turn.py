"""The life of one request: at whichever stage it ends, its place is free and its engine job is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, nullcontext
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Message

from llm.types import ChatEvent
from llm.worker.admission import Admission, Ticket
from llm.worker.app import LINGER_S, TurnStream
from llm.worker.chat import Turn
from llm.worker.engine import EngineError, EngineStats, Job, SamplingParams, Tokens
from llm.worker.errors import DeadlineExceeded, GenerationFailed
from llm.worker.gate import Gate
from llm.worker.metrics import Metrics
from llm.worker.responses import Completion
from llm.worker.schemas import StreamOptions
from llm.worker.serving import ChatModel
from llm.worker.text import TextStream
from tests.waiting import until


class Reciter:
    """An engine that says the same letters to everybody, and then ends, falls silent or breaks."""

    capacity = 100

    def __init__(self, letters: str, ending: str = "end") -> None:
        self.letters = letters
        self.ending = ending
        self.open: set[str] = set()

    async def submit(self, job: Job) -> AsyncGenerator[Tokens, None]:
        self.open.add(job.id)
        try:
            for place, letter in enumerate(self.letters, 1):
                await asyncio.sleep(0)
                yield Tokens([ord(letter)], self.ending == "end" and place == len(self.letters), cached=2)
            if self.ending == "silence":
                await asyncio.Event().wait()
            if self.ending == "failure":
                raise EngineError("it broke")
        finally:
            self.open.discard(job.id)

    def cancel(self, job_id: str) -> None:
        raise NotImplementedError

    def stats(self) -> EngineStats:
        return EngineStats(len(self.open), 0.0)

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> bool:
        return True


def turn(engine: Reciter, gate: Gate, name: str = "a", seconds: float = 60) -> Turn:
    """A request that has just joined the queue."""
    loaded = cast(Any, SimpleNamespace(eos_ids=frozenset[int]()))
    chat = ChatModel("model", loaded, engine, gate, 100)
    ticket = Ticket(name, "interactive", "g", name, 3, 5)
    gate.enter(ticket)
    stream = TextStream(lambda ids: "".join(map(chr, ids)))
    job = Job(name, [1, 2, 3], 5, SamplingParams(0))
    now = monotonic()
    return Turn(chat, Metrics(), job, stream, ticket, now, now + seconds)


@pytest.fixture
def gate() -> Gate:
    return Gate(Admission(max_waiting=9, max_running=1, capacity=100), 60, lambda: 100, update_s=0)


async def told(turn: Turn) -> list[ChatEvent]:
    return [event async for event in turn.events()]


def is_free(gate: Gate, engine: Reciter) -> bool:
    return gate.running == 0 and not any(gate.waiting().values()) and not engine.open


async def test_an_answer_from_beginning_to_end(gate: Gate) -> None:
    engine = Reciter("abc")
    events = await told(turn(engine, gate))
    assert "".join(event.text for event in events) == "abc"
    assert events[-1].usage is not None
    assert (events[-1].usage.completion_tokens, events[-1].usage.cached_tokens) == (3, 2)
    assert is_free(gate, engine)


async def test_its_place_is_free_before_its_last_words_are_read(gate: Gate) -> None:
    engine = Reciter("abc")
    async with aclosing(turn(engine, gate).events()) as events:
        async for event in events:
            if event.finish_reason is not None:
                assert is_free(gate, engine)


async def test_one_who_leaves_the_queue(gate: Gate) -> None:
    engine = Reciter("abc", "silence")
    first, second = turn(engine, gate, "a"), turn(engine, gate, "b")
    events = second.events()
    assert (await anext(events)).queue is not None
    await events.aclose()
    assert gate.running == 1 and not any(gate.waiting().values())
    first.leave()
    assert is_free(gate, engine)


async def test_one_who_leaves_in_the_middle(gate: Gate) -> None:
    engine = Reciter("abc", "silence")
    events = turn(engine, gate).events()
    await anext(events)
    assert engine.open
    await events.aclose()
    assert is_free(gate, engine)


async def test_one_whose_task_is_cancelled(gate: Gate) -> None:
    engine = Reciter("abc", "silence")
    reader = asyncio.create_task(told(turn(engine, gate)))
    await until(lambda: bool(engine.open))
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert is_free(gate, engine)


async def test_an_engine_that_breaks(gate: Gate) -> None:
    engine = Reciter("abc", "failure")
    with pytest.raises(GenerationFailed, match="it broke"):
        await told(turn(engine, gate))
    assert is_free(gate, engine)


@pytest.mark.parametrize("ahead", [False, True], ids=["in the middle", "in the queue"])
async def test_the_whole_request_has_a_deadline(gate: Gate, ahead: bool) -> None:
    engine = Reciter("abc", "silence")
    first = turn(engine, gate, "first") if ahead else None
    late = turn(engine, gate, "late", seconds=0.02)
    with pytest.raises(DeadlineExceeded, match=r"0\.02 s"):
        await told(late)
    assert late.metrics.registry.get_sample_value("steward_requests_finished_total", {"reason": "deadline"}) == 1
    if first is not None:
        first.leave()
    assert is_free(gate, engine)


async def test_a_client_that_stays_but_does_not_read_is_cut_off(gate: Gate) -> None:
    engine = Reciter("abc")
    subject = turn(engine, gate, seconds=0.02 - LINGER_S)
    response = TurnStream(subject, Completion("id", "model", 0), StreamOptions())
    never = asyncio.Event()

    async def receive() -> Message:
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        await never.wait()

    await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    assert is_free(gate, engine)
