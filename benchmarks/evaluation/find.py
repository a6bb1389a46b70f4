"""`steward eval find`: is what answers a question among the first five that are found, and is "I did not find it" true?

Stores IRC logs in SQLite as the bot does, gives every message its vector by the worker's own /v1/embeddings, and asks
(`irc`). Of questions with known answers: recall@5 (the share of which some answer is among the first five) and the mean
reciprocal rank, by words, by meaning, and by both; the question's own message is left out. Of these and of as many
that nobody answered there: how often something is shown, and how often "I did not find it" (`calibration`). Why: hybrid
search has to be worth its vectors, and its words, and whoever asks in vain should be told so. The scorer is tried on
known answers first. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.encoder_batching import READY_S, worker
from benchmarks.evaluation import calibration
from benchmarks.evaluation.calibration import Seen, Trial, best, judged
from benchmarks.evaluation.irc import GUILD, LOGS, Question, Server, data_folder, server
from llm.config import LLMSettings
from llm.errors import EngineUnavailable
from llm.tasks.find import CONSIDERED, RANKED, THRESHOLDS, fused, share, telling, wanted_of
from llm.tasks_client import TasksClient
from storage.database import Database
from storage.history import History
from storage.indexing import words
from storage.search import AT_ONCE, Search, Within

FIRST = 5
TOGETHER = 64
WAYS = ("words", "meaning", "hybrid")

Ranks = dict[str, int | None]


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument(
        "--data", type=Path, default=data_folder(), help="folder with chat_logs and instruct (STEWARD_DATA)"
    )
    parser.add_argument("--files", type=int, default=8, help="logs that are searched, the first by name")
    parser.add_argument("--questions", type=int, default=100, help="of each of the three sorts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder that keeps the database, so that a second run is quick")
    parser.add_argument("--calibrate", action="store_true", help="look for better thresholds, by other questions")
    return parser.parse_args(arguments)


def scored(ranks: Sequence[int | None]) -> dict[str, float]:
    """Recall@5 and mean reciprocal rank."""
    return {
        "recall_at_5": float(np.mean([rank is not None and rank <= FIRST for rank in ranks])),
        "mrr": float(np.mean([1 / rank if rank else 0.0 for rank in ranks])),
    }


def try_scorer() -> None:
    """Known answers: half are among the first five here, and the ranks' reciprocals add up to 1.7. Exits otherwise."""
    known = scored([1, 2, 5, 6, None, None])
    if known != {"recall_at_5": 0.5, "mrr": (1 + 1 / 2 + 1 / 5 + 1 / 6) / 6} or scored([None])["mrr"] != 0:
        raise SystemExit(f"The scorer is wrong: {known}.")


async def measured(chosen: argparse.Namespace, asked: Server) -> dict[str, object]:
    with ExitStack() as undo:
        folder = chosen.keep or undo.enter_context(tempfile.TemporaryDirectory())
        address = undo.enter_context(worker())
        async with (
            Database(f"sqlite:///{folder}/steward.sqlite3") as database,
            TasksClient(LLMSettings(first_token_timeout_s=120), address) as tasks,
        ):
            await database.upgrade()
            search = Search(database)
            within = await store(database, search, asked)
            begun = time.perf_counter()
            embedded = await embed(search, tasks)
            per_s = embedded / (time.perf_counter() - begun)
            trials = [await tried(search, tasks, one, within) for one in asked.questions]
            others = [await tried(search, tasks, one, within) for one in asked.others if chosen.calibrate]
    known = [ranks for ranks, trial in trials if trial.kind == "answered here"]
    figures: dict[str, object] = {way: scored([ranks[way] for ranks in known]) for way in WAYS}
    figures["said"] = judged([trial for _, trial in trials], THRESHOLDS)
    if chosen.calibrate:
        found = best([trial for _, trial in others])
        figures["calibrated"] = {"thresholds": asdict(found), **judged([trial for _, trial in trials], found)}
    return {"messages": len(asked.messages), "asked": len(known), "embedded_per_s": per_s, **figures}


async def store(database: Database, search: Search, asked: Server) -> Within:
    """Store and index all messages."""
    history = History(database)
    for start in range(0, len(asked.messages), AT_ONCE):
        await history.record(asked.messages[start : start + AT_ONCE])
    places = frozenset(message.channel_id for message in asked.messages)
    while await search.index(GUILD, places):
        pass
    return Within(GUILD, places)


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


async def tried(search: Search, tasks: TasksClient, question: Question, within: Within) -> tuple[Ranks, Trial]:
    """At which place the first answer stands, by each way, None where it is not among the ranked; and what /find has to
    choose from."""
    asked = await tasks.embed([question.text])
    by_words = await search.by_words(telling(words(question.text)), within, RANKED)
    near = dict(await search.by_meaning(asked.rows[0], asked.model, within, RANKED))
    found = await search.passages({*by_words, *near})
    itself = {number for number, one in found.items() if one.message_id == question.asked}
    ways = {
        "words": [number for number in by_words if number not in itself],
        "meaning": [number for number in near if number not in itself],
    }
    ways["hybrid"] = fused(ways["words"], ways["meaning"])

    def is_answer(number: int) -> bool:
        return found[number].message_id in question.answers

    wanted = wanted_of(question.text)
    seen = [
        Seen(near.get(number, 0.0), share(found[number].text, wanted), is_answer(number))
        for number in ways["hybrid"][:CONSIDERED]
    ]
    ranks = {
        name: next((place for place, one in enumerate(way, 1) if is_answer(one)), None) for name, way in ways.items()
    }
    return ranks, Trial(question.kind, tuple(seen))


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    try_scorer()
    if not (chosen.data / LOGS).is_dir():
        raise SystemExit(
            f"There are no logs in {chosen.data / LOGS}: STEWARD_DATA or --data names the folder with them."
        )
    asked = server(chosen.data, chosen.files, chosen.questions, chosen.seed)
    print(f"{len(asked.messages):,} messages, {len(asked.questions)} questions")
    figures = asyncio.run(measured(chosen, asked))
    for name in WAYS:
        way = figures[name]
        assert isinstance(way, dict)
        print(f"{name:8} recall@5 {way['recall_at_5']:6.1%}   MRR {way['mrr']:.3f}")
    for name in ("said", "calibrated"):
        if isinstance(told := figures.get(name), dict):
            print(calibration.table(name, told))
    chosen.data, chosen.keep = str(chosen.data), str(chosen.keep or "")
    report.finish("eval_find", chosen, **figures)


if __name__ == "__main__":
    main()
