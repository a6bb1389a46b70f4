"""IRC logs as a server that the bot keeps whole, and questions to ask of it, of which it is known what answers them.

Each log is a channel. Of three sorts of questions the first is answered there, by known messages (`addressed`); the
others are not: questions of the same kind from logs that are not stored, and what people ask in small talk about sports
or films (Topical-Chat). Some of the second sort may be answered all the same, by people who spoke of the same thing:
nobody has looked. It measures nothing.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from benchmarks import chat_logs
from benchmarks.evaluation.addressed import QUESTION_WORDS, cases
from llm.tasks.find import telling
from storage.history import StoredMessage, StoredPerson
from storage.indexing import words

LOGS = Path("chat_logs", "ubuntu_irc")
SMALL_TALK = Path("instruct", "topical_chat", "valid_freq.json")
GUILD = 1
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

Kind = Literal["answered here", "asked elsewhere", "small talk"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; the ids of its own message (0: it has none there) and of those that answer it."""

    kind: Kind
    text: str
    asked: int = 0
    answers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Server:
    """What is stored, and two halves of the questions: one to measure with, one to calibrate with."""

    messages: list[StoredMessage]
    questions: list[Question]
    others: list[Question]


def data_folder() -> Path:
    """Where the logs and other sets are, unless somebody says otherwise."""
    return Path(os.environ.get("STEWARD_DATA") or "../shared/data")


def server(data: Path, files: int, count: int, seed: int) -> Server:
    """The first `files` logs by name, and of each sort twice `count` questions, the same each time."""
    paths = sorted((data / LOGS).glob("*.raw.txt"))
    messages, answered = _stored(paths[:files])
    every = [
        _halves(answered, count, seed),
        _halves(_stored(paths[files : 2 * files], "asked elsewhere")[1], count, seed),
        _halves(small_talk(data / SMALL_TALK), count, seed),
    ]
    return Server(messages, [one for half, _ in every for one in half], [one for _, half in every for one in half])


def small_talk(path: Path) -> list[Question]:
    """Questions of Topical-Chat that say as much as those of the logs; none where the file is not there."""
    if not path.is_file():
        return []
    talks = json.loads(path.read_text(encoding="utf-8"))
    said = (turn["message"].strip() for talk in talks.values() for turn in talk["content"])
    asked = dict.fromkeys(text for text in said if text.endswith("?") and len(telling(words(text))) >= QUESTION_WORDS)
    return [Question("small talk", text) for text in asked]


def _stored(paths: Sequence[Path], kind: Kind = "answered here") -> tuple[list[StoredMessage], list[Question]]:
    messages: list[StoredMessage] = []
    questions: list[Question] = []
    for number, path in enumerate(paths, 1):
        log = chat_logs.read(path)
        first = len(messages) + 1
        for case in cases(log):
            here = kind == "answered here"
            answers = frozenset(first + place for place in case.answers) if here else frozenset()
            questions.append(Question(kind, case.question, first + case.asked_at if here else 0, answers))
        messages += [
            StoredMessage(
                id=first + place,
                channel_id=1_000 + number,
                guild_id=GUILD,
                author=StoredPerson(10_000 + _number(line.nick), line.nick),
                content=line.text,
                created_at=BEGIN + timedelta(days=number, seconds=line.at_s),
            )
            for place, line in enumerate(log)
        ]
    return messages, questions


def _halves(every: Sequence[Question], count: int, seed: int) -> tuple[list[Question], list[Question]]:
    both = random.Random(seed).sample(list(every), min(2 * count, len(every)))
    return both[:count], both[count:]


def _number(nick: str) -> int:
    """A number for a name, the same each time."""
    return int.from_bytes(nick.encode()[:6], "big")
