"""Whether a worker that runs for long keeps its size: memory, threads and files over an hour of people who come and go.

Measures the worker process from outside, once a minute, while a crowd asks without pause; every second person leaves
somewhere in the middle of the answer. Ends with what is still held when everybody has gone, and the growth of memory
in MiB per hour, a straight line through the samples after the first tenth (libraries fill their pools at first).
Why: what leaks a little per request is invisible in tests and ends an evening later by the kernel's hand. Run by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from benchmarks import load, models, report, subject
from benchmarks.worker_cancel import freed_after, held

MIB = 2**20
LONGEST_PROMPT, LONGEST_ANSWER = 400, 96  # tokens


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--people", type=int, default=12, help="who ask at the same time, each again and again")
    parser.add_argument("--leaving", type=float, default=0.5, help="share of the requests that are given up half-way")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two samples")
    return parser.parse_args(arguments)


@dataclass(frozen=True, slots=True)
class Sample:
    """The worker at one moment."""

    seconds: float
    mib: float
    threads: int
    files: int
    requests: int
    left: int


@dataclass(slots=True)
class Evening:
    """What has happened so far."""

    requests: int = 0
    left: int = 0


class _Leaves(Exception):
    """The person has read enough."""


async def person(talk: load.Talk, chosen: argparse.Namespace, draw: random.Random, evening: Evening) -> None:
    """Ask again and again, until cancelled."""
    while True:
        saying = models.sayings(1, draw.randint(8, LONGEST_PROMPT), seed=draw.randrange(2**30))[0]
        new = draw.randint(1, LONGEST_ANSWER)
        patience = draw.randint(1, new) if draw.random() < chosen.leaving else new + 1
        evening.requests += 1
        try:
            await talk.say(saying, new, on_text=_Patience(patience))
        except _Leaves:
            evening.left += 1


class _Patience:
    """Counts pieces of text, and leaves at a given one."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces

    def __call__(self, _: load.Answer) -> None:
        self._pieces -= 1
        if self._pieces <= 0:
            raise _Leaves


async def soak(server: load.Server, chosen: argparse.Namespace) -> list[Sample]:
    evening, samples, started = Evening(), list[Sample](), time.monotonic()
    async with load.Talk(server) as talk:
        people = [
            asyncio.create_task(person(talk, chosen, random.Random(seed), evening)) for seed in range(chosen.people)
        ]
        while (now := time.monotonic() - started) < chosen.minutes * 60:
            samples.append(look(server, now, evening))
            show(samples[-1])
            done, _ = await asyncio.wait(people, timeout=chosen.every, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()  # whoever was refused, or cut off, ends the measurement
        for task in people:
            task.cancel()
        await asyncio.gather(*people, return_exceptions=True)
    return [*samples, look(server, time.monotonic() - started, evening)]


def look(server: load.Server, seconds: float, evening: Evening) -> Sample:
    if server.process is None:
        raise RuntimeError("a soak starts its own worker: without --url")
    process = psutil.Process(server.process.pid)
    mib = process.memory_info().rss / MIB
    return Sample(seconds, mib, process.num_threads(), process.num_fds(), evening.requests, evening.left)


def show(sample: Sample) -> None:
    print(
        f"{sample.seconds / 60:7.1f} min {sample.mib:9.1f} MiB {sample.threads:4} threads {sample.files:4} files "
        f"{sample.requests:7} requests, {sample.left} of them left half-way",
        flush=True,
    )


def growth(samples: Sequence[Sample]) -> float:
    """MiB per hour: the slope of the least-squares line."""
    times = [sample.seconds / 3600 for sample in samples]
    middle, mean = sum(times) / len(times), sum(sample.mib for sample in samples) / len(samples)
    spread = sum((moment - middle) ** 2 for moment in times)
    risen = sum((moment - middle) * (sample.mib - mean) for moment, sample in zip(times, samples, strict=True))
    return risen / spread if spread else 0.0


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    with subject.worker(chosen) as server:
        samples = asyncio.run(soak(server, chosen))
        freed_s, left = freed_after(server), held(server)
        show(samples[-1])
    settled = [sample for sample in samples if sample.seconds >= samples[-1].seconds / 10]
    slope = growth(settled)
    print(f"held when all had gone: {left}, {freed_s:.2f} s after the last; memory grew by {slope:.1f} MiB per hour")
    report.finish(
        "worker_soak",
        chosen,
        requests=samples[-1].requests,
        left_half_way=samples[-1].left,
        mib=[sample.mib for sample in (settled[0], samples[-1])],
        mib_per_hour=slope,
        threads=[sample.threads for sample in (settled[0], samples[-1])],
        files=[sample.files for sample in (settled[0], samples[-1])],
        held=left,
    )


if __name__ == "__main__":
    main()
