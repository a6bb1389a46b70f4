"""The engine over transformers' manager: exact arguments, cancelling, and an end that everybody learns of."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from llm.worker.batching import COLDEST, HOTTEST, BatchingEngine, BatchingSettings, build_manager, processor_arguments
from llm.worker.engine import EngineDied, EngineError, Job, SamplingParams
from llm.worker.loader import load
from llm.worker.sampling import Sampler
from tests.llm.worker.running import until

GREEDY = SamplingParams(temperature=0)


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (SamplingParams(0), {"temperature": 0.0, "top_k": 0, "top_p": 1.0}),
        (SamplingParams(1e-6), {"temperature": 0.0, "top_k": 0, "top_p": 1.0}),
        (SamplingParams(1, 1, 0), {"temperature": 1.0, "top_k": 0, "top_p": 1.0}),
        (SamplingParams(0.7, 0.9, -1), {"temperature": 0.7, "top_k": 0, "top_p": 0.9}),
        (SamplingParams(2, 0.5, 10_000), {"temperature": 2.0, "top_k": 0, "top_p": 0.5}),
    ],
)
def test_arguments_have_the_types_and_ranges_that_the_loop_demands(
    sampling: SamplingParams, expected: dict[str, float | int]
) -> None:
    arguments = processor_arguments(sampling, vocabulary=100)
    assert arguments == expected
    assert {name: type(value) for name, value in arguments.items()} == {
        "temperature": float,
        "top_k": int,
        "top_p": float,
    }


NUMBERS = st.floats() | st.integers(-5, 5)


@given(NUMBERS, NUMBERS, st.integers(-(10**9), 10**9))
def test_no_value_at_all_reaches_the_loop_that_could_end_it(temperature: float, top_p: float, top_k: int) -> None:
    arguments = processor_arguments(SamplingParams(temperature, top_p, top_k), vocabulary=100)
    assert arguments["temperature"] == 0 or COLDEST <= arguments["temperature"] <= HOTTEST
    assert 0 <= arguments["top_p"] <= 1
    assert 0 <= arguments["top_k"] < 100


@pytest_asyncio.fixture
async def engine(bytes_folder: Path) -> AsyncIterator[BatchingEngine]:
    loaded = load(str(bytes_folder), "none", "cpu", lambda reason, progress: None)
    sizes = BatchingSettings(max_batch_tokens=64, page_size=16, max_running=8, cache_blocks=40, silence_s=30)
    deaths: list[EngineDied] = []
    subject = BatchingEngine(loaded.model, loaded.eos_ids, sizes, asyncio.get_running_loop(), deaths.append)
    yield subject
    await asyncio.to_thread(subject.close)


async def collect(engine: BatchingEngine, job: Job) -> list[int]:
    return [token async for piece in engine.submit(job) for token in piece.ids]


async def test_many_more_tokens_than_the_cache_holds_at_once(engine: BatchingEngine) -> None:
    """The manager puts requests back when the cache is full; their streams must not notice."""
    jobs = [Job(f"j{number}", [number + 1] * 40, 100, GREEDY) for number in range(8)]
    assert engine.capacity < 8 * 140
    together = await asyncio.gather(*(collect(engine, job) for job in jobs))
    assert [len(tokens) for tokens in together] == [100] * 8
    assert await collect(engine, Job("again", jobs[3].prompt, 100, GREEDY)) == together[3]


async def test_requests_of_one_step_are_drawn_each_by_its_own_rules(engine: BatchingEngine) -> None:
    """Whoever leaves one candidate says what greedy says, however hot, and whoever is hot beside it does not matter."""
    one_candidate = [SamplingParams(5.0, 1.0, 1), SamplingParams(2.0, 0.0, 0), SamplingParams(3.0, 0.0, 300), GREEDY]
    rules = [*one_candidate, SamplingParams(50.0), SamplingParams(50.0)]
    jobs = [Job(f"r{number}", [5, 6, 7], 30, sampling) for number, sampling in enumerate(rules)]
    *cold, first, second = await asyncio.gather(*(collect(engine, job) for job in jobs))
    assert all(tokens == cold[0] for tokens in cold)
    assert first != second


def test_the_manager_takes_the_best_of_what_our_sampler_leaves(bytes_folder: Path) -> None:
    """What `sampling.py` relies upon in transformers."""
    loaded = load(str(bytes_folder), "none", "cpu", lambda reason, progress: None)
    manager = build_manager(loaded.model, [], BatchingSettings(64, 16, 8, cache_blocks=40, silence_s=30))
    processor = manager.batch_processor
    assert isinstance(processor.logit_processor, Sampler)
    assert processor.model_runner.logit_processor is processor.logit_processor
    assert not processor.model_runner.do_sample and not processor.model_runner.return_logprobs
    io = processor.inputs_and_outputs
    assert io._bulk_input_tensor.shape[0] - io.static_inputs == processor.logit_processor.tensors_required
    manager.destroy()


async def test_whoever_reads_slowly_gets_fewer_and_longer_pieces(engine: BatchingEngine) -> None:
    job, pieces = Job("slow", [1, 2, 3], 60, GREEDY), []
    async with aclosing(engine.submit(job)) as stream:
        async for piece in stream:
            pieces.append(piece)
            if len(pieces) == 1:  # nobody reads until the engine is done
                await asyncio.to_thread(until, lambda: engine.stats().cache_used == 0.0)
    assert sum(len(piece.ids) for piece in pieces) == 60
    assert len(pieces) < 60


async def test_cancelling_ends_the_stream_and_frees_the_cache(engine: BatchingEngine) -> None:
    async with aclosing(engine.submit(Job("a", [1, 2, 3], 400, GREEDY))) as pieces:
        await anext(pieces)
        assert engine.stats().running == 1
        engine.cancel("a")
        with pytest.raises(EngineError):
            async for _ in pieces:
                pass
    engine.cancel("never")
    await until_free(engine)


async def test_closing_the_iterator_is_cancelling(engine: BatchingEngine) -> None:
    for number in range(5):
        async with aclosing(engine.submit(Job(f"a{number}", [1, 2, 3], 400, GREEDY))) as pieces:
            await anext(pieces)
    await until_free(engine)


async def until_free(engine: BatchingEngine) -> None:
    await asyncio.to_thread(until, lambda: engine.stats().running == 0 and engine.stats().cache_used == 0.0)
    assert not engine._manager.output_router.result_handlers


@pytest.mark.parametrize("prompt", [[], [10**6]])
async def test_prompts_that_would_end_the_loop_never_reach_it(engine: BatchingEngine, prompt: list[int]) -> None:
    with pytest.raises(EngineError):
        await collect(engine, Job("bad", prompt, 5, GREEDY))
    assert len(await collect(engine, Job("good", [1], 5, GREEDY))) == 5


async def test_odd_sampling_values_harm_nobody(engine: BatchingEngine) -> None:
    odd = [SamplingParams(math.nan), SamplingParams(math.inf), SamplingParams(-1, 0, -7), SamplingParams(100.0, 0.0, 1)]
    odd += [
        SamplingParams(0.7, math.nan),
        SamplingParams(0.7, -0.5),
        SamplingParams(1, 7.5, 10**9),
        SamplingParams(True),
    ]
    jobs = [Job(f"odd{number}", [1, 2], 4, sampling) for number, sampling in enumerate(odd)]
    assert [len(answer) for answer in await asyncio.gather(*(collect(engine, job) for job in jobs))] == [4] * len(odd)


async def test_a_closed_engine_fails_its_jobs(engine: BatchingEngine) -> None:
    async with aclosing(engine.submit(Job("a", [1], 400, GREEDY))) as pieces:
        await anext(pieces)
        assert await asyncio.to_thread(engine.close)
        with pytest.raises(EngineError):
            async for _ in pieces:
                pass
    with pytest.raises(EngineError):
        await collect(engine, Job("late", [1], 5, GREEDY))
