"""Which servers are served: the listed ones, or the first that adds Steward; any other is left with a sentence."""

from __future__ import annotations

import discord
import pytest

from bot.client import REFUSED
from storage.database import Database
from storage.settings import GuildSettings
from tests.bot.conftest import Bot, World
from tests.fakes import ScriptedEngine, reply


class TestAdoption:
    async def test_the_first_server_is_adopted_and_the_next_one_left_with_a_sentence(
        self, world: World, database: Database
    ) -> None:
        assert await GuildSettings(database).adopted_guilds() == {world.guild.id}
        other = world.env.create_guild("Elsewhere")
        await world.env.settle()
        assert other.id not in [guild.id for guild in world.env.bot.guilds]
        assert world.guild.id in [guild.id for guild in world.env.bot.guilds]

    async def test_the_sentence_goes_where_it_may_be_written(self, world: World) -> None:
        other = world.env.create_guild("Elsewhere")
        me = other.me
        assert me is not None
        other.create_text_channel("rules", overwrites={me: discord.PermissionOverwrite(send_messages=False)})
        lobby = other.create_text_channel("lobby")
        await world.env.settle()
        sent = [request for request in world.env.http_requests if REFUSED in str(request.json)]
        assert [request.path for request in sent] == [f"/channels/{lobby.id}/messages"]
        assert other.id not in [guild.id for guild in world.env.bot.guilds]

    async def test_adoption_lasts_over_a_restart(self, world: World, bot: Bot, engine: ScriptedEngine) -> None:
        await world.env.restart_bot(bot.client())
        engine.enqueue(reply("Still here."))
        await world.ada.send(world.channel, f"{world.mention} hello")
        assert world.said() == ["Still here."]

    @pytest.mark.settings(bot={"guilds": [1]})
    async def test_where_servers_are_listed_no_other_is_adopted(self, world: World, database: Database) -> None:
        assert await GuildSettings(database).adopted_guilds() == set()
        assert list(world.env.bot.guilds) == []


class TestInThePlayground:
    @pytest.fixture
    def in_playground(self) -> bool:
        return True

    async def test_every_server_is_served(self, world: World, engine: ScriptedEngine) -> None:
        other = world.env.create_guild("Elsewhere")
        channel = other.create_text_channel("general")
        linus = other.add_member(world.env.create_user("Linus"))
        await world.env.settle()
        engine.enqueue(reply("Hello."))
        await linus.send(channel, f"{world.mention} hello")
        assert world.said(channel) == ["Hello."]
