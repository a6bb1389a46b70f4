"""How many messages a second are judged and stored in SQLite, and how much of them a `kill -9` takes.

Measures three ways over the same messages, each from a fresh file: every message as a transaction of its own
(`record`), collected and written together (`collect`, what the bot does), and collected with somebody reading a
conversation every 50 messages, which writes what waits. Each message is run through the permission checks first
(`bot.permissions.judge`). Then a process that collects without pause is killed several times, and the time between the
newest message that it had collected and the newest that is stored is lost. All messages are counted at the end.
Why: a busy server says hundreds of messages a second at its worst; whatever is slow here delays every answer.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import report
from bot.permissions import Incoming, PrivatePolicy, judge
from storage.database import Database
from storage.history import History, StoredMessage, StoredPerson

PEOPLE, CHANNELS, GUILDS = 200, 20, 4
TEXT = "A sentence such as people write to each other, with a few more words than it would need. " * 2
BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRIVATE = PrivatePolicy((), in_playground=False)


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--alone", type=int, default=2_000, help="messages of the way that stores one at a time")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--until-killed", type=float, default=2.0, help="seconds that each of those processes collects")
    parser.add_argument("--victim", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def said(number: int) -> StoredMessage:
    channel = number % CHANNELS
    return StoredMessage(
        id=number,
        channel_id=1_000 + channel,
        guild_id=1 + channel % GUILDS,
        author=StoredPerson(10_000 + number % PEOPLE, f"person {number % PEOPLE}"),
        content=f"{number} {TEXT}",
        created_at=BEGIN + timedelta(milliseconds=number),
        reply_to=number - CHANNELS if number > CHANNELS and number % 3 == 0 else None,
    )


def arriving(count: int) -> Iterator[StoredMessage]:
    """Messages that were judged, as they come from Discord: one by one."""
    for number in range(1, count + 1):
        message = said(number)
        judge(Incoming(message.author.id), PRIVATE)
        yield message


async def one_at_a_time(history: History, count: int) -> None:
    for message in arriving(count):
        await history.record([message])


async def together(history: History, count: int) -> None:
    for message in arriving(count):
        await history.collect([message])
        if message.id % 100 == 0:
            await asyncio.sleep(0)  # the event loop's other work


async def while_somebody_reads(history: History, count: int) -> None:
    for message in arriving(count):
        await history.collect([message])
        if message.id % 50 == 0:
            await history.chain(message.id)


WAYS = {"one at a time": one_at_a_time, "collected": together, "collected, read every 50": while_somebody_reads}


async def measure(name: str, count: int) -> dict[str, float]:
    """Messages per second until all of them are safe, and how many are missing then."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/steward.sqlite3"
        async with Database(url) as database:
            await database.upgrade()
            begun = time.perf_counter()
            await WAYS[name](History(database), count)
        seconds = time.perf_counter() - begun
        async with Database(url) as database:
            stored = (await database.check()).rows["messages"]
    return {"messages": count, "per_s": count / seconds, "lost": count - stored}


async def be_a_victim(folder: Path) -> None:
    """Collects until it is killed; the newest message and when it was collected are noted in a file beside it."""
    with (folder / "collected").open("w", buffering=1) as notes:
        async with Database(f"sqlite:///{folder}/steward.sqlite3") as database:
            await database.upgrade()
            history = History(database)
            for number in itertools.count(1):
                await history.collect([said(number)])
                notes.write(f"{number} {time.monotonic()}\n")
                if number % 10 == 0:
                    await asyncio.sleep(0.005)


async def lost_ms(alive_s: float) -> float:
    """Milliseconds between the oldest message that was lost and the kill."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = (sys.executable, "-m", "benchmarks.storage_intake", "--victim", name)
        process = await asyncio.create_subprocess_exec(*command)
        while not (folder / "collected").exists() or not (folder / "collected").stat().st_size:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(alive_s)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        lines = [line.split() for line in (folder / "collected").read_text().splitlines()]
        collected = {int(line[0]): float(line[1]) for line in lines if len(line) == 2}
        async with Database(f"sqlite:///{folder}/steward.sqlite3") as database:
            stored = (await database.check()).rows["messages"]
    newest = max(collected)
    return 1000 * (collected[newest] - collected.get(stored + 1, collected[newest]))


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    victim = vars(chosen).pop("victim")
    if victim:
        asyncio.run(be_a_victim(Path(victim)))
        return
    ways = {}
    for name in WAYS:
        ways[name] = asyncio.run(measure(name, chosen.alone if name == "one at a time" else chosen.messages))
        print(f"{name:28} {ways[name]['per_s']:9,.0f} messages/s   {ways[name]['lost']:.0f} lost")
    losses = [asyncio.run(lost_ms(chosen.until_killed)) for _ in range(chosen.kills)]
    if losses:
        print(
            f"kill -9, {len(losses)} times: the last {statistics.median(losses):.0f} ms lost, {max(losses):.0f} at most"
        )
    report.finish(
        "storage_intake",
        chosen,
        ways=ways,
        per_s=ways["collected"]["per_s"],
        lost=sum(way["lost"] for way in ways.values()),
        most_lost_ms=max(losses, default=None),
    )


if __name__ == "__main__":
    main()
