"""A playground with as many people and channels as a benchmark needs: its state file, made before it starts.

The playground's first world has three people, and Steward lets nobody ask more than three things at once. It measures
nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import load
from playground import seed
from playground.models import Channel, ChannelType, Guild, Member, User
from playground.snowflake import now
from playground.state import World
from playground.store import Store


@contextmanager
def started(people: Sequence[str], channels: Sequence[str]) -> Iterator[load.Server]:
    """The playground as a process, with these people and channels beside those that it comes with."""
    with TemporaryDirectory() as folder:
        state = Path(folder) / "discord.sqlite3"
        asyncio.run(_build(state, people, channels))
        command = [sys.executable, "-m", "playground", "--state", str(state)]
        with load.started(command, "", '"ready"') as server:
            yield server


async def _build(state: Path, people: Sequence[str], channels: Sequence[str]) -> None:
    async with Store(state) as store:
        world = World(store)
        seed.plant(world)
        guild = next(iter(world.guilds.values()))
        settle(world, guild, [world.add_user(name) for name in people])
        for name in channels:
            open_channel(world, guild, name)


def settle(world: World, guild: Guild, people: Sequence[User]) -> None:
    """They are members of the server from now on."""
    for person in people:
        guild.members[person.id] = Member(person.id, joined_at=now())
    world.keep(guild)


def open_channel(world: World, guild: Guild, name: str) -> Channel:
    """A text channel that everybody sees, below the others."""
    position = len(world.guild_channels(guild.id))
    return world.add_channel(Channel(world.snowflakes.next(), ChannelType.TEXT, name, guild.id, position=position))
