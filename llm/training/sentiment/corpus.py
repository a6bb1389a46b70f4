"""The messages of one epoch and their labels, from the texts beside this file. Knows no model.

A gap such as {good} is filled from the list `goods` or `good`; then letters and punctuation vary as in a chat.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from random import Random

LABELS = ("negative", "neutral", "positive")
TEXTS = Path(__file__).parent / "text"
GAP = re.compile(r"\{(\w+?)\d?\}")
WHOLE_SHARE = 0.4  # of the messages come from the whole sentences


class Corpus:
    """As many messages of each label as one wants."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._words, self._frames, self._sentences = (_read(name) for name in ("words", "frames", "sentences"))

    def epoch(self, number: int, of_each: int) -> list[tuple[str, int]]:
        """(message, place of its label in LABELS); the same for the same seed and number."""
        draw = Random(f"{self._seed}/{number}")
        return [(self._message(label, draw), LABELS.index(label)) for label in LABELS for _ in range(of_each)]

    def _message(self, label: str, draw: Random) -> str:
        if draw.random() < WHOLE_SHARE:
            return _typed(draw.choice(self._sentences[label]), draw)
        frame = draw.choice(self._frames[label])
        return _typed(GAP.sub(lambda gap: draw.choice(self._filling(gap[1])), frame), draw)

    def _filling(self, gap: str) -> list[str]:
        plural = {"person": "people"}.get(gap, f"{gap}s")
        return self._words[plural] if plural in self._words else self._words[gap]


def _typed(text: str, draw: Random) -> str:
    """As somebody types it: with or without capitals, punctuation and a word before it."""
    way = draw.random()
    if way < 0.3:
        text = text[:1].upper() + text[1:]
    elif way < 0.5:
        text = text.lower()
    elif way < 0.53:
        text = text.upper()
    if text[-1:].isalnum() and draw.random() < 0.25:
        text += draw.choice((".", ".", "!", "..."))
    if draw.random() < 0.1:
        text = f"{draw.choice(('well', 'so', 'hm', 'oh', 'yeah', 'no', 'btw', 'tbh'))}, {text}"
    return text


def _read(name: str) -> dict[str, list[str]]:
    with (TEXTS / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)
