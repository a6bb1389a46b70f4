"""Channels, threads and servers that go: what was said there goes from storage, too."""

from __future__ import annotations

from bot.housekeeping import tidy_up
from storage.config import StorageSettings
from storage.database import Database
from storage.history import History
from storage.records import utc_now
from storage.settings import GuildSettings, Place, Scope
from tests.bot.conftest import Bot, World
from tests.fakes import ScriptedEngine, reply


async def asked(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("An answer."))
    await world.ada.send(world.channel, f"{world.mention} a question")
    await world.env.settle()


async def contents(history: History, world: World) -> list[str]:
    return [row.content for row in await history.recent(world.channel.id, 9)]


async def test_a_deleted_channel_takes_what_was_said_there(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    await asked(world, engine)
    assert len(await contents(history, world)) == 2
    channel = world.env.bot.get_channel(world.channel.id)
    assert channel is not None
    await channel.delete()
    await world.env.settle()
    assert await contents(history, world) == []


async def test_what_was_chosen_for_a_channel_or_role_goes_with_it(world: World, database: Database) -> None:
    settings, role = GuildSettings(database), world.guild.create_role("Club")
    server = Place(world.guild.id)
    for place in (
        server,
        Place(server.guild_id, Scope.CHANNEL, world.channel.id),
        Place(server.guild_id, Scope.ROLE, role.id),
    ):
        await settings.put(place, "persona", "terse", by=world.ada.id)
    channel, guild = world.env.bot.get_channel(world.channel.id), world.env.bot.get_guild(world.guild.id)
    assert channel is not None and guild is not None
    await channel.delete()
    await guild.get_role(role.id).delete()
    await world.env.settle()
    assert await settings.chosen(server.guild_id) == {(server, "persona"): "terse"}
    assert len(await settings.changes(server.guild_id)) == 3


async def test_a_server_that_removed_steward_is_forgotten_after_a_while(
    world: World, engine: ScriptedEngine, history: History, database: Database, bot: Bot
) -> None:
    await asked(world, engine)
    await world.env.bot.get_guild(world.guild.id).leave()
    await world.env.settle()
    await tidy_up(database, StorageSettings(grace_days=1, retention_days=3650), utc_now())
    assert len(await contents(history, world)) == 2
    await tidy_up(database, StorageSettings(grace_days=0, retention_days=3650), utc_now())
    assert await contents(history, world) == []
