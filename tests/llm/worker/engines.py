"""Engines that outlive their failures, over a tiny real model; each remembers what happened to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from llm.worker.batching import BatchingEngine, BatchingSettings
from llm.worker.engine import Engine, EngineDied
from llm.worker.loader import LoadedModel
from llm.worker.memory import Sizes
from llm.worker.metrics import Metrics
from llm.worker.rebuilding import RebuildingEngine

PAGE = 16
USUAL = Sizes(step_tokens=64, cache_tokens=640)


@dataclass
class Subject:
    """An engine under test, all the engines that were built for it, and what it reported."""

    metrics: Metrics = field(default_factory=Metrics)
    built: list[BatchingEngine] = field(default_factory=list)
    deaths: list[EngineDied] = field(default_factory=list)
    on_build: Callable[[], None] = lambda: None
    engine: RebuildingEngine = field(init=False)

    def count(self, name: str) -> float:
        value = self.metrics.registry.get_sample_value(f"steward_{name}_total")
        assert value is not None
        return value


@asynccontextmanager
async def subject(
    loaded: LoadedModel, sizes: Sizes = USUAL, silence_s: float = 300, max_running: int = 8
) -> AsyncIterator[Subject]:
    loop = asyncio.get_running_loop()
    case = Subject()

    def build(now: Sizes, on_death: Callable[[EngineDied], None]) -> Engine:
        case.on_build()
        assert now.cache_tokens is not None
        exact = BatchingSettings(now.step_tokens, PAGE, max_running, now.cache_tokens // PAGE + 1, silence_s)
        engine = BatchingEngine(loaded.model, loaded.eos_ids, exact, loop, on_death)
        case.built.append(engine)
        return engine

    case.engine = RebuildingEngine(build, sizes, loaded.eos_ids, loop, case.deaths.append, case.metrics)
    try:
        yield case
    finally:
        await asyncio.to_thread(case.engine.close)
