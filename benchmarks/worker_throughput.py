"""How much faster many chats are together than one after the other.

Measures total tokens per second of the worker's engine with 16 chats at once against `model.generate` for one chat at a
time, and beside it one padded batch of `generate`: the same random Llama and machine, greedy, each way in a process of
its own (why: apart.py), in turns, repeated; medians. HTTP is not part of it. `generate` runs the model in the `--dtype`
of its files; ours is loaded and sized by the worker's own code with the shipped settings, which on a CPU may choose
another dtype: both are printed. On a machine that others use too, the ratio of processor seconds says more than that of
the clock: give `--threads 1`.
Why: peers answer one message at a time; this ratio is what continuous batching is for. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel

from benchmarks import models, report
from benchmarks.apart import apart, in_a_thread
from llm.config import WorkerSettings
from llm.worker.batching import BatchingEngine, BatchingSettings
from llm.worker.engine import Job, SamplingParams
from llm.worker.loader import LoadedModel, load
from llm.worker.machine import ram
from llm.worker.memory import cache_blocks, cache_budget

ALONE = 4  # chats measured one after the other; their speed does not depend on how many there are
Prompts = list[list[int]]


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of the clock, and per second of processor time."""

    per_s: float
    per_cpu_s: float


def timed(tokens: int, work: Callable[[], None]) -> Speed:
    """The speed of `work`, which makes so many tokens."""
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return Speed(tokens / (time.perf_counter() - started), tokens / (time.process_time() - cpu))


def generate(model: PreTrainedModel, asked: Prompts, new: int) -> None:
    """One call of plain `generate`, greedy, for prompts of the same length."""
    ids = torch.tensor(asked)
    model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=new,
        min_new_tokens=new,
        do_sample=False,
        pad_token_id=0,
    )


def one_at_a_time(model: PreTrainedModel, asked: Prompts, new: int) -> None:
    """A call of `generate` for each."""
    for prompt in asked:
        generate(model, [prompt], new)


def engine_of(loaded: LoadedModel, loop: asyncio.AbstractEventLoop) -> BatchingEngine:
    """As the worker builds it. No token ends an answer, so that all are of the same length."""
    shipped = WorkerSettings()
    budget = cache_budget(ram().free, shipped.cache_mib)
    sizes = (shipped.max_running, shipped.page_size, shipped.max_batch_tokens)
    blocks = cache_blocks(budget, loaded.kv_bytes_per_token, loaded.context, *sizes)
    settings = BatchingSettings(
        shipped.max_batch_tokens, shipped.page_size, shipped.max_running, blocks, shipped.token_timeout_s
    )
    return BatchingEngine(loaded.model, [], settings, loop, print)


async def together(engine: BatchingEngine, asked: Prompts, new: int, sampling: SamplingParams) -> tuple[Speed, float]:
    """The speed of all chats at once, and the mean time to their first token in seconds."""
    firsts: list[float] = []

    async def chat(number: int, prompt: list[int]) -> int:
        counts: list[int] = []
        async for piece in engine.submit(Job(str(number), prompt, new, sampling)):
            if not counts:
                firsts.append(time.perf_counter() - started)
            counts.append(len(piece.ids))
        return sum(counts)

    started, cpu = time.perf_counter(), time.process_time()
    made = sum(await asyncio.gather(*(chat(number, prompt) for number, prompt in enumerate(asked))))
    speed = Speed(made / (time.perf_counter() - started), made / (time.process_time() - cpu))
    if made != len(asked) * new:
        raise RuntimeError(f"{made} tokens came of {len(asked) * new}: nothing can be compared")
    return speed, sum(firsts) / len(firsts)


