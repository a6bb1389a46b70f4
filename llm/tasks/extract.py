"""The most telling messages of a channel, by TF-IDF: members' own words, no model. Pure; no discord, no torch.

A message tells much when it speaks of what the others speak of, in words that are not everybody's. It works in every
script: words where words are spaced, pairs of characters where they are not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from llm.tasks.summary import SourceMessage, Summary, SummaryItem

READ_AT_MOST = 2_000
"""Messages, the newest ones: more would not change what a channel talks about now."""

_READ_CHARACTERS = 2_000
_SHOWN_CHARACTERS = 240
_LEAST_SAID = 6
"""A word counts two, a pair of characters one: fewer than three words, or about six characters, tell nothing."""

_FULL_SENTENCE = 12
"""Different words from which on a message is not held to be short."""

_TOO_ALIKE = 0.6
"""Cosine similarity above which two messages say the same."""

_NOT_WORDS = re.compile(r"https?://\S+|<a?:\w+:\d+>|<[@#][!&]?\d+>|</[^>]*>|<t:-?\d+(?::\w)?>|```\w*")
_COMMAND = re.compile(r"^\s*[!/.?$;+%]{1,2}[a-z]+(?:\s|$)")
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W\d_]+)*")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def extract(messages: Sequence[SourceMessage], count: int) -> Summary:
    """Up to `count` messages that tell most about the whole, in their own order.

    Empty, one-word and command-like messages and (near-)repetitions are never chosen. CPU work of up to a second.
    """
    read = messages[-READ_AT_MOST:]
    candidates = _candidates(read)
    chosen = _choose(candidates, count) if count > 0 else []
    items = [SummaryItem(_shorten(message.text), message.id, message.author) for message in chosen]
    return Summary(items, read=len(read), total=len(messages), method="extract")


def words(text: str) -> list[str]:
    """What a message's text is compared by: lower-case words, and pairs of characters of scripts without spaces."""
    found: list[str] = []
    for token in _TOKEN.findall(_NOT_WORDS.sub(" ", text[:_READ_CHARACTERS]).casefold()):
        if _IS_UNSPACED.match(token) and len(token) > 1:
            found.extend(token[place : place + 2] for place in range(len(token) - 1))
        else:
            found.append(token)
    return found


def _candidates(messages: Sequence[SourceMessage]) -> list[SourceMessage]:
    """Messages that could tell something, each wording once (where it was said first)."""
    first_of: dict[tuple[str, ...], SourceMessage] = {}
    for message in messages:
        said = tuple(words(message.text))
        if _said_enough(said) and not _COMMAND.match(message.text):
            first_of.setdefault(said, message)
    return list(first_of.values())


def _said_enough(said: Sequence[str]) -> bool:
    return sum(1 if _IS_UNSPACED.match(word) else 2 for word in said) >= _LEAST_SAID


def _choose(candidates: Sequence[SourceMessage], count: int) -> list[SourceMessage]:
    if len(candidates) < 2:
        return list(candidates)
    vectors = _vectors([message.text for message in candidates])
    scores = _scores(vectors)
    chosen: list[int] = []
    for place in sorted(range(len(candidates)), key=lambda place: (-scores[place], place)):
        alike = (vectors[chosen] @ vectors[place].T).max() if chosen else 0.0
        if alike <= _TOO_ALIKE:
            chosen.append(place)
        if len(chosen) == count:
            break
    return [candidates[place] for place in sorted(chosen)]


def _vectors(texts: list[str]) -> Any:  # noqa: ANN401 - a scipy sparse matrix, untyped
    """One row of unit length per text."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second to import: only who extracts pays

    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True).fit(texts)
    # scikit-learn adds 1, so that no word counts nothing; here the words that everybody uses shall count nothing.
    vectorizer.idf_ = vectorizer.idf_ - 1.0
    return vectorizer.transform(texts)


def _scores(vectors: Any) -> list[float]:  # noqa: ANN401
    """How much each text speaks of what the others speak of: its similarity to the sum of the others, where a text
    needs about a sentence of different words to count in full."""
    import numpy

    together = numpy.asarray(vectors.sum(axis=0)).ravel()
    substance = numpy.minimum(1.0, numpy.sqrt(numpy.diff(vectors.indptr) / _FULL_SENTENCE))
    scores: list[float] = ((vectors @ together - 1.0) * substance).tolist()
    return scores


def _shorten(text: str) -> str:
    """One line, cut between words."""
    line = " ".join(text.split())
    if len(line) <= _SHOWN_CHARACTERS:
        return line
    cut = line[: _SHOWN_CHARACTERS - 1]
    space = cut.rfind(" ", _SHOWN_CHARACTERS // 2)
    return (cut[:space] if space > 0 else cut).rstrip() + "…"
