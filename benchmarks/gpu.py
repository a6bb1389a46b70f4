"""The engine on a GPU: tokens per second and time to the first token of 1, 8, 32 and 128 chats.

Measures random weights in real shapes (Llama 3.1 8B and Llama 3.2 1B, bfloat16 and nf4) against `generate` for one chat
at a time, and against the limit that memory sets: each step reads all weights and the KV cache of whoever runs, at the
bandwidth of a copy, measured here. The limit is for decoding, so the share is taken of the time in which nobody's
prompt is computed. Why: this is the machine that owners have, and memory is what decoding waits for.
Needs torch, transformers, for nf4 bitsandbytes, and this checkout; no network. One model in one quantization takes a
few minutes: on a machine lent for ten, ask for them one by one. `--tiny` runs a toy on any machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import mean, median

import torch
from transformers import PreTrainedModel

from benchmarks import drawn, models, report
from llm.config import WorkerSettings
from llm.worker.batching import BatchingEngine, BatchingSettings
from llm.worker.engine import Job, SamplingParams

ALONE = 2  # chats measured one after the other; their speed does not depend on how many there are
COPIES = 10
COPY_BYTES = {"cuda": 4 * 2**30, "cpu": 64 * 2**20}
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Spoken:
    """One chat: when each of its pieces came (seconds since all began), and how many tokens each had."""

    moments: Sequence[float]
    tokens: Sequence[int]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Speeds in tokens per second, times in seconds."""

    model: str
    quantization: str
    chats: int
    speed: float
    decoding: float
    limit: float
    share: float
    over_alone: float
    first_mean: float
    first_worst: float


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=["1b", "8b"], default=["1b", "8b"])
    parser.add_argument("--quantizations", nargs="+", choices=["none", "nf4"], default=["none", "nf4"])
    parser.add_argument("--chats", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--prompt", type=int, default=200, help="tokens of each prompt")
    parser.add_argument("--new", type=int, default=128, help="tokens of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="a toy model, on the CPU too")
    return parser.parse_args(arguments)


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that the work takes on the device."""
    _finish_queued(device)
    started = time.perf_counter()
    work()
    _finish_queued(device)
    return time.perf_counter() - started


def _finish_queued(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes per second, read and written, of a copy on the device; median."""
    size = COPY_BYTES[device.type]
    source = torch.randint(0, 256, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = [timed(lambda: target.copy_(source), device) for _ in range(COPIES + 3)][3:]
    return 2 * size / median(seconds)


def alone(model: PreTrainedModel, prompts: Sequence[list[int]], new: int) -> tuple[float, float]:
    """One chat at a time by `generate`: tokens per second, and seconds to the first token."""

    def answer(prompt: list[int], tokens: int) -> float:
        asked = torch.tensor([prompt], device=model.device)
        with torch.inference_mode():
            return timed(
                lambda: model.generate(
                    asked, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
                ),
                model.device,
            )

    answer(prompts[0], 4)  # pays for what is set up once
    first = median(answer(prompt, 1) for prompt in prompts)
    return new / median(answer(prompt, new) for prompt in prompts), first


async def together(engine: BatchingEngine, prompts: Sequence[list[int]], new: int, name: str) -> list[Spoken]:
    """All prompts at once."""
    started = time.perf_counter()

    async def chat(number: int, prompt: list[int]) -> Spoken:
        moments, tokens = [], []
        job = Job(f"{name}-{number}", prompt, new, SamplingParams(temperature=0))
        async for piece in engine.submit(job):
            moments.append(time.perf_counter() - started)
            tokens.append(len(piece.ids))
        return Spoken(moments, tokens)

    return await asyncio.gather(*(chat(number, prompt) for number, prompt in enumerate(prompts)))


def speed(chats: Sequence[Spoken]) -> float:
    """Tokens per second, prompts included in the time."""
    return sum(sum(chat.tokens) for chat in chats) / max(chat.moments[-1] for chat in chats)


def decoding_speed(chats: Sequence[Spoken], most: int) -> float:
    """Tokens per second from when as many as can run (`most`) have begun until the first of them ends."""
    begun = sorted(chat.moments[0] for chat in chats)[:most][-1]
    ended = min(chat.moments[-1] for chat in chats)
    if ended <= begun:
        return speed(chats)
    pieces = [pair for chat in chats for pair in zip(chat.moments, chat.tokens, strict=True)]
    return sum(tokens for moment, tokens in pieces if begun < moment <= ended) / (ended - begun)


async def crowds(
    model: PreTrainedModel, shape: models.Shape, chosen: argparse.Namespace
) -> dict[int, list[list[Spoken]]]:
    """Rounds for each size of crowd, with the shipped settings; the cache is as large as the largest crowd needs."""
    shipped = WorkerSettings()
    pages = -(-(chosen.prompt + chosen.new) // shipped.page_size) + 1
    blocks = pages * min(max(chosen.chats), shipped.max_running) + 1
    sizes = BatchingSettings(shipped.max_batch_tokens, shipped.page_size, shipped.max_running, blocks, silence_s=300)
    engine = BatchingEngine(model, [], sizes, asyncio.get_running_loop(), print)
    found: dict[int, list[list[Spoken]]] = {}
    try:
        for size in chosen.chats:
            found[size] = []
            for number in range(chosen.rounds + 1):  # the first one pays for what is set up once
                asked = models.prompts(size, chosen.prompt, shape.vocabulary, seed=1000 * size + number)
                spoken = await together(engine, asked, chosen.new, f"{size}-{number}")
                found[size] += [spoken] if number else []
    finally:
        await asyncio.to_thread(engine.close)
    return found


def measure(
    name: str, quantization: str, device: torch.device, bandwidth: float, chosen: argparse.Namespace
) -> list[Row]:
    """All crowds of one model."""
    shape, most = drawn.REAL_SHAPES[name], WorkerSettings().max_running
    model = drawn.draw(shape, device, nf4=quantization == "nf4")
    by_itself, first = alone(model, models.prompts(ALONE, chosen.prompt, shape.vocabulary), chosen.new)
    weights = drawn.weight_bytes(model)
    print(
        f"{name} {quantization}: {weights / GIB:.2f} GiB of weights per step; generate alone {by_itself:.1f} tokens/s, "
        f"first token after {first:.3f} s"
    )
    found = asyncio.run(crowds(model, shape, chosen))
    rows = []
    for chats, rounds in found.items():
        running = min(chats, most)
        read = weights + running * (chosen.prompt + chosen.new / 2) * drawn.cache_bytes(shape)
        limit = running * bandwidth / read
        total, decoding = median(map(speed, rounds)), median(decoding_speed(spoken, most) for spoken in rounds)
        firsts = [chat.moments[0] for spoken in rounds for chat in spoken]
        share, times = decoding / limit, total / by_itself
        rows.append(Row(name, quantization, chats, total, decoding, limit, share, times, mean(firsts), max(firsts)))
    return rows


def show(rows: Sequence[Row]) -> None:
    print("model  quantization  chats  tokens/s  decoding     limit  share  over alone  first token, mean and worst")
    for row in rows:
        speeds = f"{row.speed:8.1f}  {row.decoding:8.1f}  {row.limit:8.1f}  {row.share:5.0%}  {row.over_alone:9.1f}x"
        firsts = f"{row.first_mean:11.3f} s {row.first_worst:7.3f} s"
        print(f"{row.model:5}  {row.quantization:12}  {row.chats:5}  {speeds}  {firsts}")


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    if not torch.cuda.is_available() and not chosen.tiny:
        print("no CUDA GPU here: nothing was measured (--tiny shows that it would run)")
        report.finish("gpu", chosen, skipped="no CUDA GPU")
        return
    names = ["tiny"] if chosen.tiny else chosen.models
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    bandwidth = copy_bandwidth(device)
    print(f"copy bandwidth {bandwidth / 1e9:.1f} GB/s, read and written")
    rows: list[Row] = []
    peaks: dict[str, float] = {}
    for name in names:
        for quantization in chosen.quantizations:
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            rows += measure(name, quantization, device, bandwidth, chosen)
            gc.collect()
            if device.type == "cuda":
                peaks[f"{name} {quantization}"] = torch.cuda.max_memory_reserved() / GIB
                torch.cuda.empty_cache()
    show(rows)
    for what, peak in peaks.items():
        print(f"{what}: {peak:.1f} GiB of GPU memory at most")
    card = torch.cuda.get_device_name() if device.type == "cuda" else "none"
    report.finish("gpu", chosen, gpu=card, copy_bandwidth=bandwidth, peak_gib=peaks, rows=[asdict(row) for row in rows])


if __name__ == "__main__":
    main()
