"""Whether what a sentence cites supports it: it speaks of the same, and has no names or numbers that are not there.

Pure: vectors are given. Without any, shared words stand in for them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm.tasks.extract import words
from llm.tasks.summary import SourceMessage, SummaryItem

Matrix = NDArray[np.float32]

NEAR = 0.3
"""Cosine similarity from which on a sentence speaks of what it cites; both thresholds by `steward eval support`."""
SHARED = 0.2
"""Without vectors: the share of its telling words that are there."""
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<!^)(?<![.!?:] )\b[A-ZÄÖÜÀ-Þ][\w'’-]+")
_SHORT = 4
"""Words of fewer letters are everybody's."""


def cited_texts(items: Sequence[SummaryItem], messages: Mapping[int, SourceMessage]) -> list[str]:
    """What each sentence rests on, as one text."""
    return ["\n".join(messages[number].text for number in item.message_ids) for item in items]


def supported(
    items: Sequence[SummaryItem], messages: Mapping[int, SourceMessage], vectors: tuple[Matrix, Matrix] | None
) -> list[SummaryItem]:
    """Those sentences that their citations support; `vectors` of the sentences and of `cited_texts`, row by row."""
    people = {message.author for message in messages.values()}
    texts = cited_texts(items, messages)
    least = SHARED if vectors is None else NEAR
    near = [value >= least for value in nearness(items, texts, vectors)]
    kept: list[SummaryItem] = []
    for item, text, is_near in zip(items, texts, near, strict=True):
        authors = {messages[number].author for number in item.message_ids}
        if is_near and shares_names_and_numbers(item.text, text, authors, people):
            kept.append(item)
    return kept


def nearness(items: Sequence[SummaryItem], texts: Sequence[str], vectors: tuple[Matrix, Matrix] | None) -> list[float]:
    """How much each sentence speaks of what it cites, 0 to 1: by the cosine of their vectors, else by shared words."""
    if vectors is None:
        return [_shared_words(item.text, text) for item, text in zip(items, texts, strict=True)]
    alike: Any = (unit_rows(vectors[0]) * unit_rows(vectors[1])).sum(axis=1)
    return [float(value) for value in alike]


def shares_names_and_numbers(sentence: str, cited: str, authors: Collection[str], people: Collection[str]) -> bool:
    """Every number and every participant's name of the sentence is in what it cites, and so is another name, if any."""
    there = f"{cited}\n{' '.join(authors)}"
    folded = there.casefold()
    if not numbers(sentence) <= numbers(there):
        return False
    if any(_names(person, sentence) and not _names(person, there) for person in people):
        return False
    names = {name.casefold() for name in _NAME.findall(sentence)}
    return not names or any(name in folded for name in names) or _said_of_authors(sentence, authors)


def numbers(text: str) -> set[str]:
    """The numbers in a text, however their thousands are marked."""
    return {found.replace(",", "").rstrip(".:") for found in _NUMBER.findall(text)}


def unit_rows(rows: Matrix) -> Matrix:
    """The same directions, each of length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Matrix = rows / np.maximum(lengths, np.float32(1e-9))
    return scaled


def _shared_words(sentence: str, cited: str) -> float:
    """The share of the sentence's telling words that begin like one of the cited text."""
    mine = {word for word in words(sentence) if len(word) >= _SHORT or word.isdigit() or not word.isascii()}
    theirs = {word[:_SHORT] for word in words(cited)}
    return sum(word[:_SHORT] in theirs for word in mine) / len(mine) if mine else 0.0


def _names(person: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(person)}(?!\w)", text, re.IGNORECASE) is not None


def _said_of_authors(sentence: str, authors: Collection[str]) -> bool:
    return any(_names(author, sentence) for author in authors)
