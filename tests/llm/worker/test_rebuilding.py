"""The engine outlives its inner engine: streams go on, the culprit alone fails, memory shrinks, a hang is noticed.

The failures are real ones: a hook in the real model raises, or blocks, inside the generation loop's thread.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from contextlib import aclosing
from pathlib import Path

import pytest
import torch

from llm.worker import memory, rebuilding
from llm.worker.engine import Engine, EngineDied, EngineError, Job, SamplingParams
from llm.worker.loader import LoadedModel, load
from llm.worker.memory import LEAST_STEP, Sizes
from tests.llm.worker.engines import subject
from tests.llm.worker.sabotage import sabotage
from tests.waiting import until

GREEDY = SamplingParams(temperature=0)
POISON = 190
ANSWER = 24
PROMPTS = [[10 * number + 1, 2, 3, 4] for number in range(1, 5)]


@pytest.fixture(scope="module")
def loaded(bytes_folder: Path) -> LoadedModel:
    return load(str(bytes_folder), "none", "cpu", lambda reason, progress: None)


def jobs(prompts: list[list[int]], name: str = "job") -> list[Job]:
    return [Job(f"{name}{number}", prompt, ANSWER, GREEDY) for number, prompt in enumerate(prompts)]


async def said(engine: Engine, job: Job) -> list[int]:
    return [token async for piece in engine.submit(job) for token in piece.ids]


async def all_said(engine: Engine, all_jobs: list[Job]) -> list[list[int] | BaseException]:
    return await asyncio.gather(*(said(engine, job) for job in all_jobs), return_exceptions=True)


@pytest.fixture(scope="module")
def expected(loaded: LoadedModel) -> list[list[int]]:
    """What the model says to each of PROMPTS when nothing fails."""

    async def ask() -> list[list[int] | BaseException]:
        async with subject(loaded) as case:
            return await all_said(case.engine, jobs(PROMPTS))

    answers = [answer for answer in asyncio.run(ask()) if isinstance(answer, list)]
    assert [len(answer) for answer in answers] == [ANSWER] * len(PROMPTS)
    return answers


class Once:
    """Fails at the steps of these numbers; counts steps from when it was made."""

    def __init__(self, *steps: int, error: type[Exception] = RuntimeError) -> None:
        self._steps, self._error, self.seen = steps, error, 0

    def __call__(self, _ids: torch.Tensor) -> None:
        self.seen += 1
        if self.seen in self._steps:
            raise self._error(f"the sabotage of step {self.seen}")


def poisoned(ids: torch.Tensor) -> None:
    if bool((ids == POISON).any()):
        raise RuntimeError("the poison was eaten")


@pytest.mark.parametrize("step", [1, 9])
async def test_streams_go_on_after_a_failure(loaded: LoadedModel, expected: list[list[int]], step: int) -> None:
    async with subject(loaded) as case:
        with sabotage(loaded.model, Once(step)):
            assert await all_said(case.engine, jobs(PROMPTS)) == expected
        assert (case.count("engine_rebuilds"), case.count("jobs_resubmitted")) == (1, len(PROMPTS))
        assert case.deaths == []
        await until(lambda: case.engine.stats().cache_used == 0.0)
        assert case.engine.stats().running == 0


async def test_the_culprits_alone_are_failed_with_the_cause(loaded: LoadedModel, expected: list[list[int]]) -> None:
    async with subject(loaded) as case:
        with sabotage(loaded.model, poisoned):
            first, *others, last = await all_said(case.engine, jobs([[POISON] * 20, *PROMPTS, [7, POISON, 9]]))
        assert others == expected
        assert isinstance(first, EngineError) and "the poison was eaten" in str(first)
        assert isinstance(last, EngineError) and "the poison was eaten" in str(last)
        assert case.count("engine_rebuilds") == 3  # one death for all, one for each culprit alone
        assert case.deaths == []


async def test_a_job_that_breaks_the_engine_by_what_it_says_is_failed_with_what_it_said(
    loaded: LoadedModel, expected: list[list[int]]
) -> None:
    place, word = next(
        (place, word)
        for place, word in enumerate(expected[0])
        if place > 2 and all(word not in answer + prompt for answer, prompt in zip(expected[1:], PROMPTS, strict=False))
    )

    def look(ids: torch.Tensor) -> None:
        if bool((ids == word).any()):
            raise RuntimeError("bad word")

    heard: list[int] = []
    async with subject(loaded) as case:
        first, *others = jobs(PROMPTS)
        with sabotage(loaded.model, look):
            rest = asyncio.create_task(all_said(case.engine, others))
            with pytest.raises(EngineError, match="bad word"):
                async for piece in case.engine.submit(first):
                    heard.extend(piece.ids)
            assert await rest == expected[1:]
    assert heard == expected[0][: expected[0].index(word) + 1]
    assert place >= expected[0].index(word)


async def test_out_of_memory_shrinks_and_goes_on(loaded: LoadedModel) -> None:
    """Long prompts come in small pieces now; the tokens are the same."""
    prompts = [prompt * 30 for prompt in PROMPTS]

    def look(ids: torch.Tensor) -> None:
        if ids.numel() > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    async with subject(loaded, Sizes(256, 1600)) as case:
        without = await all_said(case.engine, jobs(prompts))
    async with subject(loaded, Sizes(256, 1600)) as case:
        with sabotage(loaded.model, look):
            assert await all_said(case.engine, jobs(prompts)) == without
        assert case.count("out_of_memory_shrinks") == 2  # 256, 128, 64 tokens
        assert case.engine.capacity < 1600
        too_long = Job("long", [1] * 1500, 50, GREEDY)
        with pytest.raises(EngineError, match=r"1550 tokens .* 8\d\d "):
            await said(case.engine, too_long)
        assert case.deaths == []


async def test_at_the_floor_lack_of_memory_is_a_failure_as_any(
    loaded: LoadedModel, expected: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LEAST_SHARE", 0.6)

    def look(ids: torch.Tensor) -> None:
        if bool((ids == POISON).any()):
            raise torch.OutOfMemoryError("CUDA out of memory")

    async with subject(loaded, Sizes(LEAST_STEP, 640)) as case:
        with sabotage(loaded.model, look):
            *others, culprit = await all_said(case.engine, jobs([*PROMPTS, [POISON]]))
        assert others == expected
        assert isinstance(culprit, EngineError) and "out of memory" in str(culprit)
        assert case.engine.capacity == 0.6 * 640
        assert case.deaths == []


async def test_what_always_fails_is_dead_with_the_cause(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "MAX_FAILURES", 2)
    async with subject(loaded) as case:
        with sabotage(loaded.model, Once(*range(1000))):
            answers = await all_said(case.engine, jobs(PROMPTS))
        assert all(isinstance(answer, EngineError) and "sabotage" in str(answer) for answer in answers)
        assert len(case.deaths) == 1 and "more than 2 failures" in str(case.deaths[0])
        with pytest.raises(EngineError, match="sabotage"):
            await said(case.engine, Job("late", [1], 5, GREEDY))


async def test_when_no_other_engine_can_be_built_all_jobs_learn_why(loaded: LoadedModel) -> None:
    def refuse() -> None:
        raise EngineDied("no engine today")

    async with subject(loaded) as case:
        case.on_build = refuse
        with sabotage(loaded.model, Once(3)):
            answers = await all_said(case.engine, jobs(PROMPTS))
        assert all("no engine today" in str(answer) for answer in answers)
        assert ["no engine today" in str(death) for death in case.deaths] == [True]


async def test_a_hung_step_is_noticed_and_everybody_learns_of_it(loaded: LoadedModel) -> None:
    release = threading.Event()
    async with subject(loaded, silence_s=2) as case:
        with sabotage(loaded.model, lambda ids: poisoned_hang(ids, release)):
            answers = asyncio.create_task(all_said(case.engine, jobs([*PROMPTS, [POISON]])))
            await until(lambda: case.deaths != [])
            assert case.deaths[0].hung
            assert all("has not ended" in str(answer) or "no token came" in str(answer) for answer in await answers)
            assert not case.engine.close()  # at once: that thread will not end
            release.set()
            assert await asyncio.to_thread(case.built[0].close)


def poisoned_hang(ids: torch.Tensor, release: threading.Event) -> None:
    if bool((ids == POISON).any()):
        release.wait()


async def test_the_old_cache_is_free_before_the_next_is_built(loaded: LoadedModel) -> None:
    """Also while a reader holds on to its stream, and with it to the dead engine."""
    alive: list[bool] = []
    async with subject(loaded) as case:
        cache = case.built[0]._cache
        assert cache is not None
        old = weakref.ref(cache.cache_tensor)
        del cache

        def look() -> None:
            gc.collect()
            alive.append(old() is not None)

        case.on_build = look
        with sabotage(loaded.model, Once(6)):
            slow, quick = jobs(PROMPTS[:2])
            async with aclosing(case.engine.submit(slow)) as pieces:
                first = await anext(pieces)  # of one token, or of more where this reader was slow
                await said(case.engine, quick)
                assert alive == [False]
                rest = [token async for piece in pieces for token in piece.ids]
    assert len(first.ids) + len(rest) == ANSWER


class SlowBuild:
    """A new engine is under way and stays so until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        assert self.go_on.wait(20)


