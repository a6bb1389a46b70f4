"""How long a hybrid search over many stored messages takes in SQLite, without the vector of the question.

Measures, over a server with as many messages as told in 20 channels, each with a vector of 384 numbers: search by words
(FTS5), by meaning (vectors of 16-bit numbers, multiplied in a thread) and both as /find does, joined and read back; the
first search, which reads the vectors into memory, apart; and the search after one message was deleted and one added.
Words are drawn as they are in languages: few are frequent, most are rare (Zipf). Why: people wait for it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks import report
from llm.tasks.find import CONSIDERED, RANKED, fused
from storage.database import Database
from storage.history import History, StoredMessage, StoredPerson
from storage.search import AT_ONCE, Search, Within

GUILD, CHANNELS, PEOPLE, WIDTH = 1, 20, 200, 384
VOCABULARY = 20_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WITHIN = Within(GUILD, frozenset(range(1_000, 1_000 + CHANNELS)), documents=True)


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--changes", type=int, default=40, help="searches after a deletion and a new message each")
    parser.add_argument("--words", type=int, default=5, help="telling words of a question")
    return parser.parse_args(arguments)


class Town:
    """What people say, the same each time."""

    def __init__(self) -> None:
        self.draw = random.Random(1)
        self.numbers = np.random.default_rng(1)
        self.weights = [1 / (rank + 2.7) for rank in range(VOCABULARY)]

    def words(self, count: int) -> list[str]:
        return [f"w{number}" for number in self.draw.choices(range(VOCABULARY), self.weights, k=count)]

    def message(self, number: int) -> StoredMessage:
        return StoredMessage(
            id=number,
            channel_id=1_000 + number % CHANNELS,
            guild_id=GUILD,
            author=StoredPerson(10_000 + number % PEOPLE, f"person {number % PEOPLE}"),
            content=" ".join(self.words(3 + int(self.draw.expovariate(1 / 12)))),
            created_at=BEGIN + timedelta(seconds=number),
        )

    def vectors(self, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        drawn = self.numbers.standard_normal((count, WIDTH), dtype=np.float32)
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


async def fill(database: Database, town: Town, count: int) -> None:
    history, search = History(database), Search(database)
    for start in range(1, count + 1, AT_ONCE):
        await history.record([town.message(number) for number in range(start, min(start + AT_ONCE, count + 1))])
    await take_in(search, town)


async def take_in(search: Search, town: Town) -> None:
    while await search.index(GUILD, WITHIN.channel_ids):
        pass
    while waiting := await search.waiting(GUILD, "m", AT_ONCE):
        await search.embed(GUILD, "m", dict(zip(waiting, town.vectors(len(waiting)), strict=True)))


async def hybrid(search: Search, town: Town, words: int) -> None:
    """What /find does between the question's vector and the answer."""
    by_words, by_meaning = await asyncio.gather(
        search.by_words(town.words(words), WITHIN, RANKED),
        search.by_meaning(town.vectors(1)[0], "m", WITHIN, RANKED),
    )
    await search.passages(fused(by_words, [number for number, _ in by_meaning])[:CONSIDERED])


async def timed(work: Callable[[], Awaitable[object]], count: int) -> dict[str, float]:
    """Milliseconds, and of processor time, which other programs on the machine do not make longer."""
    taken, busy = [], []
    for _ in range(count):
        begun, used = time.perf_counter(), time.process_time()
        await work()
        taken.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - used))
    return {"median_ms": statistics.median(taken), "p95_ms": _p95(taken), "p95_cpu_ms": _p95(busy)}


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, int(0.95 * len(values)) - 1)]


async def measured(chosen: argparse.Namespace) -> dict[str, dict[str, float]]:
    town = Town()
    with tempfile.TemporaryDirectory() as folder:
        async with Database(f"sqlite:///{folder}/steward.sqlite3") as database:
            await database.upgrade()
            begun = time.perf_counter()
            await fill(database, town, chosen.messages)
            print(f"{chosen.messages:,} messages stored and indexed in {time.perf_counter() - begun:.0f} s")
            search = Search(database)

            async def changed() -> None:
                number = 1_000_000 + town.draw.randrange(10**9)
                await History(database).delete([town.draw.randrange(1, chosen.messages)])
                await History(database).record([town.message(number)])
                await take_in(search, town)

            async def both() -> None:
                await hybrid(search, town, chosen.words)

            ways = {"first": await timed(both, 1), "hybrid": await timed(both, chosen.searches)}
            ways["by words"] = await timed(
                lambda: search.by_words(town.words(chosen.words), WITHIN, RANKED), chosen.searches
            )
            ways["by meaning"] = await timed(
                lambda: search.by_meaning(town.vectors(1)[0], "m", WITHIN, RANKED), chosen.searches
            )
            after = []
            for _ in range(chosen.changes):
                await changed()
                after.append((await timed(both, 1))["median_ms"])
            ways["after a change"] = {"median_ms": statistics.median(after), "p95_ms": _p95(after)}
            begun = time.perf_counter()
            await database.forget_journal()
            ways["forgetting"] = dict.fromkeys(("median_ms", "p95_ms"), 1000 * (time.perf_counter() - begun))
    return ways


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    ways = asyncio.run(measured(chosen))
    for name, way in ways.items():
        cpu = f"{way['p95_cpu_ms']:8.1f} ms of processor time" if "p95_cpu_ms" in way else ""
        print(f"{name:16} median {way['median_ms']:8.1f} ms   95th percentile {way['p95_ms']:8.1f} ms {cpu}")
    report.finish("find_search", chosen, ways=ways, p95_ms=ways["hybrid"]["p95_ms"])


if __name__ == "__main__":
    main()
