"""How much faster many chats are together than one after the other.

Measures total tokens per second of the worker's engine with 16 chats at once, against `model.generate` for one chat
at a time: the same random 15 M-parameter Llama, machine, run and shipped settings. HTTP is not part of it.
Why: peers answer one message at a time; this ratio is what continuous batching is for. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import time

import torch
import transformers
from transformers import PreTrainedModel

from benchmarks import models
from llm.config import WorkerSettings
from llm.worker.batching import BatchingEngine, BatchingSettings
from llm.worker.engine import Job, SamplingParams

ALONE = 4  # chats measured one after the other; their speed does not depend on how many there are


def one_at_a_time(model: PreTrainedModel, asked: list[list[int]], new: int) -> float:
    """Tokens per second of plain `generate`, greedy."""
    started = time.perf_counter()
    with torch.inference_mode():
        for prompt in asked:
            model.generate(
                torch.tensor([prompt]), max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0
            )
    return len(asked) * new / (time.perf_counter() - started)


async def together(model: PreTrainedModel, asked: list[list[int]], new: int) -> tuple[float, float]:
    """Tokens per second of all chats at once, and the mean time to their first token in seconds."""
    shipped = WorkerSettings()
    blocks = 2 * len(asked) * (len(asked[0]) + new) // shipped.page_size
    sizes = BatchingSettings(shipped.max_batch_tokens, shipped.page_size, shipped.max_running, blocks, silence_s=600)
    engine = BatchingEngine(model, [], sizes, asyncio.get_running_loop(), print)
    firsts: list[float] = []

    async def chat(number: int, prompt: list[int]) -> None:
        first = True
        async for _ in engine.submit(Job(str(number), prompt, new, SamplingParams(temperature=0))):
            if first:
                firsts.append(time.perf_counter() - started)
                first = False

    try:
        started = time.perf_counter()
        await asyncio.gather(*(chat(number, prompt) for number, prompt in enumerate(asked)))
        return len(asked) * new / (time.perf_counter() - started), sum(firsts) / len(firsts)
    finally:
        await asyncio.to_thread(engine.close)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(models.SHAPES), default="15m")
    parser.add_argument("--chats", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=200, help="tokens of each prompt")
    parser.add_argument("--new", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    options = parser.parse_args(arguments)
    transformers.utils.logging.set_verbosity_error()
    model = models.random_llama(options.model, getattr(torch, options.dtype))
    asked = models.prompts(options.chats, options.prompt, model.config.vocab_size)
    one_at_a_time(model, asked[:1], 4)  # the first call pays for what is set up once
    alone = one_at_a_time(model, asked[:ALONE], options.new)
    batched, first = asyncio.run(together(model, asked, options.new))
    print(f"one at a time   {alone:8.1f} tokens/s")
    print(f"{options.chats:3d} at once     {batched:8.1f} tokens/s, first token after {first:.2f} s")
    print(f"ratio           {batched / alone:8.2f}")
    figures = {"one_at_a_time": round(alone, 1), "together": round(batched, 1), "ratio": round(batched / alone, 2)}
    machine = {"cpu": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    print(
        json.dumps(
            {"bench": "worker_throughput", **vars(options), **figures, "first_token_s": round(first, 2), **machine}
        )
    )


if __name__ == "__main__":
    main()
