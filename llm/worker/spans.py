"""From a label for each piece of a word to entities in the text. Pure: it knows no model and no tokenizer.

A word gets the label of its first piece (transformers' aggregation "first"), so that no entity ends inside a word;
neighbouring words of one type are one entity. Offsets are Unicode code points of the original text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

OUTSIDE = "O"
SCHEME = re.compile(r"[BIESLUM]-(.+)")
BEGINS = frozenset("BSU")
# Scripts that write no spaces: each letter can begin a word. Thai to Myanmar, kana, Han with its extensions.
UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """One token: where it lies in the text, which of the tokenizer's words it belongs to, a probability per label."""

    start: int
    end: int
    word: int | None
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Entity:
    """A name in a text: `text[start:end]`, counted in code points; `score` is the mean over its words."""

    start: int
    end: int
    type: str
    text: str
    score: float


@dataclass(slots=True)
class _Word:
    start: int
    end: int
    label: str
    score: float


def entities(text: str, pieces: Sequence[Piece], labels: Mapping[int, str]) -> list[Entity]:
    """The entities of one text, in their order; `pieces` without the special tokens."""
    prefixed = all(SCHEME.fullmatch(label) for label in labels.values() if label != OUTSIDE)
    found: list[Entity] = []
    group: list[_Word] = []
    current = OUTSIDE
    for word in _words(text, pieces, labels):
        prefix, kind = _tag(word.label, prefixed)
        if group and (kind != current or prefix in BEGINS):
            found += _closed(text, group, current)
            group = []
        current = kind
        group.append(word)
    return found + _closed(text, group, current)


def _words(text: str, pieces: Sequence[Piece], labels: Mapping[int, str]) -> list[_Word]:
    words: list[_Word] = []
    previous: Piece | None = None
    for piece in pieces:
        if piece.end <= piece.start:
            continue
        if previous is not None and _same_word(text, previous, piece):
            words[-1].end = max(words[-1].end, piece.end)
        else:
            best = int(piece.scores.argmax())
            words.append(_Word(piece.start, piece.end, labels[best], float(piece.scores[best])))
        previous = piece
    for word, following in zip_longest(words, words[1:]):
        while word.end < (len(text) if following is None else following.start) and _is_mark(text[word.end]):
            word.end += 1
    return words


def _same_word(text: str, left: Piece, right: Piece) -> bool:
    """Whether two neighbouring pieces are of one word, whatever the tokenizer calls a word."""
    if right.start < left.end:  # two pieces of one character
        return True
    if right.start > left.end or left.word != right.word:
        return False
    before, after = text[right.start - 1], text[right.start]
    return _in_word(before) and _in_word(after) and not (_stands_alone(before) or _stands_alone(after))


def _in_word(character: str) -> bool:
    return character.isalnum() or _is_mark(character)


def _is_mark(character: str) -> bool:
    """An accent, a variation selector or the like belongs to the character before; some tokenizers leave it out."""
    return unicodedata.category(character).startswith("M")


def _stands_alone(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in UNSPACED) and character.isalpha()


def _tag(label: str, prefixed: bool) -> tuple[str, str]:
    """(prefix, type) of a label such as B-PER; a label without a scheme continues what came before."""
    match = SCHEME.fullmatch(label) if prefixed else None
    return ("I", label) if match is None else (label[0], match[1])


def _closed(text: str, group: Sequence[_Word], kind: str) -> list[Entity]:
    """The group as an entity, without the spaces that some tokenizers count to a word; none for what is outside."""
    if not group or kind == OUTSIDE:
        return []
    start, end = group[0].start, group[-1].end
    covered = text[start:end]
    start += len(covered) - len(covered.lstrip())
    end -= len(covered) - len(covered.rstrip())
    score = sum(word.score for word in group) / len(group)
    return [Entity(start, end, kind, text[start:end], score)] if end > start else []
