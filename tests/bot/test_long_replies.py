"""Answers of more than two messages: a file has all of them, and so has the conversation."""

from __future__ import annotations

import discord
import pytest
from simcord.backend.cdn import CDN_BASE

from bot.conversation.long_answers import FILE_NAME, IN_FILE
from bot.conversation.rendering import small
from storage.history import History
from tests.bot.conftest import Bot, World
from tests.bot.test_controls import ask, newest, press
from tests.fakes import ScriptedEngine, reply

LONG = "First this. " + " ".join(f"word{number}" for number in range(900))


async def attached(message: discord.Message) -> list[str]:
    """The texts of a message's files."""
    assert [one.filename for one in message.attachments] in ([], [FILE_NAME])
    return [(await one.read()).decode() for one in message.attachments]


@pytest.fixture(autouse=True)
def cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.Asset, "BASE", CDN_BASE)


async def test_two_messages_and_a_file_and_the_conversation_goes_on_from_all_of_it(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    engine.enqueue(reply(LONG), reply("Yes."))
    last = await ask(world)
    first, second = world.said()
    assert first.startswith("First this. ") and second.endswith(f"\n{small(IN_FILE)}")
    assert await attached(last) == [LONG + "\n"]
    assert "".join(row.content for row in (await history.chain(last.id)).messages[1:]) == LONG
    await ask(world, "really?", reply_to=last)
    assert engine.requests[1].texts[1:] == ["Ada: hello", LONG, "Ada: really?"]


async def test_another_answer_takes_the_file_away_and_paging_brings_it_back(
    world: World, engine: ScriptedEngine, bot: Bot, history: History
) -> None:
    engine.enqueue(reply(LONG), reply("Short."))
    last = await ask(world)
    await world.env.restart_bot(bot.client())
    await press(world, "Regenerate")
    assert world.said() == ["Short."] and await attached(newest(world)) == []
    await world.env.restart_bot(bot.client())
    await press(world, "‹")
    assert len(world.said()) == 2 and await attached(newest(world)) == [LONG + "\n"]
    assert newest(world).content.count(IN_FILE) == 1
    whole = (await history.chain(newest(world).id)).messages[1:]
    assert "".join(row.content for row in whole) == LONG and whole[0].id < last.id


async def test_what_goes_on_becomes_long(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("Begin", finish_reason="length"), reply(LONG))
    await ask(world)
    await press(world, "Continue")
    assert await attached(newest(world)) == [f"Begin {LONG}\n"]


async def test_where_no_file_may_be_posted_there_are_more_messages(world: World, engine: ScriptedEngine) -> None:
    silence = {world.guild.default_role: discord.PermissionOverwrite(attach_files=False)}
    channel = world.guild.create_text_channel("plain", overwrites=silence)
    engine.enqueue(reply(LONG))
    await world.ada.send(channel, f"{world.mention} hello")
    assert len(world.said(channel)) == 4 and "".join(world.said(channel)).endswith("word899")


async def test_a_deleted_message_takes_its_text_with_it(world: World, engine: ScriptedEngine, history: History) -> None:
    engine.enqueue(reply(LONG))
    last = await ask(world)
    world.env.backend.delete_message(world.channel.id, last.id)
    await world.env.settle()
    kept = (await history.chain(last.id)).messages
    assert kept[-1].content == "" and "word899" not in str(kept)