@contextmanager
def plain(folder: Path, options: argparse.Namespace) -> Iterator[Callable[[Prompts], tuple[Speed, Speed]]]:
    """`generate` for one after the other, then for all as one padded batch."""
    _prepare(options)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, options.dtype)).eval()
    generate(model, [[1, 2, 3]], 4)  # the first call pays for what is set up once

    def measure(asked: Prompts) -> tuple[Speed, Speed]:
        few = asked[:ALONE]
        alone = timed(len(few) * options.new, lambda: one_at_a_time(model, few, options.new))
        return alone, timed(len(asked) * options.new, lambda: generate(model, asked, options.new))

    yield measure


@contextmanager
def ours(folder: Path, options: argparse.Namespace) -> Iterator[Callable[[Prompts], tuple[Speed, float, str]]]:
    """The engine: its speed, the mean time to the first token, and the dtype that it computes in."""
    _prepare(options)
    sampling = SamplingParams(options.temperature, options.top_p, options.top_k)
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        loaded = in_a_thread(lambda: load(str(folder), "none", "cpu", lambda reason, progress: None))
        engine = in_a_thread(lambda: engine_of(loaded, loop))
        runner.run(together(engine, [[1, 2, 3]], 4, sampling))

        def measure(asked: Prompts) -> tuple[Speed, float, str]:
            speed, first = runner.run(together(engine, asked, options.new, sampling))
            return speed, first, str(loaded.model.dtype).removeprefix("torch.")

        try:
            yield measure
        finally:
            engine.close()


def _prepare(options: argparse.Namespace) -> None:
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(options.threads)


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """All ways in turn, with new prompts each time: what was said before is remembered, and would cost nothing."""
    vocabulary = models.SHAPES[options.model].vocabulary
    alone, padded, engine, firsts, dtypes = [], [], [], [], set()
    with apart(plain, folder, options) as measure_plain, apart(ours, folder, options) as measure_ours:
        for turn in range(options.repeats + 1):
            asked = models.prompts(options.chats, options.prompt, vocabulary, seed=turn + 1)
            one, batch = measure_plain(asked)
            mine, first, dtype = measure_ours(asked)
            if turn:  # the first one pays for what is set up once
                alone.append(one)
                padded.append(batch)
                engine.append(mine)
                firsts.append(first)
            dtypes.add(dtype)
    return {
        "one_at_a_time": median(speed.per_s for speed in alone),
        "padded": median(speed.per_s for speed in padded),
        "together": median(speed.per_s for speed in engine),
        "ratio": median(mine.per_s / other.per_s for mine, other in zip(engine, alone, strict=True)),
        "ratio_padded": median(mine.per_s / other.per_s for mine, other in zip(padded, alone, strict=True)),
        "ratio_cpu": median(mine.per_cpu_s / other.per_cpu_s for mine, other in zip(engine, alone, strict=True)),
        "ratios": [mine.per_s / other.per_s for mine, other in zip(engine, alone, strict=True)],
        "first_token_s": median(firsts),
        "dtype_ours": "/".join(sorted(dtypes)),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--model", choices=list(models.SHAPES), default="15m")
    parser.add_argument("--chats", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=200, help="tokens of each prompt")
    parser.add_argument("--new", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16", help="of the model's files")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--temperature", type=float, default=0.0, help="of our chats; `generate` stays greedy")
    parser.add_argument("--top-k", type=int, default=0)
    parser.add_argument("--top-p", type=float, default=1.0)
    options = parser.parse_args(arguments)
    with models.saved(options.model, getattr(torch, options.dtype)) as folder:
        found = measure(folder, options)
    print(f"one at a time      {found['one_at_a_time']:8.1f} tokens/s  ({options.dtype}, generate)")
    print(f"one padded batch   {found['padded']:8.1f} tokens/s  ({options.dtype}, generate)")
    print(f"{options.chats:3d} at once        {found['together']:8.1f} tokens/s  ({found['dtype_ours']}, the engine)")
    print(f"first token        {found['first_token_s']:8.2f} s        mean of the {options.chats}")
    print(f"ratio              {found['ratio']:8.2f}           by processor time {found['ratio_cpu']:.2f}")
    report.finish("worker_throughput", options, **found)


if __name__ == "__main__":
    main()
