"""From where on something is said to be found: what thresholds (`llm.tasks.find`) make of questions with and without an
answer, and which of a grid of thresholds do best. It knows no search.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.evaluation.irc import Kind
from llm.tasks.find import MOST_SHOWN, Thresholds, speaks

NEAR = np.arange(0.40, 0.81, 0.05)
SPOKEN_OF = (0.6, 0.7, 0.8, 0.9, 1.01)
"""More than half: one of two words says too little."""
HALF_NEAR = np.arange(0.2, 0.61, 0.1)
HALF_SPOKEN_OF = (0.2, 0.3, 0.4, 0.5, 0.6)

ENOUGH = 0.9
"""Of the questions that are answered there so many get something to read."""

Judged = dict[str, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate: its cosine similarity to the question, the share of the question's words in it, whether it is an
    answer."""

    near: float
    spoken_of: float
    is_answer: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """A question with its candidates, the best first."""

    kind: Kind
    seen: tuple[Seen, ...]


def judged(trials: Sequence[Trial], thresholds: Thresholds) -> Judged:
    """Shares: of questions that are answered there those of which an answer is shown, and those of which anything is;
    of the two other sorts those of which nothing is, which is right."""
    shown = [(trial.kind, _shown(trial, thresholds)) for trial in trials]
    known = [seen for kind, seen in shown if kind == "answered here"]
    return {
        "answer_shown": _share([any(one.is_answer for one in seen) for seen in known]),
        "anything_shown": _share([bool(seen) for seen in known]),
        "silent_elsewhere": _share([not seen for kind, seen in shown if kind == "asked elsewhere"]),
        "silent_small_talk": _share([not seen for kind, seen in shown if kind == "small talk"]),
    }


def best(trials: Sequence[Trial]) -> Thresholds:
    """Of the grid those that lead to the most right ends: an answer shown where there is one, nothing where there is
    none, both counted alike; as long as ENOUGH of the answered questions get anything at all: silence is always right
    where nobody answered, and would win otherwise."""

    def worth(thresholds: Thresholds) -> float:
        told = judged(trials, thresholds)
        if told["anything_shown"] < ENOUGH:
            return told["anything_shown"] - 1
        return told["answer_shown"] + (told["silent_elsewhere"] + told["silent_small_talk"]) / 2

    grid = itertools.product(NEAR, SPOKEN_OF, HALF_NEAR, HALF_SPOKEN_OF)
    return max((Thresholds(*map(float, one)) for one in grid), key=worth)


def table(name: str, told: Judged) -> str:
    """One line for people."""
    return (
        f"{name:10} answered there: an answer shown {told['answer_shown']:.0%}, anything {told['anything_shown']:.0%};"
        f'  "not found": asked elsewhere {told["silent_elsewhere"]:.0%}, small talk {told["silent_small_talk"]:.0%}'
    )


def _shown(trial: Trial, thresholds: Thresholds) -> list[Seen]:
    return [one for one in trial.seen if speaks(one.near, one.spoken_of, thresholds)][:MOST_SHOWN]


def _share(hits: Sequence[bool]) -> float:
    return float(np.mean(hits)) if hits else float("nan")
