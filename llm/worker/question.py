"""A typed question on its way to the chat model: what `decide.py` asks and `judge.py` computes. Knows neither."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

STEP_TOKENS = 256  # computed in one pause: half of what an ordinary step may compute by default

Pause = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as a prompt: token ids, and the names of the options with the token of each one's label."""

    name: str
    ids: Sequence[int]
    labels: Sequence[int]
    question: Any  # transformers' Question, which makes the answer
