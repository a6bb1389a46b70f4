"""How many messages a second the bot takes in: from its gateway socket through the permission checks into SQLite.

The bot runs as in production in a process of its own. A playground in this process says messages over the real gateway
as fast as the bot's socket takes them; each goes the way of every message: discord.py, on_message, the checks, intake,
SQL (a playground's bot stores them all). It is over when all are in the database, or when a minute has passed without
a new one: what is missing then is lost.
Why: a busy server says hundreds of messages a second at its worst, and everybody's answers come out of the same loop.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks import loud, report
from benchmarks.bot_process import Bot, Json, figures, the_bot
from benchmarks.loud import Loud
from playground.models import Payload

TEXT = "A sentence such as people write to each other, with a few more words than it would need. " * 2
WARM_UP = 200
NO_ENGINE = "http://127.0.0.1:9/v1"
STUCK_S = 60.0


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--channels", type=int, default=20)
    return parser.parse_args(arguments)


def stored(database: Path) -> int:
    """How many messages are in the database."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


async def arrived(database: Path, wanted: int) -> int:
    """How many messages are there once there are as many as wanted, or no more come."""
    found, since = stored(database), time.monotonic()
    while found < wanted and time.monotonic() - since < STUCK_S:
        await asyncio.sleep(0.02)
        before, found = found, stored(database)
        since = time.monotonic() if found > before else since
    return found


def talk(place: Loud, chosen: argparse.Namespace) -> Iterator[Payload]:
    """What everybody says, in turn, without end."""
    channels = [one for one in place.parts.world.guild_channels(place.guild.id) if one.name.startswith("channel-")]
    people = [person for person in place.parts.world.people if person.name.startswith("person ")]
    number = 0
    while True:
        number += 1
        yield place.said(people[number % len(people)], channels[number % len(channels)], f"{number} {TEXT}")


async def measure(place: Loud, bot: Bot, database: Path, chosen: argparse.Namespace) -> Json:
    """The figures."""
    source = talk(place, chosen)
    await place.tell(next(source) for _ in range(WARM_UP))
    there = await arrived(database, WARM_UP)
    events = [next(source) for _ in range(chosen.messages)]
    await bot.delays_ms()
    began, worked = time.perf_counter(), bot.cpu_s
    await place.tell(events)
    last = await arrived(database, there + len(events))
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "per_s": chosen.messages / seconds,
        "lost": WARM_UP + chosen.messages - last,
        "cpu_ms_each": 1000 * (bot.cpu_s - worked) / chosen.messages,
        **figures(await bot.delays_ms()),
    }


async def run(chosen: argparse.Namespace) -> Json:
    async with loud.playground() as place:
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "steward.sqlite3"
            loud.town.settle(place.parts.world, place.guild, place.people(chosen.people))
            for number in range(chosen.channels):
                loud.town.open_channel(place.parts.world, place.guild, f"channel-{number}")
            with the_bot(place.url, NO_ENGINE, database) as bot:
                await place.bot_is_there()
                await loud.until(lambda: place.posts > 0)  # the set-up message: Steward has adopted the server
                return await measure(place, bot, database, chosen)


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    found = asyncio.run(run(chosen))
    print(f"{found['per_s']:,.0f} messages/s, {found['lost']} lost, {found['cpu_ms_each']:.2f} ms of a core each")
    print(f"event loop: median {found['p50_ms']:.1f} ms late, 99th percentile {found['p99_ms']:.1f} ms")
    report.finish("bot_intake", chosen, **found)


if __name__ == "__main__":
    main()
