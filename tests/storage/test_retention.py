"""What is too old goes, each server by its own days, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database
from storage.errors import BadRecord
from storage.history import History, StoredReply
from storage.retention import Retention
from storage.settings import GuildSettings, Place
from storage.usage import Usage, Used
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, ids, message, thread


async def test_purge_takes_what_is_older_and_nothing_else(database: Database, history: History) -> None:
    await history.record(thread(5))
    for number in (2, 4):
        moment = NOON + timedelta(seconds=number)
        await history.record_reply(StoredReply(number, 1, "m", 1, 1, None, 1.0, "stop", created_at=moment))
    retention = Retention(database)
    gone = await retention.purge(NOON + timedelta(seconds=3))
    assert (gone["messages"], gone["replies"]) == (2, 1)
    found = await history.chain(5)
    assert (ids(found.messages), found.missing) == ([3, 4, 5], 2)
    assert await history.reply(2) is None
    assert await history.reply(4) is not None
    assert await retention.purge(datetime.now(UTC) - timedelta(days=36_500)) == {"messages": 0, "replies": 0}
    with pytest.raises(BadRecord):
        await retention.purge(datetime(2026, 1, 1))


async def test_each_server_by_its_own_days(database: Database, history: History) -> None:
    private = {"guild_id": None, "channel_id": 90}
    await history.record([message(1), message(2, guild_id=8, channel_id=80), message(3, **private)])
    retention = Retention(database)
    await retention.run(NOON + timedelta(days=10), 30, {}, 7)
    assert await history.recent(CHANNEL, 9)
    await retention.run(NOON + timedelta(days=31), 30, {GUILD: 60}, 7)
    assert [await history.recent(channel, 9) != [] for channel in (CHANNEL, 80, 90)] == [True, False, False]
    assert {name: count for name, count in (await database.check()).rows.items() if count} == {
        "guilds": 2,
        "channels": 2,
        "people": 1,
        "messages": 1,
    }


async def test_a_channel_by_its_own_days_with_its_threads(database: Database, history: History) -> None:
    """Other servers and channels keep theirs; of an answer that stays it is known for whom it is."""
    short, long, thread_of_long = 71, 72, 73
    await history.record_channel(thread_of_long, GUILD, "thread", "public_thread", long)
    channels = (CHANNEL, short, long, thread_of_long, -thread_of_long)
    await history.record([message(number, channel_id=channel) for number, channel in enumerate(channels, 1)])
    for number in (1, 3):
        await history.record_reply(StoredReply(number, None, "m", 1, 1, None, 1.0, "stop", created_at=NOON))
    await Usage(database).count(ADA.id, GUILD, Used(1), NOON)
    retention, own = Retention(database), {GUILD: {short: 5, long: 90}, 8: {80: 1}}
    for days, left in ((6, [1, 0, 1, 1, 1]), (31, [0, 0, 1, 1, 1]), (91, [0, 0, 0, 0, 0])):
        await retention.run(NOON + timedelta(days=days), 30, {}, 7, own)
        assert [len(await history.recent(channel, 9)) for channel in channels] == left
        assert [await history.reply(number) is not None for number in (1, 3)] == [bool(left[0]), bool(left[2])]
        assert (await Usage(database).of_person(ADA.id, NOON)).requests == (days == 6)


async def test_a_server_that_was_left_goes_after_its_grace(database: Database, history: History) -> None:
    settings, retention = GuildSettings(database), Retention(database)
    await history.record([message(1), message(2, guild_id=8, channel_id=80)])
    await settings.adopt(GUILD, "left and returned")
    await settings.put(Place(8), "persona", "terse", by=1)
    for guild in (GUILD, 8, 404):
        await settings.left(guild)
    now = datetime.now(UTC)
    await retention.run(now + timedelta(days=6), 30, {}, 7)
    assert await history.recent(80, 9)
    await settings.returned(GUILD)
    await retention.run(now + timedelta(days=8), 30, {}, 7)
    assert (await history.recent(CHANNEL, 9), await history.recent(80, 9)) == ([message(1)], [])
    assert await settings.adopted_guilds() == {GUILD}
    assert await settings.chosen(8) == {}
