"""/pause: who may, what ends, and until when."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import discord
import pytest
from simcord.actors import MemberActor

from bot.commands.pause import RESUMED, WAS_NOT_PAUSED
from bot.conversation.answer import STOPPED
from bot.conversation.pausing import PAUSED_UNTIL, Paused, Pauses, duration
from bot.conversation.running import Why
from bot.errors import Refusal
from storage.database import Database
from storage.settings import GuildSettings, Place, Scope
from tests.bot.conftest import Bot, World
from tests.clock import ManualClock
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until


@pytest.fixture
def mo(world: World) -> MemberActor:
    role = world.guild.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("Mo"), roles=[role])


async def pause(world: World, by: MemberActor, **options: str) -> str:
    result = await by.slash(world.channel, "pause", **options)
    assert result.ephemeral and result.response is not None
    return str(result.response.content)


async def test_running_answers_end_with_a_sentence_and_no_new_ones_begin(
    world: World, engine: ScriptedEngine, mo: MemberActor
) -> None:
    engine.enqueue(reply(pieces=["First sentence. ", asyncio.Event()]), reply("Here I am."))
    world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} hello")
    await until(lambda: world.said() == ["First sentence."])
    assert "I am paused in this server until <t:" in await pause(world, mo)
    assert engine.requests[0].disconnected.is_set()
    assert STOPPED[Why.PAUSED] in world.said()[0]
    await world.ada.send(world.channel, f"{world.mention} and now?")
    assert "A moderator has paused me here" in world.said()[1]
    assert "paused" in str((await world.ada.slash(world.channel, "ask", question="psst")).response.content)  # type: ignore[union-attr]
    assert await pause(world, mo, length="off") == RESUMED.format(where="in this server")
    assert await pause(world, mo, length="off") == WAS_NOT_PAUSED.format(where="in this server")
    await world.ada.send(world.channel, f"{world.mention} and now?")
    assert world.said()[2] == "Here I am."


async def test_a_channel_alone_and_for_a_while(world: World, engine: ScriptedEngine, mo: MemberActor) -> None:
    other = world.guild.create_text_channel("other")
    engine.enqueue(reply("Here."), reply("Back."))
    await pause(world, mo, length="30m", where="channel")
    await world.ada.send(other, f"{world.mention} hello")
    assert world.said(other) == ["Here."]
    await world.env.advance_time(1801)
    await world.ada.send(world.channel, f"{world.mention} hello")
    assert world.said() == ["Back."]


async def test_it_outlives_a_restart(world: World, engine: ScriptedEngine, mo: MemberActor, bot: Bot) -> None:
    engine.enqueue(reply("Back."))
    await pause(world, mo, length="30m", where="channel")
    await world.env.restart_bot(bot.client())
    await world.ada.send(world.channel, f"{world.mention} hello")
    assert "A moderator has paused me here" in world.said()[0]
    await pause(world, mo, length="off", where="channel")
    await world.env.restart_bot(bot.client())
    await world.ada.send(world.channel, f"{world.mention} hello")
    assert world.said()[1] == "Back."


async def test_one_that_is_over_is_forgotten(database: Database) -> None:
    clock, settings = ManualClock(), GuildSettings(database)
    await settings.put(Place(7), PAUSED_UNTIL, clock.utc().isoformat(), by=700)
    await settings.put(Place(7, Scope.CHANNEL, 70), PAUSED_UNTIL, (clock.utc() + timedelta(hours=1)).isoformat(), by=1)
    pauses = Pauses(clock)
    await pauses.restore(settings)
    pauses.require_none(7)
    with pytest.raises(Paused):
        pauses.require_none(70, 7)
    assert list(await settings.places(PAUSED_UNTIL)) == [Place(7, Scope.CHANNEL, 70)]


@pytest.mark.parametrize(
    ("text", "length"),
    [("30m", timedelta(minutes=30)), ("1H", timedelta(hours=1)), (" 1d12h ", timedelta(hours=36))],
)
def test_durations(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "1", "h", "1 hour", "0m", "99d", "-1h", "1h!", "99999d"])
def test_no_durations(text: str) -> None:
    with pytest.raises(Refusal):
        duration(text)


def test_a_pause_ends_by_itself() -> None:
    clock = ManualClock()
    pauses = Pauses(clock)
    pauses.pause(7, timedelta(hours=1))
    pauses.require_none(8, 9)
    with pytest.raises(Paused, match="until <t:"):
        pauses.require_none(8, 7)
    clock.seconds = 3600.0
    pauses.require_none(8, 7)
