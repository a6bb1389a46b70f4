"""Attention per request gives what transformers' attention over the whole batch gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from llm.worker import attention
from llm.worker.batching import BatchingEngine, BatchingSettings
from llm.worker.engine import Job, SamplingParams
from llm.worker.loader import load

# Prompts longer than one step, shorter ones, and some that begin alike, so that every branch is taken.
PROMPTS = [[(7 * place + number) % 200 for place in range(length)] for number, length in enumerate([300, 5, 90, 1])]
PROMPTS += [[*PROMPTS[0][:200], 1, 2, 3], PROMPTS[0][:256]]


async def answers(folder: Path, chosen: Callable[..., object]) -> list[list[int]]:
    loaded = load(str(folder), "none", "cpu", lambda reason, progress: None)
    sizes = BatchingSettings(max_batch_tokens=128, page_size=16, max_running=8, cache_blocks=200, silence_s=30)
    engine = BatchingEngine(loaded.model, loaded.eos_ids, sizes, asyncio.get_running_loop(), lambda cause: None)
    ALL_ATTENTION_FUNCTIONS.register("sdpa", chosen)

    async def one(number: int) -> list[int]:
        job = Job(str(number), PROMPTS[number], 40, SamplingParams(temperature=0))
        return [token async for piece in engine.submit(job) for token in piece.ids]

    try:
        first = await one(0)
        return [first, *await asyncio.gather(*(one(number) for number in range(1, len(PROMPTS))))]
    finally:
        await asyncio.to_thread(engine.close)
        ALL_ATTENTION_FUNCTIONS.register("sdpa", attention.attention)


async def test_the_tokens_are_the_same(bytes_folder: Path) -> None:
    ours = await answers(bytes_folder, attention.attention)
    theirs = await answers(bytes_folder, sdpa_attention_forward)
    assert ours == theirs
