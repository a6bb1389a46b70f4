"""Questions that a sudden end left without any answer are answered after the restart: once, and only while fresh."""

from __future__ import annotations

from datetime import timedelta

import discord
import pytest

from bot.conversation.hearing import FRESH
from bot.settings.rules import AnswerWhen
from storage.database import Database
from storage.history import History
from storage.settings import GuildSettings, Place
from tests.bot.conftest import Bot, World
from tests.bot.test_controls import ask
from tests.bot.test_reconciling import away
from tests.fakes import ScriptedEngine, reply


@pytest.mark.parametrize("answer_when", ["addressed", "everything"])
async def test_it_is_answered_once(
    world: World, engine: ScriptedEngine, bot: Bot, database: Database, answer_when: AnswerWhen
) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "answer_when", answer_when, by=1)
    engine.enqueue(reply("First."), reply("Second."))
    await ask(world, "one")
    text = "two" if answer_when == "everything" else f"{world.mention} two"
    with away(world):
        if answer_when == "addressed":  # else it is a question, too
            world.env.backend.create_message(world.channel.id, world.grace.id, "hello all")
        world.env.backend.create_message(world.channel.id, world.ada.id, text)
    for _ in range(2):
        await world.env.restart_bot(bot.client())
        assert world.said() == ["First.", "Second."]
    assert engine.requests[-1].texts[-1] == "Ada: two"


async def test_an_answer_that_somebody_deleted_is_not_given_again(
    world: World, engine: ScriptedEngine, bot: Bot
) -> None:
    engine.enqueue(reply("First."), reply("Never."))
    answer = await ask(world, "one")
    world.env.backend.delete_message(world.channel.id, answer.id)
    await world.env.settle()
    await world.env.restart_bot(bot.client())
    assert world.said() == [] and engine.unused == 1


async def test_what_is_older_stays_as_it_is(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    engine.enqueue(reply("First."), reply("Never."))
    await ask(world, "one")
    with away(world):
        world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} two")
    world.env.backend.advance_clock((FRESH + timedelta(seconds=9)).total_seconds())
    await world.env.restart_bot(bot.client())
    assert world.said() == ["First."] and engine.unused == 1


async def test_roles_count_for_it(world: World, engine: ScriptedEngine, bot: Bot, database: Database) -> None:
    """Discord does not tell them with messages that are asked for."""
    club = world.guild.create_role("Club")
    cleo = world.guild.add_member(world.env.create_user("Cleo"), roles=[club])
    await GuildSettings(database).put(Place(world.guild.id), "allowed_roles", [club.id], by=1)
    engine.enqueue(reply("First."), reply("Second."))
    await cleo.send(world.channel, f"{world.mention} one")
    with away(world):
        world.env.backend.create_message(world.channel.id, cleo.id, f"{world.mention} two")
    await world.env.restart_bot(bot.client())
    assert world.said() == ["First.", "Second."]


async def test_what_was_deleted_meanwhile_is_not_read_for_it(
    world: World, engine: ScriptedEngine, bot: Bot, history: History
) -> None:
    engine.enqueue(reply("First."), reply("Second."))
    answer = await ask(world, "my word is swordfish")
    with away(world):
        said = (await history.chain(answer.id)).messages[0]
        reference = {"message_id": str(answer.id), "channel_id": str(world.channel.id)}
        world.env.backend.delete_message(world.channel.id, said.id)
        world.env.backend.create_message(
            world.channel.id, world.ada.id, f"{world.mention} and now?", reference=reference
        )
    await world.env.restart_bot(bot.client())
    assert world.said() == ["First.", "Second."] and "swordfish" not in str(engine.requests[1].texts)


@pytest.mark.settings(bot={"direct_messages": "everyone"})
async def test_in_private(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    engine.enqueue(reply("First."), reply("Second."))
    await world.ada.send_dm("one")
    private = world.ada.user.dm_channel
    with away(world):
        world.env.backend.create_message(private.id, world.ada.id, "two")
    await world.env.restart_bot(bot.client())
    said = [message.content for message in private.history() if isinstance(message, discord.Message)]
    assert said == ["one", "First.", "two", "Second."]
