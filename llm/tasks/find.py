"""The answer to a question from what was said and written: passages that were found → sentences, each with its source.

Passages come ranked by their words and by their meaning; here the two are joined, what does not speak of the question
is left out, and the rest is answered from. A chat model writes the answer and must cite; with the built-in model, and
where no model answers, the best passages speak for themselves. It does not know where passages come from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from llm.tasks.extract import words

RANKED = 50
"""Passages of each ranking that are joined."""
CONSIDERED = 24
"""Of the joined ranking: as many as a model may get to read."""
MOST_SHOWN = 4
"""Passages that speak for themselves."""
RANK_DAMPING = 5
"""Of reciprocal rank fusion: how little the first places differ from each other. Its paper's 60 puts what both rankings
know far down before what one of them has at its top, which in a chat is found less often (`steward eval find`)."""
Why = Literal["built-in model", "engine failed"]

_LITTLE_WORDS = """
a about after again all also am an and any anybody anyone are as at be because been before being but by can could did do
does doing done for from get got had has have he her here him his how i if in into is it its just know let like me more
most my no not now of on one only or other our out over please said say says she should so some somebody someone tell
than that the their them then there these they thing this those to told too up us use used very was we were what when
where which who whom whose why will with would you your yours
der die das den dem des ein eine einen einem einer und oder ist sind war waren wer wie was wo wann warum welche ich du
er sie es wir ihr hat haben mit von zu im in auf für nicht
le la les un une des et ou est sont qui que quoi quel quelle où quand comment pourquoi je tu il elle nous vous de du à
el los las una y o es son quién qué cuál dónde cuándo cómo por para con
os as um uma e são quem qual onde quando como porque com do da
"""
_EVERYBODYS = frozenset(_LITTLE_WORDS.split())


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a passage speaks of a question: by its meaning alone (`near`, a cosine similarity), by the share of
    the question's telling words that it has (`spoken_of`), or by both together where neither is enough. The values are
    those that `steward eval find --calibrate` chose."""

    near: float = 0.5
    spoken_of: float = 0.6
    half_near: float = 0.3
    half_spoken_of: float = 0.3


THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that was found: `near` is its cosine similarity to the question, where there is one."""

    id: int
    text: str
    near: float | None = None


def telling(question: Sequence[str]) -> list[str]:
    """The words of a question that are not everybody's, each once; all of them where none is left."""
    own = [word for word in dict.fromkeys(question) if word not in _EVERYBODYS]
    return own or list(dict.fromkeys(question))


def fused(*rankings: Sequence[int]) -> list[int]:
    """Several rankings as one, the best first: reciprocal rank fusion."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1.0 / (RANK_DAMPING + place)
    return sorted(scores, key=lambda number: -scores[number])


def speaking_of(question: str, candidates: Sequence[Candidate], thresholds: Thresholds = THRESHOLDS) -> list[Candidate]:
    """Those candidates that speak of the question, in their order: by meaning, by words, or by half of both."""
    wanted = wanted_of(question)
    return [one for one in candidates if speaks(one.near or 0.0, share(one.text, wanted), thresholds)]


def quoted(
    question: str, candidates: Sequence[Candidate], most: int = MOST_SHOWN, thresholds: Thresholds = THRESHOLDS
) -> list[Candidate]:
    """The passages to show where no model writes: of what speaks of the question the best, the question itself not."""
    asked = words(question)
    return [one for one in speaking_of(question, candidates, thresholds) if words(one.text) != asked][:most]


def speaks(near: float, spoken_of: float, thresholds: Thresholds) -> bool:
    """Whether a passage that is so near to a question, and has this share of its words, speaks of it."""
    return (
        near >= thresholds.near
        or spoken_of >= thresholds.spoken_of
        or (near >= thresholds.half_near and spoken_of >= thresholds.half_spoken_of)
    )


def wanted_of(question: str) -> frozenset[str]:
    """The telling words of a question, without what their forms differ in."""
    return frozenset(_stem(word) for word in telling(words(question)))


def share(text: str, wanted: Collection[str]) -> float:
    """How many of the words that are `wanted` a text has: 0 to 1."""
    there = {_stem(word) for word in words(text)}
    return sum(word in there for word in wanted) / len(wanted) if wanted else 0.0


def _stem(word: str) -> str:
    """A word without what its forms differ in, roughly: both databases do it better, and for their own rankings."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word.removesuffix("e") if len(word) > 3 else word
