"""The bot as in production (`bot.app.run_bot`: discord.py, SQLite), as a process with a probe in its event loop:
`python -m benchmarks.bot_process PLAYGROUND ENGINE DATABASE`. It measures nothing by itself.

The delay is how much later than asked a 5 ms sleep in the bot's loop ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks import load
from bot.app import run_bot
from bot.config import Secrets, Settings

PROBE_S = 0.005

Json = dict[str, Any]


class Bot:
    """The bot's process, from the outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def delays_ms(self) -> list[float]:
        """The delays of its loop since the last time."""
        return await asyncio.to_thread(self._ask)

    @property
    def memory_mib(self) -> float:
        """What it holds of the machine's memory."""
        return float(psutil.Process(self._process.pid).memory_info().rss) / 2**20

    @property
    def cpu_s(self) -> float:
        """Processor seconds that it has used: what little depends on who else uses the machine."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def _ask(self) -> list[float]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the bot was started without pipes")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the bot's process ended; what it said is above")
        delays: list[float] = json.loads(line)
        return delays


@contextmanager
def the_bot(playground: str, engine: str, database: Path, **settings: object) -> Iterator[Bot]:
    """A bot at this playground, with this engine and these settings of [bot], while the block runs."""
    flags = [playground, engine, str(database), json.dumps(settings)]
    command = [sys.executable, "-m", "benchmarks.bot_process", *flags]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, cwd=load.ROOT, stdin=pipes, stdout=pipes, text=True) as process:
        try:
            yield Bot(process)
        finally:
            process.kill()


def figures(delays_ms: list[float]) -> Json:
    """Median, 99th percentile and the longest of these delays."""
    percentiles = statistics.quantiles(delays_ms, n=100, method="inclusive") if len(delays_ms) > 1 else [0.0] * 99
    return {"p50_ms": percentiles[49], "p99_ms": percentiles[98], "most_ms": max(delays_ms, default=0.0)}


async def be_the_bot(playground: str, engine: str, database: Path, chosen: Json) -> None:
    """The bot, until stdin ends; each line is answered with its loop's delays since the line before (milliseconds)."""
    settings = Settings.model_validate(
        {
            "bot": {"log_level": "error", **chosen},
            "llm": {"base_url": engine},
            "playground": {"database": f"sqlite:///{database}"},
        }
    )
    running = asyncio.create_task(run_bot(settings, Secrets(), playground))
    delays: list[float] = []
    probing = asyncio.create_task(_probe(delays))
    while await asyncio.to_thread(sys.stdin.readline) and not running.done():
        print(json.dumps(delays), flush=True)
        delays.clear()
    for task in (probing, running):
        task.cancel()
    results = await asyncio.gather(running, probing, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]


async def _probe(delays: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(PROBE_S)
        delays.append(1000 * (time.perf_counter() - began - PROBE_S))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("playground")
    parser.add_argument("engine")
    parser.add_argument("database", type=Path)
    parser.add_argument("settings", type=json.loads)
    given = parser.parse_args()
    asyncio.run(be_the_bot(given.playground, given.engine, given.database, given.settings))
