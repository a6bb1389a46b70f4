"""What lies outside the small world: questions and tasks of every kind, so that the model learns to say so honestly.

The sentences are in `text/outside.toml`; this file draws and fills them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from llm.training.chat.grammar import expand, fill
from llm.training.chat.words import draw, invented, number
from llm.training.chat.written import words, written


def request(rng: Random) -> str:
    """Something that the small model cannot know or do."""
    return _asked("requests", rng)


def answer(rng: Random) -> str:
    """An honest answer that the small model cannot, and how to choose a larger one."""
    return _answered("answers", rng)


def remark(rng: Random) -> str:
    """Something said about the world that asks for nothing."""
    return _asked("remarks", rng)


def reply(rng: Random) -> str:
    """A friendly answer to a remark that does not pretend to understand it."""
    return _answered("replies", rng)


def _asked(part: str, rng: Random) -> str:
    text = expand(rng.choice(written("outside")[part]), rng)
    for slot, source in _SOURCES.items():
        while "{" + slot + "}" in text:
            text = text.replace("{" + slot + "}", source(rng), 1)
    return text


def _answered(part: str, rng: Random) -> str:
    text = written("outside")
    bigger = rng.choice(text["bigger"]) if rng.random() < 0.85 else ""
    return expand(fill(rng.choice(text[part]), sorry=text["sorry"], only="<only|just>", bigger=bigger), rng)


def _pool(kind: str) -> Callable[[Random], str]:
    return lambda rng: draw(kind, rng, novelty=0.08)


_SOURCES: dict[str, Callable[[Random], str]] = {
    "noun": lambda rng: rng.choice(words("outside nouns")),
    "nouns": lambda rng: rng.choice(words("outside nouns")) + "s",
    "verb": lambda rng: rng.choice(words("outside verbs")),
    "adj": lambda rng: rng.choice(words("outside adjectives")),
    "word": invented,
    "a": lambda rng: number(rng, 2, 99),
    "b": lambda rng: number(rng, 2, 999),
    "c": lambda rng: number(rng, 100, 9999),
    "thing": _pool("title"),
    "place": _pool("country"),
    **{
        kind: _pool(kind)
        for kind in [
            "country",
            "city",
            "language",
            "food",
            "pet",
            "animal",
            "job",
            "name",
            "day",
            "game",
            "hobby",
            "music",
            "instrument",
            "kin",
        ]
    },
}
