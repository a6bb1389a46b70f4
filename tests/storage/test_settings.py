"""Which servers adopted Steward."""

from __future__ import annotations

from storage.database import Database
from storage.history import History
from storage.settings import GuildSettings
from tests.storage.samples import GUILD, message


async def test_adoption_is_remembered(database: Database) -> None:
    settings = GuildSettings(database)
    assert await settings.adopted_guilds() == set()
    await settings.adopt(1, "one")
    await settings.adopt(2, "two")
    await settings.adopt(1, "one, renamed")
    assert await settings.adopted_guilds() == {1, 2}
    await settings.release(1)
    await settings.release(404)
    assert await GuildSettings(database).adopted_guilds() == {2}


async def test_recording_messages_neither_adopts_nor_releases(database: Database) -> None:
    settings, history = GuildSettings(database), History(database)
    await history.record([message(1)])
    assert await settings.adopted_guilds() == set()
    await settings.adopt(GUILD, "served")
    await history.record([message(2)])
    await history.record_guild(GUILD, "renamed")
    assert await settings.adopted_guilds() == {GUILD}
