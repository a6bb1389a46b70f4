"""The most telling sentences of a channel: members' own words. Pure; no discord, no torch.

A sentence tells much when it speaks of what the others speak of: by its vector, where an embedding model gave any, else
by its words that are not everybody's (TF-IDF). It works in every script: words where words are spaced, pairs of
characters where they are not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm.tasks.summary import SourceMessage, SummaryItem

READ_AT_MOST = 2_000
"""Messages, the newest ones: more would not change what a channel talks about now."""

_READ_CHARACTERS = 2_000
_SHOWN_CHARACTERS = 240
_LEAST_SAID = 6
"""A word counts two, a pair of characters one: fewer than three words, or about six characters, tell nothing."""

_FULL_SENTENCE = 12
"""Different words from which on a message is not held to be short."""

_TOO_ALIKE = 0.6
"""Cosine similarity above which two sentences say the same, by words…"""
_TOO_NEAR = 0.82
"""…and by the vectors of an embedding model, which are nearer to each other."""

_LONG = 160
"""Characters from which on a message is taken apart into its sentences."""
_SENTENCES = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")

_NOT_WORDS = re.compile(r"https?://\S+|<a?:\w+:\d+>|<[@#][!&]?\d+>|</[^>]*>|<t:-?\d+(?::\w)?>|```\w*")
_COMMAND = re.compile(r"^\s*[!/.?$;+%]{1,2}[a-z]+(?:\s|$)")
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W\d_]+)*")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def extract(messages: Sequence[SourceMessage], count: int) -> list[SummaryItem]:
    """Up to `count` sentences that tell most about the whole, in their own order, by their words alone.

    Empty, one-word and command-like messages and (near-)repetitions are never chosen. CPU work of up to a second.
    """
    return choose(candidates(messages), count)


def choose(found: Sequence[SourceMessage], count: int, vectors: NDArray[np.float32] | None = None) -> list[SummaryItem]:
    """The best of some `candidates`; `vectors` of unit length, one for each, if there are any."""
    return [as_item(found[place]) for place in best_places(found, count, vectors)]


def as_item(said: SourceMessage) -> SummaryItem:
    """A sentence that speaks for itself."""
    return SummaryItem(_shorten(said.text), (said.id,), said.author)


def candidates(messages: Sequence[SourceMessage]) -> list[SourceMessage]:
    """Sentences that could tell something, each as a message of its own, each wording once (where it was first)."""
    first_of: dict[tuple[str, ...], SourceMessage] = {}
    for message in messages[-READ_AT_MOST:]:
        if _COMMAND.match(message.text):
            continue
        for sentence in _sentences(message.text):
            said = tuple(words(sentence))
            if _said_enough(said):
                first_of.setdefault(said, replace(message, text=sentence))
    return list(first_of.values())


def words(text: str) -> list[str]:
    """What a message's text is compared by: lower-case words, and pairs of characters of scripts without spaces."""
    found: list[str] = []
    for token in _TOKEN.findall(_NOT_WORDS.sub(" ", text[:_READ_CHARACTERS]).casefold()):
        if _IS_UNSPACED.match(token) and len(token) > 1:
            found.extend(token[place : place + 2] for place in range(len(token) - 1))
        else:
            found.append(token)
    return found


def _sentences(text: str) -> list[str]:
    """A long message's sentences; one that is too short to tell anything stays with the one before it."""
    if len(text) <= _LONG:
        return [text]
    found: list[str] = []
    for sentence in filter(None, _SENTENCES.split(text[:_READ_CHARACTERS])):
        if found and (not _said_enough(words(sentence)) or not _said_enough(words(found[-1]))):
            found[-1] = f"{found[-1]} {sentence}"
        else:
            found.append(sentence)
    return found


def _said_enough(said: Sequence[str]) -> bool:
    return sum(1 if _IS_UNSPACED.match(word) else 2 for word in said) >= _LEAST_SAID


def best_places(found: Sequence[SourceMessage], count: int, vectors: NDArray[np.float32] | None = None) -> list[int]:
    """Where the best of some `candidates` are, in their order."""
    if count < 1 or len(found) < 2:
        return list(range(min(count, len(found))))
    rows: Any = _word_vectors([one.text for one in found]) if vectors is None else vectors
    scores = _scores(rows, found)
    too_alike = _TOO_ALIKE if vectors is None else _TOO_NEAR
    chosen: list[int] = []
    for place in sorted(range(len(found)), key=lambda place: (-scores[place], place)):
        alike = (rows[chosen] @ rows[place].T).max() if chosen else 0.0
        if alike <= too_alike:
            chosen.append(place)
        if len(chosen) == count:
            break
    return sorted(chosen)


def _word_vectors(texts: list[str]) -> Any:  # noqa: ANN401 - a scipy sparse matrix, untyped
    """One row of unit length per text."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second to import: only who extracts pays

    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True).fit(texts)
    # scikit-learn adds 1, so that no word counts nothing; here the words that everybody uses shall count nothing.
    vectorizer.idf_ = vectorizer.idf_ - 1.0
    return vectorizer.transform(texts)


def _scores(rows: Any, found: Sequence[SourceMessage]) -> list[float]:  # noqa: ANN401
    """How much each text speaks of what the others speak of: its similarity to the sum of the others, where a text
    needs about a sentence of different words to count in full."""
    together = np.asarray(rows.sum(axis=0)).ravel()
    different = np.asarray([len(set(words(one.text))) for one in found])
    substance = np.minimum(1.0, np.sqrt(different / _FULL_SENTENCE))
    scores: list[float] = ((np.asarray(rows @ together).ravel() - 1.0) * substance).tolist()
    return scores


def _shorten(text: str) -> str:
    """One line, cut between words."""
    line = " ".join(text.split())
    if len(line) <= _SHOWN_CHARACTERS:
        return line
    cut = line[: _SHOWN_CHARACTERS - 1]
    space = cut.rfind(" ", _SHOWN_CHARACTERS // 2)
    return (cut[:space] if space > 0 else cut).rstrip() + "…"
