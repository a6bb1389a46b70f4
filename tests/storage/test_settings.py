"""Which servers adopted Steward."""

from __future__ import annotations

from storage.database import Database
from storage.history import History
from storage.settings import GuildSettings, Place, Scope
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


async def test_what_is_chosen_per_server_channel_and_role(database: Database) -> None:
    settings = GuildSettings(database)
    server, channel = Place(GUILD), Place(GUILD, Scope.CHANNEL, 70)
    assert await settings.put(server, "persona", "terse", by=700)
    assert await settings.put(channel, "answer", {"when": ["mention"], "auto": False}, by=700)
    assert await settings.put(Place(GUILD, Scope.ROLE, 5), "requests", 20, by=700)
    assert await settings.put(Place(8), "persona", "kind", by=700)
    assert await settings.chosen(GUILD) == {
        (server, "persona"): "terse",
        (channel, "answer"): {"when": ["mention"], "auto": False},
        (Place(GUILD, Scope.ROLE, 5), "requests"): 20,
    }
    assert await settings.everywhere("persona") == {GUILD: "terse", 8: "kind"}


async def test_every_change_is_logged(database: Database) -> None:
    settings, place = GuildSettings(database), Place(GUILD)
    assert await settings.put(place, "persona", "terse", by=700)
    assert not await settings.put(place, "persona", "terse", by=701)
    assert await settings.put(place, "persona", "kind", by=701)
    assert await settings.put(place, "persona", None, by=702)
    assert not await settings.put(place, "persona", None, by=702)
    assert await settings.chosen(GUILD) == {}
    log = await settings.changes(GUILD)
    assert [(change.old, change.new, change.person_id) for change in log] == [
        ("kind", None, 702),
        ("terse", "kind", 701),
        (None, "terse", 700),
    ]
    assert all(change.changed_at.tzinfo for change in log)
    assert len(await settings.changes(GUILD, limit=1)) == 1
