"""How much memory a server costs the bot: while nobody says anything, and after all of its members have.

The bot runs as in production in a process of its own; a playground in this process invites it to servers with so many
members, channels and roles, over the real gateway. Its resident memory is read when the servers' set-up messages have
been posted, and divided by the servers. Then every member of some of them says something, in several rounds: what still
grows over the last half of them is a cache without a bound.
Why: a bot in many servers must not keep what it does not use; discord.py caches members and messages unless it is told
not to (Steward keeps no members, no messages, and no presences).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import loud, report
from benchmarks.bot_intake import NO_ENGINE, TEXT, arrived, stored
from benchmarks.bot_process import Bot, Json, the_bot
from benchmarks.loud import Loud
from playground.models import Guild, Payload, User

SETTLE_S = 2.0
"""For what follows the last message: write-ahead log, collected objects."""


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--guilds", type=int, default=100)
    parser.add_argument("--members", type=int, default=1_000, help="of each")
    parser.add_argument("--channels", type=int, default=30, help="of each")
    parser.add_argument("--roles", type=int, default=20, help="of each")
    parser.add_argument("--speaking", type=int, default=3, help="servers in which everybody says something")
    parser.add_argument("--rounds", type=int, default=12, help="so often")
    return parser.parse_args(arguments)


def everybody(place: Loud, guilds: list[Guild], people: list[User]) -> Iterator[Payload]:
    """One message of each member in each of these servers."""
    for guild in guilds:
        channels = place.parts.world.guild_channels(guild.id)
        for number, person in enumerate(people):
            yield place.said(person, channels[number % len(channels)], f"{number} {TEXT}")


async def settled_mib(bot: Bot) -> float:
    await asyncio.sleep(SETTLE_S)
    return bot.memory_mib


async def measure(place: Loud, bot: Bot, database: Path, chosen: argparse.Namespace) -> Json:
    """The figures, in MiB but for what one server costs."""
    people = place.people(chosen.members)
    base = await settled_mib(bot)
    before = place.posts
    guilds = []
    for number in range(chosen.guilds):
        guilds.append(place.found(f"server {number}", people, chosen.channels, chosen.roles))
        await asyncio.sleep(0)
    await loud.until(lambda: place.posts >= before + chosen.guilds)
    idle = await settled_mib(bot)
    rounds = []
    for _ in range(chosen.rounds):
        there = stored(database)
        await place.tell(everybody(place, guilds[: chosen.speaking], people))
        await arrived(database, there + chosen.speaking * chosen.members)
        rounds.append(await settled_mib(bot))
    return {
        "base_mib": base,
        "idle_mib": idle,
        "kib_per_guild": 1024 * (idle - base) / chosen.guilds,
        "after_rounds_mib": rounds,
        "grown_at_last_mib": rounds[-1] - rounds[len(rounds) // 2] if rounds else 0.0,
    }


async def run(chosen: argparse.Namespace) -> Json:
    async with loud.playground() as place:
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "steward.sqlite3"
            with the_bot(place.url, NO_ENGINE, database) as bot:
                await place.bot_is_there()
                await loud.until(lambda: place.posts > 0)
                return await measure(place, bot, database, chosen)


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    found = asyncio.run(run(chosen))
    print(f"the bot in one server: {found['base_mib']:.0f} MiB")
    print(f"in {chosen.guilds} more, idle: {found['idle_mib']:.0f} MiB, {found['kib_per_guild']:.0f} KiB each")
    for number, mib in enumerate(found["after_rounds_mib"], 1):
        print(f"after everybody in {chosen.speaking} of them has spoken {number} times: {mib:.0f} MiB")
    report.finish("bot_memory", chosen, **found)


if __name__ == "__main__":
    main()
