"""How often what answers a question is among the first five that are found: by words, by meaning, and by both.

Takes questions with known answer messages from IRC logs (`addressed`), stores the logs in SQLite as the bot does, gives
every message its vector by the worker's own /v1/embeddings, and searches all of them for each question, without the
question's own message. Measures recall@5 (the share of questions of which some answer is among the first five) and the
mean reciprocal rank. Why: hybrid search has to be worth its vectors, and its words. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks import chat_logs, report
from benchmarks.encoder_batching import READY_S, worker
from benchmarks.evaluation.addressed import Case, cases, drawn
from llm.config import LLMSettings
from llm.errors import EngineUnavailable
from llm.tasks.find import fused, telling
from llm.tasks_client import TasksClient
from storage.database import Database
from storage.history import History, StoredMessage, StoredPerson
from storage.indexing import words
from storage.search import AT_ONCE, Search, Within

LOGS = Path("../shared/data/chat_logs/ubuntu_irc")
GUILD = 1
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FIRST, RANKED = 5, 50
TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the ids of its message and of its answers."""

    text: str
    asked: int
    answers: frozenset[int]


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--logs", type=Path, default=LOGS, help="folder of IRC logs")
    parser.add_argument("--files", type=int, default=8, help="logs that are searched, the first by name")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def corpus(folder: Path, files: int, count: int, seed: int) -> tuple[list[StoredMessage], list[Question]]:
    """All messages of the logs, each log a channel, and the questions that are asked of them."""
    messages: list[StoredMessage] = []
    found: list[tuple[int, Case]] = []
    for number, path in enumerate(sorted(folder.glob("*.raw.txt"))[:files], 1):
        log = chat_logs.read(path)
        first = len(messages) + 1
        found += [(first, case) for case in cases(log)]
        messages += [
            StoredMessage(
                id=first + place,
                channel_id=1_000 + number,
                guild_id=GUILD,
                author=StoredPerson(10_000 + hash_of(line.nick), line.nick),
                content=line.text,
                created_at=BEGIN + timedelta(days=number, seconds=line.at_s),
            )
            for place, line in enumerate(log)
        ]
    chosen = set(map(id, drawn([case for _, case in found], count, seed)))
    questions = [
        Question(case.question, first + case.asked_at, frozenset(first + place for place in case.answers))
        for first, case in found
        if id(case) in chosen
    ]
    return messages, questions


def hash_of(nick: str) -> int:
    """A number for a name, the same each time."""
    return int.from_bytes(nick.encode()[:6], "big")


async def measured(chosen: argparse.Namespace) -> dict[str, object]:
    messages, questions = corpus(chosen.logs, chosen.files, chosen.questions, chosen.seed)
    print(f"{len(messages):,} messages, {len(questions)} questions")
    with tempfile.TemporaryDirectory() as folder, worker() as address:
        async with (
            Database(f"sqlite:///{folder}/steward.sqlite3") as database,
            TasksClient(LLMSettings(first_token_timeout_s=120), address) as tasks,
        ):
            await database.upgrade()
            history, search = History(database), Search(database)
            for start in range(0, len(messages), AT_ONCE):
                await history.record(messages[start : start + AT_ONCE])
            places = frozenset(message.channel_id for message in messages)
            while await search.index(GUILD, places):
                pass
            begun = time.perf_counter()
            embedded = await embed(search, tasks)
            seconds = time.perf_counter() - begun
            ranks = [await ranks_of(search, tasks, one, Within(GUILD, places)) for one in questions]
    figures = {name: scored([rank[name] for rank in ranks]) for name in ("words", "meaning", "hybrid")}
    return {"messages": len(messages), "asked": len(questions), "embedded_per_s": embedded / seconds, **figures}


async def embed(search: Search, tasks: TasksClient) -> int:
    """Give every passage its vector; how many."""
    model, done = await served(tasks), 0
    while waiting := await search.waiting(GUILD, model, TOGETHER):
        made = await tasks.embed(list(waiting.values()))
        await search.embed(GUILD, model, dict(zip(waiting, made.rows, strict=True)))
        done += len(waiting)
    return done


async def served(tasks: TasksClient) -> str:
    """The model's name, once it is loaded."""
    async with asyncio.timeout(READY_S):
        while True:
            try:
                return (await tasks.embed(["steward"])).model
            except EngineUnavailable:
                await asyncio.sleep(0.5)


async def ranks_of(search: Search, tasks: TasksClient, question: Question, within: Within) -> dict[str, int | None]:
    """At which place the first answer stands, by each way; None where it is not among the ranked."""
    asked = await tasks.embed([question.text])
    by_words = await search.by_words(telling(words(question.text)), within, RANKED)
    by_meaning = [number for number, _ in await search.by_meaning(asked.rows[0], asked.model, within, RANKED)]
    message_of = {number: one.message_id for number, one in (await search.passages({*by_words, *by_meaning})).items()}
    itself = {number for number, message in message_of.items() if message == question.asked}
    ways = {
        "words": [number for number in by_words if number not in itself],
        "meaning": [number for number in by_meaning if number not in itself],
    }
    ways["hybrid"] = fused(ways["words"], ways["meaning"])
    return {
        name: next((place for place, number in enumerate(way, 1) if message_of[number] in question.answers), None)
        for name, way in ways.items()
    }


def scored(ranks: Sequence[int | None]) -> dict[str, float]:
    """Recall@5 and mean reciprocal rank."""
    return {
        "recall_at_5": float(np.mean([rank is not None and rank <= FIRST for rank in ranks])),
        "mrr": float(np.mean([1 / rank if rank else 0.0 for rank in ranks])),
    }


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    figures = asyncio.run(measured(chosen))
    for name in ("words", "meaning", "hybrid"):
        way = figures[name]
        assert isinstance(way, dict)
        print(f"{name:8} recall@5 {way['recall_at_5']:6.1%}   MRR {way['mrr']:.3f}")
    chosen.logs = str(chosen.logs)
    report.finish("eval_find", chosen, **figures)


if __name__ == "__main__":
    main()
