"""Sentences and messages of which it is known whether these support them, made from meetings and IRC logs.

Supported: a sentence of a summary that people wrote of a part of a meeting (qmsum) with the two turns of that part that
share most words with it; and what somebody said in an IRC log, told by another ("bob said that he …"). Unsupported: the
same sentences with messages from elsewhere in the same talk ("moved"), with another participant's name ("name"),
another number ("number"), or the opposite ("negated"). Nothing is chosen by any vector. It measures nothing.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from benchmarks import chat_logs
from llm.tasks.extract import words
from llm.tasks.support import numbers

Kind = Literal["supported", "moved", "name", "number", "negated"]
KINDS: tuple[Kind, ...] = ("supported", "moved", "name", "number", "negated")
CITED = 2
LONGEST_TURN = 400
"""Characters: a message is no speech."""
LEAST_WORDS = 6
LEAST_SHARED = 3
"""Telling words that a sentence and its turns have in common: fewer, and the part supports it, but not those turns."""
FAR = 40
"""Messages between a sentence's own and those that it is moved to."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NEGATABLE = re.compile(r"\b(is|are|was|were|will|would|should|could|can|has|had|must|did|does)\b(?! not\b|n't)")
_SPOKEN = re.compile(r"\{[^}]*\}")
_PERSONS = {"i": "they", "i'm": "they are", "i've": "they have", "my": "their", "me": "them", "am": "are"}


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the messages that it cites as (author, text), everybody who takes part, and what is known."""

    sentence: str
    cited: tuple[tuple[str, str], ...]
    people: frozenset[str]
    kind: Kind = "supported"
    source: str = ""


def meetings(path: Path) -> Iterator[tuple[list[tuple[str, str]], dict[str, Any]]]:
    """Each meeting of a qmsum file: its turns as (speaker, text), and all that the file says of it."""
    for line in path.read_text(encoding="utf-8").splitlines():
        meeting = json.loads(line)
        turns = [(one["speaker"], " ".join(_SPOKEN.sub("", one["content"]).split())) for one in
                 meeting["meeting_transcripts"]]  # fmt: skip
        yield turns, meeting


def of_meetings(path: Path, seed: int = 1) -> list[Case]:
    """Cases from the summaries of parts of meetings."""
    draw, found = random.Random(seed), list[Case]()
    for turns, meeting in meetings(path):
        people = frozenset(speaker for speaker, _ in turns)
        for query in meeting["specific_query_list"]:
            part = [place for span in query["relevant_text_span"] for place in range(int(span[0]), int(span[1]) + 1)]
            for sentence in _SENTENCE.split(query["answer"]):
                chosen = _nearest(sentence, turns, part)
                if chosen:
                    one = Case(sentence, tuple(turns[place] for place in chosen), people, source="qmsum")
                    found += [one, *_spoiled(one, turns, chosen[0], draw)]
    return found


def of_logs(paths: Sequence[Path], each: int, seed: int = 1) -> list[Case]:
    """Cases from `each` messages of every log, told by another."""
    draw, found = random.Random(seed), list[Case]()
    for path in paths:
        turns = [(line.nick, line.text) for line in chat_logs.read(path)]
        people = frozenset(nick for nick, _ in turns)
        telling = [place for place, (_, text) in enumerate(turns) if len(words(text)) >= LEAST_WORDS]
        for place in sorted(draw.sample(telling, min(each, len(telling)))):
            one = Case(told(*turns[place]), (turns[place],), people, source="irc")
            found += [one, *_spoiled(one, turns, place, draw)]
    return found


def told(nick: str, text: str) -> str:
    """What somebody said, in another's words."""
    said = [_PERSONS.get(word.lower(), word) for word in text.split()]
    verb = "asked whether" if text.rstrip().endswith("?") else "said that"
    return f"{nick} {verb} {' '.join(said)}"


def _nearest(sentence: str, turns: Sequence[tuple[str, str]], part: Sequence[int]) -> list[int]:
    """The turns of the part that share most of the sentence's telling words, in order; none where they share few."""
    mine = {word for word in words(sentence) if len(word) > 3}
    fit = [place for place in part if place < len(turns) and 0 < len(turns[place][1]) <= LONGEST_TURN]
    shared = {place: len(mine & set(words(turns[place][1]))) for place in fit}
    best = sorted(fit, key=lambda place: (-shared[place], place))[:CITED]
    there = set().union(*(words(turns[place][1]) for place in best)) if best else set()
    return sorted(best) if len(mine & there) >= LEAST_SHARED and len(words(sentence)) >= LEAST_WORDS else []


def _spoiled(case: Case, turns: Sequence[tuple[str, str]], at: int, draw: random.Random) -> Iterator[Case]:
    """What the messages do not support."""
    elsewhere = [
        place
        for place, (_, text) in enumerate(turns)
        if abs(place - at) >= FAR and len(words(text)) >= LEAST_WORDS and len(text) <= LONGEST_TURN
    ]
    if len(elsewhere) >= CITED:
        cited = tuple(turns[place] for place in sorted(draw.sample(elsewhere, len(case.cited))))
        yield replace(case, cited=cited, kind="moved")
    if (other := _renamed(case, draw)) is not None:
        yield replace(case, sentence=other, kind="name")
    if (found := sorted(numbers(case.sentence))) and found[0].isdigit():
        other = case.sentence.replace(found[0], str(int(found[0]) + draw.randint(1, 9)), 1)
        yield replace(case, sentence=other, kind="number")
    if match := _NEGATABLE.search(case.sentence):
        yield replace(
            case, sentence=f"{case.sentence[: match.end()]} not{case.sentence[match.end() :]}", kind="negated"
        )


def _renamed(case: Case, draw: random.Random) -> str | None:
    """The sentence with another participant in the place of one whom it names."""
    there = " ".join([*(text for _, text in case.cited), *(author for author, _ in case.cited)]).casefold()
    strangers = sorted(person for person in case.people if person.casefold() not in there)
    named = sorted(person for person in case.people if re.search(rf"\b{re.escape(person)}\b", case.sentence))
    if not named or not strangers:
        return None
    return case.sentence.replace(named[0], draw.choice(strangers), 1)
