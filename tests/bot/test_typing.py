"""/typing: an answer in one piece, for those who want that."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text as sql

from bot.commands.typing import IS_FINAL, IS_LIVE
from bot.conversation.pace import Pace
from bot.errors import explain
from storage.database import Database
from storage.errors import DatabaseUnavailable
from tests.bot.conftest import World
from tests.bot.test_commands import text_of
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until


async def test_one_message_when_it_is_done(world: World, engine: ScriptedEngine) -> None:
    assert text_of(await world.ada.slash(world.channel, "typing", how="final")) == IS_FINAL
    rest = asyncio.Event()
    engine.enqueue(reply(pieces=["First sentence. ", "Second one. ", rest, "Third."], queue=[3]))
    asking = asyncio.create_task(world.ada.send(world.channel, f"{world.mention} tell me"))
    await engine.received(1)
    await until(lambda: any(request.path.endswith("/typing") for request in world.env.http_requests))
    assert world.said() == []
    rest.set()
    await asking
    assert world.said() == ["First sentence. Second one. Third."]
    edits = [request.path for request in world.env.http_requests if request.method == "PATCH"]
    assert not [path for path in edits if path.startswith("/channels")]


async def test_others_still_see_their_answers_grow(world: World, engine: ScriptedEngine) -> None:
    await world.ada.slash(world.channel, "typing", how="final")
    rest = asyncio.Event()
    engine.enqueue(reply(pieces=["First sentence. ", rest, "Second one."]))
    asking = asyncio.create_task(world.grace.send(world.channel, f"{world.mention} tell me"))
    await until(lambda: world.said() == ["First sentence."])
    rest.set()
    await asking


async def test_it_can_be_taken_back_and_looked_at(world: World) -> None:
    assert text_of(await world.ada.slash(world.channel, "typing")) == IS_LIVE
    await world.ada.slash(world.channel, "typing", how="final")
    assert text_of(await world.ada.slash(world.channel, "typing")) == IS_FINAL
    assert text_of(await world.ada.slash(world.channel, "typing", how="live")) == IS_LIVE


async def test_failures_come_in_one_piece_too(world: World, engine: ScriptedEngine) -> None:
    await world.ada.slash(world.channel, "typing", how="final")
    await engine.stop()
    await world.ada.send(world.channel, f"{world.mention} hello")
    assert len(world.said()) == 1 and "not running right now" in world.said()[0]


async def test_a_database_that_is_gone_is_said(world: World, database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(sql("ALTER TABLE choices RENAME TO elsewhere"))
    told = text_of(await world.ada.slash(world.channel, "typing", how="final"))
    assert told == explain(DatabaseUnavailable()).sentence


class TestLate:
    @pytest.fixture
    def pace(self) -> Pace:
        return Pace(patience_s=0.6, edit_interval_s=0.02, quiet_s=0.0, late_s=-1.0)

    async def test_who_waited_long_is_pinged(self, world: World, engine: ScriptedEngine) -> None:
        await world.ada.slash(world.channel, "typing", how="final")
        engine.enqueue(reply("Here it is."))
        await world.ada.send(world.channel, f"{world.mention} tell me")
        last = world.channel.last_message
        assert last is not None and [person.id for person in last.mentions] == [world.ada.id]
