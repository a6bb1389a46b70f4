"""Requests that are given up leave nothing behind: no block of the cache, no task, no thread, no handler."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import aclosing
from pathlib import Path

from llm.worker.engine import Job, SamplingParams
from llm.worker.loader import load
from llm.worker.memory import Sizes
from tests.llm.worker.engines import Subject, subject
from tests.waiting import until

ROOMY = Sizes(step_tokens=512, cache_tokens=4096)


async def leave_after(case: Subject, job: Job, tokens: int) -> int:
    """Read so many tokens at least, then leave; returns how many came."""
    heard = 0
    if tokens:
        async with aclosing(case.engine.submit(job)) as pieces:
            async for piece in pieces:
                heard += len(piece.ids)
                if heard >= tokens:
                    break
    else:
        reader = asyncio.create_task(leave_after(case, job, 1))
        await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait([reader])
    return heard


async def nothing_left(case: Subject) -> None:
    await until(lambda: case.engine.stats().cache_used == 0.0)
    manager = case.built[0]._manager
    scheduler = manager.batch_processor.scheduler
    await until(lambda: not scheduler.active_requests and not scheduler.waiting_requests)
    assert case.engine.stats().running == 0
    assert case.built[0].stats().running == 0
    assert not manager.output_router.result_handlers
    assert manager.output_router.output_queue.empty()


async def test_a_hundred_cancelled_half_way(bytes_folder: Path) -> None:
    loaded = load(str(bytes_folder), "none", "cpu", lambda reason, progress: None)
    async with subject(loaded, ROOMY, max_running=32) as case:
        jobs = [Job(f"job{n}", [n + 1, 2, 3], 20, SamplingParams(1.0)) for n in range(100)]
        heard = await asyncio.gather(*(leave_after(case, job, 10) for job in jobs))
        assert all(10 <= tokens < 20 for tokens in heard)
        await nothing_left(case)


async def test_a_thousand_with_random_cancels(bytes_folder: Path) -> None:
    loaded = load(str(bytes_folder), "none", "cpu", lambda reason, progress: None)
    draw = random.Random(5)
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    async with subject(loaded, ROOMY, max_running=64) as case:
        jobs = [
            Job(f"job{n}", [draw.randrange(250)] * draw.randint(1, 20), 6, SamplingParams(1.0)) for n in range(1000)
        ]
        await asyncio.gather(*(leave_after(case, job, draw.randint(0, 7)) for job in jobs))
        await nothing_left(case)
        assert asyncio.all_tasks() == tasks
    await until(lambda: {thread for thread in threading.enumerate() if "asyncio" not in thread.name} <= threads)
