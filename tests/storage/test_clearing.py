"""A channel or a server is emptied: what was said there goes with all that was made from it, and nothing else."""

from __future__ import annotations

import pytest

from storage.clearing import Clearing
from storage.database import Database
from storage.history import History
from storage.settings import Place, Scope
from tests.storage.planting import SECRET, found, plant, plant_private
from tests.storage.samples import CHANNEL, GUILD, message

OTHER, THREAD = 71, 72


def channel(number: int) -> Place:
    return Place(GUILD, Scope.CHANNEL, number)


@pytest.fixture
async def clearing(database: Database, history: History) -> Clearing:
    """Messages in a channel, in a thread of it, by /ask there and in the thread, in another channel and server."""
    await plant(database)
    await plant_private(database)
    await history.record_channel(THREAD, GUILD, "thread", "public_thread", CHANNEL)
    await history.record(
        [
            message(20, channel_id=THREAD, content=SECRET),
            message(-21, channel_id=-THREAD, content=SECRET),
            message(22, channel_id=OTHER),
            message(23, guild_id=8, channel_id=80),
        ]
    )
    return Clearing(database)


async def test_a_channel_with_its_threads(database: Database, history: History, clearing: Clearing) -> None:
    assert await clearing.count(channel(CHANNEL)) == 9
    await history.delete([3])
    assert await clearing.count(channel(CHANNEL)) == 8
    assert await clearing.clear(channel(CHANNEL)) == 9
    assert await found(database) == []
    assert [await clearing.count(channel(number)) for number in (CHANNEL, THREAD, OTHER, 80)] == [0, 0, 1, 1]
    assert (await database.check()).problems == []


async def test_a_server_but_for_some_channels(database: Database, clearing: Clearing) -> None:
    assert await clearing.count(Place(GUILD), but=[CHANNEL]) == 1
    assert await clearing.clear(Place(GUILD), but=[OTHER]) == 9
    assert await clearing.count(Place(GUILD)) == 1
    assert await clearing.clear(Place(GUILD)) == 1
    assert await clearing.count(Place(8)) == 1


async def test_a_role_holds_no_messages(clearing: Clearing) -> None:
    with pytest.raises(ValueError, match="role"):
        await clearing.count(Place(GUILD, Scope.ROLE, 5))
