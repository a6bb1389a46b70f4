"""Micro-batching: what is computed together, who waits for whom, and what goes wrong for whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from llm.worker.errors import ApiError, GenerationFailed, NotReady, QueueFull
from llm.worker.microbatch import LARGEST_POOL, MicroBatcher, Shape
from tests.waiting import until

TEXTS: Shape[str] = Shape(length=len)


class Model:
    """Turns texts to upper case; remembers its batches; refuses "bad"; can be held so that requests pile up."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_run = threading.Event()
        self.may_run.set()

    def run(self, texts: Sequence[str]) -> list[str]:
        self.batches.append(list(texts))
        assert self.may_run.wait(20)
        if "bad" in texts:
            raise ValueError("bad")
        return [text.upper() for text in texts]


@asynccontextmanager
async def batcher(
    model: Model, shape: Shape[str] = TEXTS, max_waiting: int = 1000
) -> AsyncIterator[MicroBatcher[str, str]]:
    with ThreadPoolExecutor(1) as executor:
        batching = MicroBatcher(model.run, shape, executor, max_waiting)
        try:
            yield batching
        finally:
            model.may_run.set()
            await batching.close("the test is over")


async def test_results_come_in_the_order_asked() -> None:
    model = Model()
    async with batcher(model) as batching:
        texts = [f"{'x' * (place * 7 % 50)}{place}" for place in range(100)]
        assert await batching.submit(texts) == [text.upper() for text in texts]
        assert await batching.submit([]) == []
    assert max(len(batch) for batch in model.batches) <= LARGEST_POOL


async def test_concurrent_requests_are_computed_together_and_by_length() -> None:
    model = Model()
    async with batcher(model) as batching:
        answers = await asyncio.gather(*(batching.submit([c * n]) for c in "abcd" for n in (1, 100)))
    assert sorted(len(batch) for batch in model.batches) == [4, 4]
    assert {len(set(map(len, batch))) for batch in model.batches} == {1}
    assert answers[1] == ["A" * 100]


async def test_a_small_request_overtakes_a_large_one() -> None:
    model = Model()
    async with batcher(model) as batching:
        model.may_run.clear()
        large = asyncio.create_task(batching.submit(["x"] * 500))
        await until(lambda: len(model.batches) == 1)
        small = asyncio.create_task(batching.submit(["y"]))
        await until(lambda: batching.waiting == 500 - LARGEST_POOL + 1)
        model.may_run.set()
        assert await small == ["Y"]
        assert await large == ["X"] * 500
    assert [batch.count("y") for batch in model.batches[:2]] == [0, 1]


async def test_only_the_guilty_request_learns_of_a_failure() -> None:
    model = Model()
    async with batcher(model) as batching:
        model.may_run.clear()
        first = asyncio.create_task(batching.submit(["ok"]))
        await until(lambda: len(model.batches) == 1)
        others = [asyncio.create_task(batching.submit([text])) for text in ("abc", "bad", "def")]
        await until(lambda: batching.waiting == 3)
        model.may_run.set()
        answers = await asyncio.gather(first, *others, return_exceptions=True)
    assert answers[0] == ["OK"] and answers[1] == ["ABC"] and answers[3] == ["DEF"]
    assert isinstance(answers[2], GenerationFailed)


async def test_a_full_queue_refuses_and_what_could_never_fit_is_said() -> None:
    model = Model()
    async with batcher(model, max_waiting=40) as batching:
        model.may_run.clear()
        running = asyncio.create_task(batching.submit(["x"] * 40))
        await until(lambda: len(model.batches) == 1)
        waiting = batching.waiting
        with pytest.raises(QueueFull) as full:
            await batching.submit(["y"] * (41 - waiting))
        assert full.value.headers()["Retry-After"]
        with pytest.raises(ApiError, match="41 pieces of work") as refused:
            await batching.submit(["y"] * 41)
        assert refused.value.status == 400
        model.may_run.set()
        assert len(await running) == 40


async def test_cancelling_takes_the_rest_out_of_the_queue() -> None:
    model = Model()
    async with batcher(model) as batching:
        model.may_run.clear()
        task = asyncio.create_task(batching.submit(["x"] * 200))
        await until(lambda: len(model.batches) == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert batching.waiting == 0
        model.may_run.set()
        assert await batching.submit(["y"]) == ["Y"]
    assert len(model.batches) == 2


async def test_closing_answers_everybody() -> None:
    model = Model()
    async with batcher(model) as batching:
        model.may_run.clear()
        tasks = [asyncio.create_task(batching.submit(["x"] * count)) for count in (1, 100)]
        await until(lambda: len(model.batches) >= 1)
        await batching.close("the worker is shutting down")
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [NotReady, NotReady]
        with pytest.raises(NotReady):
            await batching.submit(["late"])


async def test_kinds_are_never_mixed_and_a_kind_may_ask_for_small_batches() -> None:
    model = Model()
    shape: Shape[str] = Shape(
        length=len, kind=lambda text: text[0], largest_batch=lambda text: 2 if text[0] == "a" else 32
    )
    async with batcher(model, shape) as batching:
        await batching.submit(["a1", "b1", "a2", "b2", "a3", "b3"])
    assert all(len({text[0] for text in batch}) == 1 for batch in model.batches)
    assert sorted(map(len, model.batches)) == [1, 2, 3]
