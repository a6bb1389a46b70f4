"""Questions with known answers from IRC logs: who asked is named by who answered, "ada: apt-get install foo".

A question is a message of at least five telling words with a question mark; its answers are what others said to its
author by name within the next lines, before the author asked again. The sentence is asked as it was typed, without the
names it addresses, and is itself taken out of what may be found. Nothing is chosen by hand or by what any search finds.
It measures nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.chat_logs import Line
from llm.tasks.find import telling
from storage.indexing import words

REACH = 25
"""Lines after a question among which its answers are."""
QUESTION_WORDS, ANSWER_WORDS = 5, 4
"""Telling words: fewer say too little to be looked for, or to be an answer."""
_ADDRESSED = re.compile(r"^([A-Za-z0-9_\[\]\\`^{}|-]{2,20})[:,]\s+(.*)$")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the place of its message in the log, and the places of its answers."""

    question: str
    asked_at: int
    answers: tuple[int, ...]


def cases(log: Sequence[Line]) -> list[Case]:
    """All questions of one log that somebody answered by name."""
    return [case for place in range(len(log)) if (case := _case(log, place)) is not None]


def _case(log: Sequence[Line], place: int) -> Case | None:
    asked = log[place]
    _, text = addressed(asked.text)
    if "?" not in text or len(telling(words(text))) < QUESTION_WORDS:
        return None
    answers = tuple(_answers(log, place))
    return Case(text, place, answers) if answers else None


def _answers(log: Sequence[Line], place: int) -> Iterator[int]:
    asker = log[place].nick.casefold()
    for later in range(place + 1, min(place + 1 + REACH, len(log))):
        line = log[later]
        to, text = addressed(line.text)
        if line.nick.casefold() == asker:
            if "?" in text:
                return
        elif to == asker and "?" not in text and len(telling(words(text))) >= ANSWER_WORDS:
            yield later


def addressed(text: str) -> tuple[str, str]:
    """Whom a line names first, in small letters ("" for nobody), and the rest of it."""
    found = _ADDRESSED.match(text)
    return (found[1].casefold(), found[2]) if found else ("", text)