async def test_who_comes_during_a_rebuild_waits_for_it(loaded: LoadedModel, expected: list[list[int]]) -> None:
    async with subject(loaded) as case:
        case.on_build = slow = SlowBuild()
        with sabotage(loaded.model, Once(4)):
            first, late, gone = jobs(PROMPTS[:3])
            running = asyncio.create_task(said(case.engine, first))
            await until(slow.begun.is_set)
            waiting = asyncio.create_task(said(case.engine, late))
            leaving = asyncio.create_task(said(case.engine, gone))
            await until(lambda: case.engine.stats().running == 3)
            leaving.cancel()
            slow.go_on.set()
            assert [await running, await waiting] == expected[:2]
        assert case.engine.stats().running == 0


async def test_closed_during_a_rebuild(loaded: LoadedModel) -> None:
    async with subject(loaded) as case:
        case.on_build = slow = SlowBuild()
        with sabotage(loaded.model, Once(2)):
            running = asyncio.create_task(said(case.engine, jobs(PROMPTS)[0]))
            await until(slow.begun.is_set)
            case.engine.close()
            slow.go_on.set()
            with pytest.raises(EngineError, match="closed"):
                await running
            await until(lambda: len(case.built) == 2 and not case.built[1]._manager.is_running())
    assert case.deaths == []
