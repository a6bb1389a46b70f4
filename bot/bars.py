"""`python -m bot.bars`: numbers as JSON on standard input → bar charts as a PNG on standard output.

The program behind `charting`. Uses matplotlib's objects, never its global state; opens no window and no file.
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

INCHES, DOTS_PER_INCH = (6.4, 3.6), 110
GROUND, INK, FAINT = "#2b2d31", "#dbdee1", "#4e5058"  # Discord's dark theme; readable on its light one, too
COLOURS = ("#5865f2", "#3ba55d", "#faa61a")
STACKED = ("#3ba55d", "#b5bac1", "#ed4245")  # from the bottom up
LABELS = 6
"""Days that are named below; the others are counted from there."""


def draw(asked: dict[str, Any], into: IO[bytes]) -> None:
    """One chart above the other, one for each series, or a single one with all of them."""
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, facecolor=GROUND, layout="constrained")
    FigureCanvasAgg(figure)
    series = list(asked["series"].items())
    if asked.get("is_stacked"):
        _stacked(figure.add_subplot(), series, asked["labels"])
        series = []
    for place, (name, values) in enumerate(series):
        axes = figure.add_subplot(len(series), 1, place + 1)
        _bars(axes, name, values, asked["labels"], COLOURS[place % len(COLOURS)])
    figure.savefig(into, format="png")


def _bars(axes: Axes, name: str, values: list[float], labels: list[str], colour: str) -> None:
    axes.bar(range(len(values)), values, color=colour)
    axes.set_title(name, loc="left", color=INK, fontsize=10)
    _dress(axes, labels)


def _stacked(axes: Axes, series: list[tuple[str, list[float]]], labels: list[str]) -> None:
    below = [0.0] * len(labels)
    for (name, values), colour in zip(series, STACKED, strict=False):
        axes.bar(range(len(values)), values, bottom=below, color=colour, label=name)
        below = [lower + value for lower, value in zip(below, values, strict=True)]
    axes.legend(loc="upper left", ncols=len(series), fontsize=8, labelcolor=INK, frameon=False)
    axes.set_ylim(0, max(1.0, *below) * 1.2)  # room for the legend
    _dress(axes, labels)


def _dress(axes: Axes, labels: list[str]) -> None:
    axes.set_facecolor(GROUND)
    axes.tick_params(colors=INK, labelsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    named = range(len(labels) - 1, -1, -max(1, len(labels) // LABELS))
    axes.set_xticks(list(named), [labels[place] for place in named])
    for spine in axes.spines.values():
        spine.set_visible(False)


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.stdout.buffer)
