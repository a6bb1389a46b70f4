"""Texts → labels that are given on the spot.

A zero-shot model answers on the worker, or the chat model, as the owner chooses. Where there is none, the embedding
model tells which label is nearest in meaning: a rough guess, and said to be one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llm.errors import NotServed
from llm.tasks.asking import Asking
from llm.tasks.labelling import labelled
from llm.tasks.likeness import Likeness
from llm.tasks_client import TasksClient
from llm.types import Priority, Usage

HYPOTHESIS = "This is about {}."
"""A label as a sentence, for the embedding model."""
TASK = "Choose the label that fits the text best."
_SHARPNESS = 15.0
"""Of the differences between cosines: they are small."""

Method = Literal["zero-shot", "chat", "likeness"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """The label that fits best, None where the model gave none; `scores` of all of them, where the engine has any."""

    label: str | None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Classified:
    """Per text what fits, and by which way it was found."""

    each: list[Labelled]
    method: Method
    usage: Usage | None = None


class Classifier:
    """Sorts by the zero-shot model, or (`asking`) the chat model, else (`likeness`) by meaning. Methods raise
    llm.errors."""

    def __init__(self, tasks: TasksClient | None, asking: Asking | None, likeness: Likeness | None) -> None:
        self._tasks = tasks
        self._asking = asking
        self._likeness = likeness

    async def classify(
        self, texts: Sequence[str], labels: Sequence[str], *, user: str | None = None, priority: Priority = "command"
    ) -> Classified:
        """One of the labels, at least two that all differ, for each text. Raises NotServed where nothing can do it."""
        try:
            if self._asking is not None:
                said = await labelled(self._asking, texts, labels, TASK, user=user, priority=priority)
                return Classified([Labelled(label) for label in said.each], "chat", said.usage)
            if self._tasks is None:
                raise NotServed("there is no engine for task models")
            scored = await self._tasks.classify(texts, labels)
        except NotServed:
            return Classified(await self._by_likeness(texts, labels), "likeness")
        return Classified([best(scores) for scores in scored], "zero-shot")

    async def _by_likeness(self, texts: Sequence[str], labels: Sequence[str]) -> list[Labelled]:
        rows = None if self._likeness is None else await self._likeness.of_both(texts, hypotheses(labels))
        if rows is None:
            raise NotServed("neither a zero-shot model nor an embedding model is served")
        return nearest(*rows, labels)


def hypotheses(labels: Sequence[str]) -> list[str]:
    """What texts are compared with."""
    return [HYPOTHESIS.format(label) for label in labels]


def nearest(texts: NDArray[np.float32], sentences: NDArray[np.float32], labels: Sequence[str]) -> list[Labelled]:
    """By rows of unit length, of the texts and of the labels' sentences."""
    raised = np.exp(_SHARPNESS * (texts @ sentences.T))
    shares = raised / raised.sum(axis=1, keepdims=True)
    return [best(dict(zip(labels, map(float, row), strict=True))) for row in shares]


def best(scores: Mapping[str, float]) -> Labelled:
    """The label with the highest score."""
    return Labelled(max(scores, key=lambda label: scores[label]), scores)
