"""Small charts as pictures, drawn by a process of its own: the bot's own never computes, and never holds matplotlib.

It does not know what the numbers mean. What is drawn is told to those who do not see it, too (`Chart.alt`).
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import discord

LONGEST_S = 60.0
"""Starting Python and matplotlib takes a second; the first time it looks through the fonts of the machine."""
MOST_AT_ONCE = 2
PROGRAM = (sys.executable, "-m", "bot.bars")


class ChartFailed(Exception):
    """There is no picture; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars side by side: for each label one value of each series. `alt` says in words what is seen. `is_stacked`: all
    series in one chart, on top of each other, else each has a chart of its own."""

    labels: tuple[str, ...]
    series: Mapping[str, Sequence[float]]
    alt: str
    is_stacked: bool = False


class Charts:
    """Draws charts, a few at a time."""

    def __init__(self, longest_s: float = LONGEST_S, program: Sequence[str] = PROGRAM) -> None:
        """`program` reads numbers and writes a picture, as `bars` does, within `longest_s` seconds."""
        self._longest_s = longest_s
        self._program = program
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def draw(self, chart: Chart) -> discord.File:
        """The picture as a file with its words. Raises ChartFailed."""
        series = {name: list(values) for name, values in chart.series.items()}
        asked = json.dumps({"labels": list(chart.labels), "series": series, "is_stacked": chart.is_stacked})
        try:
            async with self._room, asyncio.timeout(self._longest_s):
                picture = await _drawn(self._program, asked.encode())
        except TimeoutError:
            raise ChartFailed(f"it took longer than {self._longest_s:g} s") from None
        except OSError as error:
            raise ChartFailed(f"no process could be started: {error}") from error
        return discord.File(io.BytesIO(picture), "chart.png", description=chart.alt[:1024])


async def _drawn(program: Sequence[str], asked: bytes) -> bytes:
    """What the program makes of it; the process is gone afterwards, whatever happened."""
    cache = {"MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / "steward-matplotlib")}
    process = await asyncio.create_subprocess_exec(
        *program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=cache | dict(os.environ),
    )
    try:
        picture, complaints = await process.communicate(asked)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not picture:
        raise ChartFailed(complaints.decode(errors="replace")[-500:])
    return picture
