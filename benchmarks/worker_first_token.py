"""How long a person waits for the first word while the worker is busy with long background work.

Measures the time to the first token of interactive requests, one at a time, on an idle worker and while long background
requests run; through HTTP, medians. Each question is new, so that nothing of it is cached.
Why: summaries and digests run beside conversations, and nobody talking should feel them. A larger token budget per step
gives more throughput and a later first word: this is the other side of worker_throughput.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from statistics import median

from benchmarks import load, models, report, subject

A_FEW = 4  # tokens of an interactive answer: only its first one counts
PAUSE_S = 0.2  # at most, before each question, so that it arrives anywhere in the engine's step


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser)
    parser.add_argument("--background", type=int, default=8, help="long background requests")
    parser.add_argument("--long", type=int, default=1500, help="tokens of each background answer")
    parser.add_argument("--prompt", type=int, default=200, help="tokens of every question")
    parser.add_argument("--questions", type=int, default=10, help="interactive questions in each state")
    return parser.parse_args(arguments)


async def first_tokens(talk: load.Talk, sayings: Sequence[str]) -> list[float]:
    """Seconds to the first text of each, asked one after the other by the same person."""
    firsts = []
    pauses = random.Random(0)
    for saying in sayings:
        await asyncio.sleep(pauses.uniform(0, PAUSE_S))
        answer = await talk.say(saying, A_FEW, priority="interactive", user="1/1")
        firsts.append(answer.first_s)
    return firsts


async def while_busy(talk: load.Talk, long_ones: Sequence[str], long: int, sayings: Sequence[str]) -> list[float]:
    """The same while every long request runs. Raises RuntimeError when one of them ended before the last question."""
    begun = [asyncio.Event() for _ in long_ones]
    background = [
        asyncio.create_task(_long(talk, saying, long, mark, person=f"2/{number}"))
        for number, (saying, mark) in enumerate(zip(long_ones, begun, strict=True))
    ]
    try:
        all_begun = asyncio.create_task(_all(begun))
        await asyncio.wait({all_begun, *background}, return_when=asyncio.FIRST_COMPLETED)
        all_begun.cancel()
        firsts = await first_tokens(talk, sayings)
        for task in background:
            if task.done():
                task.result()
                raise RuntimeError("a background request ended too soon: make it longer (--long), or ask less")
        return firsts
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)


async def _all(marks: Sequence[asyncio.Event]) -> None:
    for mark in marks:
        await mark.wait()


async def _long(talk: load.Talk, saying: str, new: int, begun: asyncio.Event, person: str) -> None:
    await talk.say(saying, new, on_text=lambda _: begun.set(), priority="background", user=person)


async def measure(server: load.Server, chosen: argparse.Namespace) -> tuple[list[float], list[float]]:
    """First tokens on the idle worker (half of them before, half after the busy time) and on the busy one."""
    asked = models.sayings(2 * chosen.questions + chosen.background + 1, chosen.prompt)
    idle, busy, long_ones = (
        asked[: chosen.questions],
        asked[chosen.questions : 2 * chosen.questions],
        asked[2 * chosen.questions : -1],
    )
    half = len(idle) // 2
    async with load.Talk(server) as talk:
        await first_tokens(talk, asked[-1:])  # pays for what is set up once
        before = await first_tokens(talk, idle[:half])
        hindered = await while_busy(talk, long_ones, chosen.long, busy)
        after = await first_tokens(talk, idle[half:])
    return before + after, hindered


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    with subject.worker(chosen) as server:
        idle, busy = asyncio.run(measure(server, chosen))
    ratio = median(busy) / median(idle)
    for name, firsts in (("idle", idle), (f"{chosen.background} background requests", busy)):
        print(f"{name:24} first token after {median(firsts):6.3f} s, at worst {max(firsts):6.3f} s")
    print(f"{'ratio':24} {ratio:23.2f}")
    figures = {"idle_s": median(idle), "busy_s": median(busy), "worst_idle_s": max(idle), "worst_busy_s": max(busy)}
    report.finish("worker_first_token", chosen, **figures, ratio=ratio)


if __name__ == "__main__":
    main()
