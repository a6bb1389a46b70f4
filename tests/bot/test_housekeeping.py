"""What is too old goes by itself, by each server's own days."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.housekeeping import RETENTION_DAYS, keep_house, tidy_up
from storage.config import StorageSettings
from storage.database import Database
from storage.history import History
from storage.settings import GuildSettings, Place
from tests.storage.samples import CHANNEL, GUILD, message

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_by_each_servers_own_days(database: Database, history: History) -> None:
    old = NOW - timedelta(days=10)
    await history.record([message(1, created_at=old), message(2, guild_id=8, channel_id=80, created_at=old)])
    await GuildSettings(database).put(Place(GUILD), RETENTION_DAYS, 7, by=700)
    assert await tidy_up(database, StorageSettings(), NOW) == {"messages": 1}
    assert await history.recent(CHANNEL, 9) == []
    assert len(await history.recent(80, 9)) == 1
    assert (await tidy_up(database, StorageSettings(retention_days=5), NOW))["messages"] == 1


async def test_again_and_again_even_after_a_failure(tmp_path: Path) -> None:
    """The first attempts find no tables."""
    async with Database(f"sqlite:///{tmp_path}/later.sqlite3") as database:
        job = asyncio.create_task(keep_house(database, StorageSettings(), every_s=0.01))
        await asyncio.sleep(0)
        await database.upgrade()
        history = History(database)
        await history.record([message(1, created_at=NOW - timedelta(days=4000))])
        rows = 1
        async with asyncio.timeout(20):
            while rows:
                rows = (await database.check()).rows["messages"]
        assert not job.done()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
