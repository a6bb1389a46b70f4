"""Whether people who leave half-way take anything with them: what 100 abandoned requests still hold afterwards.

Measures, from outside, the share of the KV cache in use and the running and waiting requests after every client closed
its connection in the middle of its answer, and how long until they were freed; then a full crowd must be served.
Why: a request that nobody reads must not occupy blocks or a place, or a busy evening slowly fills the worker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time

from benchmarks import load, models, report, subject

FREED_S = 60.0  # longest time that freeing may take before what is left is called a leak
CROWD = 16


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--prompt", type=int, default=200, help="tokens of each question")
    parser.add_argument("--new", type=int, default=64, help="tokens of each answer; half of it is read")
    return parser.parse_args(arguments)


class _Enough(Exception):
    """The client has read as much as it wants."""


async def leave_half_way(talk: load.Talk, saying: str, new: int) -> bool:
    """Asks, reads half of the answer and closes the connection; False if the answer ended before that.

    Half is counted in words: the random models say one with each token, and others hardly more."""

    def count(answer: load.Answer) -> None:
        if new // 2 <= len(answer.text.split()) < new:
            raise _Enough

    try:
        await talk.say(saying, new, on_text=count)
    except _Enough:
        return True
    return False


async def abandon(server: load.Server, chosen: argparse.Namespace) -> int:
    """All at once; how many left half-way."""
    async with load.Talk(server) as talk:
        asked = models.sayings(chosen.requests, chosen.prompt)
        return sum(await asyncio.gather(*(leave_half_way(talk, saying, chosen.new) for saying in asked)))


def held(server: load.Server) -> dict[str, float]:
    """What requests hold now: share of the cache, running and waiting requests."""
    metrics = load.get(server, "/metrics")
    queue = json.loads(load.get(server, "/v1/queue"))
    found = {
        name: re.search(rf"^steward_{name} (\S+)$", metrics, re.MULTILINE) for name in ("cache_used_ratio", "running")
    }
    gauges = {name: float(match[1]) for name, match in found.items() if match}
    return {**gauges, "waiting": float(sum(queue["waiting"].values()))}


def freed_after(server: load.Server) -> float:
    """Seconds until nothing is held, at most FREED_S."""
    started = time.perf_counter()
    while any(held(server).values()) and time.perf_counter() - started < FREED_S:
        time.sleep(0.02)
    return time.perf_counter() - started


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    with subject.worker(chosen) as server:
        gone = asyncio.run(abandon(server, chosen))
        seconds = freed_after(server)
        left = held(server)
        crowd = load.crowd(server, models.sayings(min(CROWD, chosen.requests), chosen.prompt, seed=2), chosen.new)
    print(f"{gone} of {chosen.requests} requests were left half-way; nothing was held {seconds:.2f} s after the last")
    share, running, waiting = left["cache_used_ratio"], left["running"], left["waiting"]
    print(f"held afterwards: {share:.2%} of the cache, {running:.0f} running, {waiting:.0f} waiting requests")
    print(f"then {len(crowd.answers)} people at once were served at {crowd.tokens_per_s:.1f} tokens/s")
    report.finish("worker_cancel", chosen, left=gone, held=left, freed_s=seconds, then_tokens_per_s=crowd.tokens_per_s)


if __name__ == "__main__":
    main()
