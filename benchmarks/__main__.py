"""Every benchmark, one after the other, and then each promised figure beside its target (issues 3 and 4, "How fast").

Each runs as a process of its own, with what it is set to by itself. The last line is JSON: all figures, and the targets
that were missed. It knows which figure of a benchmark was promised; what the figures mean is written in each file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import report

FOLDER = Path(__file__).resolve().parent
BY_HAND = {"worker_soak"}  # takes an hour
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """One promise: `read` finds the figure in a benchmark's last line, None where that machine cannot have it."""

    bench: str
    what: str
    read: Callable[[Figures], float | None]
    at_least: float | None = None
    at_most: float | None = None

    def reached(self, figure: float) -> bool:
        low = self.at_least is None or figure >= self.at_least
        return low and (self.at_most is None or figure <= self.at_most)

    @property
    def wanted(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One promised figure beside its target."""

    bench: str
    what: str
    figure: float
    target: str
    reached: bool


def _of(name: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures.get(name)


def _of_gpu(name: str, quantization: str, chats: int) -> Callable[[Figures], float | None]:
    def read(figures: Figures) -> float | None:
        rows = [row for row in figures.get("rows", []) if row["model"] == "8b" and row["chats"] == chats]
        return next((row[name] for row in rows if row["quantization"] == quantization), None)

    return read


TARGETS = (
    Target("bot_streams", "edits refused, 20 streams at once", _of("refused"), at_most=0),
    Target("bot_streams", "event-loop delay, 99th percentile, ms", _of("p99_ms"), at_most=25),
    Target("bot_intake", "messages a second through the bot into SQL", _of("per_s"), at_least=1500),
    Target("bot_intake", "messages lost on the way", _of("lost"), at_most=0),
    Target("bot_replay", "questions without answer or refusal", _of("silent"), at_most=0),
    Target("bot_replay", "messages that are not in SQL", _of("missing_in_sql"), at_most=0),
    Target("storage_intake", "messages a second judged and stored", _of("per_s"), at_least=1500),
    Target("storage_intake", "messages lost on a clean end", _of("lost"), at_most=0),
    Target("storage_intake", "milliseconds that kill -9 takes", _of("most_lost_ms"), at_most=200),
    Target("context_build", "milliseconds of a 5,000-message thread's context", _of("median_ms"), at_most=15),
    Target("context_build", "statements for it", _of("statements"), at_most=1),
    Target("bot_prefix", "computed, turns 91-110 over 6-15", _of("ratio"), at_most=1.2),
    Target("worker_throughput", "16 chats over one at a time", _of("ratio"), at_least=6),
    Target("worker_vs_transformers_serve", "over transformers serve", _of("ratio"), at_least=1.3),
    Target("worker_first_token", "first token, busy over idle", _of("ratio"), at_most=3),
    Target("worker_prefix", "computed over new tokens", _of("between_cuts"), at_most=1),
    Target("worker_http", "through HTTP over engine alone", _of("ratio"), at_least=0.9),
    Target("worker_fairness", "smallest share of a fair share", _of("smallest_share"), at_least=0.8),
    Target("worker_cancel", "cache in use afterwards", lambda line: line["held"]["cache_used_ratio"], at_most=0),
    Target("summarize_batching", "parts side by side, share of the time", _of("ratio"), at_most=0.45),
    Target("gpu", "8B, 32 chats, share of the limit", _of_gpu("share", "none", 32), at_least=0.5),
    Target("gpu", "8B, 32 chats over one at a time", _of_gpu("over_alone", "none", 32), at_least=15),
    Target("gpu", "8B in nf4, GiB", lambda line: line.get("peak_gib", {}).get("8b nf4"), at_most=16),
)


def known() -> list[str]:
    """Names of all that run by themselves."""
    names = {path.stem for path in FOLDER.glob("*.py") if "\ndef main(" in path.read_text()}
    return sorted(names - BY_HAND - {Path(__file__).stem})


def run(name: str) -> Figures | None:
    """The last line of one benchmark; all its lines are shown as they come. None when it failed."""
    print(f"\n== {name}", flush=True)
    last = ""
    with subprocess.Popen([sys.executable, "-m", f"benchmarks.{name}"], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line
    figures: Figures | None = json.loads(last) if process.returncode == 0 else None
    return figures


def compare(found: dict[str, Figures | None]) -> list[Result]:
    """Each target whose benchmark ran, beside its figure."""
    results = []
    for target in TARGETS:
        figures = found.get(target.bench)
        figure = target.read(figures) if figures is not None else None
        if figure is not None:
            results.append(Result(target.bench, target.what, figure, target.wanted, target.reached(figure)))
    return results


def main(arguments: list[str] | None = None) -> None:
    report.parser(__doc__).parse_args(arguments)
    found = {name: run(name) for name in known()}
    results = compare(found)
    print()
    for result in results:
        verdict = "" if result.reached else "missed"
        print(f"{result.bench:30} {result.what:38} {result.figure:8.2f}  {result.target:7} {verdict}")
    failed = [name for name, figures in found.items() if figures is None]
    missed = sum(not result.reached for result in results)
    print(f"total: {len(found)} benchmarks, {len(failed)} failed; {len(results)} targets, {missed} missed")
    report.finish("all", argparse.Namespace(), targets=[asdict(result) for result in results], failed=failed)
    sys.exit(1 if failed else 0)


main()
