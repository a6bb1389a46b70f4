"""How well a sentence that its citation supports is told from one that it does not, and from which nearness on.

Takes cases of which this is known (`support_cases`), and asks `llm.tasks.support` as a summary does: vectors by the
worker's own /v1/embeddings, and once more by shared words, as where no embedding model is served. For each threshold:
the share of supported sentences that is kept, and of each kind of unsupported ones that is dropped. The threshold for
names, numbers and negation matters little: the first two are compared as they are, and a vector hardly knows "not".
The best threshold is the one with the best mean of kept and dropped ("moved" ones). Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from benchmarks.encoder_batching import worker
from benchmarks.evaluation.find import served
from benchmarks.evaluation.support_cases import KINDS, Case, Kind, of_logs, of_meetings
from llm.config import LLMSettings
from llm.tasks.likeness import Likeness
from llm.tasks.summary import SourceMessage, SummaryItem
from llm.tasks.support import NEAR, SHARED, nearness, shares_names_and_numbers
from llm.tasks_client import TasksClient

DATA = Path("../shared/data")
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(13))
SOME = 64
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

Shares = dict[str, float]
T = TypeVar("T")


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with summarization/ and chat_logs/")
    parser.add_argument("--logs", type=int, default=20, help="IRC logs, spread over all of them")
    parser.add_argument("--each", type=int, default=5, help="messages of each log")
    parser.add_argument(
        "--sentences", type=int, default=150, help="sentences of people's summaries of meetings; 0: all"
    )
    return parser.parse_args(arguments)


def cases(chosen: argparse.Namespace) -> list[Case]:
    """All cases of the material that is there."""
    logs = spread(sorted((chosen.data / "chat_logs" / "ubuntu_irc").glob("*.raw.txt")), chosen.logs)
    meetings = chosen.data / "summarization" / "qmsum" / "val.jsonl"
    said = of_meetings(meetings) if meetings.is_file() else []
    places = [place for place, one in enumerate(said) if one.kind == "supported"]
    ends = spread(places, chosen.sentences) if chosen.sentences else []
    some = [one for start in ends for one in _with_its_own(said, start)] if ends else said
    return [*some, *of_logs(logs, chosen.each)]


def _with_its_own(every: Sequence[Case], start: int) -> list[Case]:
    """A supported case and the unsupported ones that were made of it, which follow it."""
    own = itertools.takewhile(lambda one: one.kind != "supported", every[start + 1 :])
    return [*every[start : start + 1], *own]


def spread(paths: Sequence[T], count: int) -> list[T]:
    """So many of them, from the first to the last."""
    return [paths[number * len(paths) // count] for number in range(min(count, len(paths)))]


async def near(every: Sequence[Case], likeness: Likeness | None) -> NDArray[np.float64]:
    """How much each sentence speaks of what it cites, as a summary's check sees it."""
    found: list[float] = []
    for start in range(0, len(every), SOME):
        some = every[start : start + SOME]
        items = [SummaryItem(one.sentence, tuple(range(len(one.cited))), one.cited[0][0]) for one in some]
        texts = ["\n".join(text for _, text in one.cited) for one in some]
        vectors = await likeness.of_both([one.sentence for one in some], texts) if likeness else None
        if likeness is not None and vectors is None:
            raise RuntimeError("the worker makes no vectors")
        found += nearness(items, texts, vectors)
    return np.asarray(found)


def names_fit(case: Case) -> bool:
    """Whether names and numbers of the sentence are in what it cites."""
    sources = [SourceMessage(place, author, text, MOMENT) for place, (author, text) in enumerate(case.cited)]
    text = "\n".join(source.text for source in sources)
    return shares_names_and_numbers(case.sentence, text, {source.author for source in sources}, case.people)


def shares(kinds: Sequence[Kind], kept: Sequence[bool]) -> Shares:
    """Of supported sentences the share that is kept, of the others the share that is dropped."""
    found: Shares = {}
    for kind in KINDS:
        mine = [keep for each, keep in zip(kinds, kept, strict=True) if each == kind]
        if mine:
            found[kind] = sum(mine) / len(mine) if kind == "supported" else 1 - sum(mine) / len(mine)
    return found


def by_threshold(every: Sequence[Case], values: NDArray[np.float64]) -> dict[float, Shares]:
    """The shares with each threshold."""
    kinds, fits = [one.kind for one in every], [names_fit(one) for one in every]
    return {
        least: shares(kinds, [fit and value >= least for fit, value in zip(fits, values, strict=True)])
        for least in THRESHOLDS
    }


def best(found: Mapping[float, Shares]) -> float:
    """The threshold with the best mean of what is kept and what is dropped."""
    return max(found, key=lambda least: found[least]["supported"] + found[least]["moved"])


async def measured(every: Sequence[Case]) -> dict[str, dict[float, Shares]]:
    with worker() as address:
        async with TasksClient(LLMSettings(first_token_timeout_s=120), address) as tasks:
            await served(tasks)
            by_vectors = await near(every, Likeness(tasks))
    return {"vectors": by_threshold(every, by_vectors), "words": by_threshold(every, await near(every, None))}


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    every = cases(chosen)
    counts = {kind: sum(one.kind == kind for one in every) for kind in KINDS}
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    found = asyncio.run(measured(every))
    figures: dict[str, object] = {"cases": counts}
    for way, shipped in (("vectors", NEAR), ("words", SHARED)):
        print(f"{way:8} " + " ".join(f"{kind:>10}" for kind in KINDS) + "   (kept, then dropped)")
        for least, share in found[way].items():
            mark = "  shipped" * (least == shipped) + "  best" * (least == best(found[way]))
            print(f"{least:8.2f} " + " ".join(f"{share.get(kind, 0):10.3f}" for kind in KINDS) + mark)
        figures[way] = {"best": best(found[way]), "shipped": shipped, **found[way][shipped]}
    chosen.data = str(chosen.data)
    report.finish("eval_support", chosen, **figures)


if __name__ == "__main__":
    main()
