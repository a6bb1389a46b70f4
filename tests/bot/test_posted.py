"""What was posted from an answer, or is still open, follows the messages that it rests on."""

from __future__ import annotations

import discord
import pytest

from bot.commands import digest
from bot.commands.cited_text import cited_in, without_citing
from bot.commands.posted import NOTHING_LEFT
from bot.language import Speech, _, speaking
from storage.database import Database
from storage.posted import PostedSources
from tests.bot.conftest import Bot, World
from tests.bot.test_addressed import own_thread
from tests.bot.test_commands import text_of
from tests.bot.test_controls import labels
from tests.bot.test_privacy import opt_out
from tests.bot.test_summarize import THURSDAY, chatter, message_of
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until

WRITTEN = "- Linus will write the announcement for the release [3]"
URL = "https://discord.com/channels/1/2"


def at(number: int) -> str:
    return f"[↗]({URL}/{number})"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"> **Ada** shares:\n- one {at(5)}\n- two {at(6)}\n-# read", f"> **Ada** shares:\n- two {at(6)}\n-# read"),
        (f"**T**\nOne. {at(5)} Two. {at(6)} {at(7)} Three. {at(8)}", f"**T**\nTwo. {at(6)} {at(7)} Three. {at(8)}"),
        (f"**In brief**\nOne. {at(6)} {at(5)} Two. {at(7)}", f"**In brief**\nTwo. {at(7)}"),
        (f"**T**\nx\n**Decided**\n- one {at(5)}\n**To do**\n- two {at(6)}", f"**T**\nx\n**To do**\n- two {at(6)}"),
        (f"**Ada** {at(5)}\nfirst\nsecond\n**Bo** {at(6)}\nthird\n-# said", f"**Bo** {at(6)}\nthird\n-# said"),
        (f"the words\n{URL}/5", None),
        (f"- one {at(5)}", None),
        ("no link at all", None),
    ],
)  # fmt: skip
def test_what_is_left_of_a_text(text: str, left: str | None) -> None:
    assert without_citing(text, {5}) == left


def test_a_message_may_be_named_in_any_way() -> None:
    assert cited_in(f"one {at(5)} {at(6)}\n{URL}/7") == {5: 2, 6: 2, 7: 2}
    assert cited_in(f"I said {URL}/8 before") == {}


async def posted(world: World, engine: ScriptedEngine, database: Database) -> list[discord.Message]:
    """A summary of Thursday (Ada's first message) and Linus (Grace's) is posted; what was said before."""
    said = await chatter(world)
    engine.enqueue(reply(f"{THURSDAY}\n{WRITTEN}"))
    result = await world.ada.slash(world.channel, "summarize")
    await world.ada.click(message_of(result), label="Post here")
    assert len(await PostedSources(database).on([one.id for one in said])) == 2
    return said


async def test_a_sentence_goes_with_its_message(world: World, engine: ScriptedEngine, database: Database) -> None:
    said = await posted(world, engine, database)
    await world.grace.delete(said[2])
    await until(lambda: "announcement" not in world.said()[-1])
    assert "Thursday" in world.said()[-1] and world.said()[-1].startswith("> **Ada** shares:")
    await world.env.advance_time(1)
    await world.ada.edit(said[0], "We never ship.")
    await until(lambda: world.said()[-1] == NOTHING_LEFT)
    assert await PostedSources(database).on([one.id for one in said]) == []


async def test_a_sentence_goes_when_its_author_leaves(world: World, engine: ScriptedEngine, database: Database) -> None:
    await posted(world, engine, database)
    await opt_out(world, world.grace)
    await until(lambda: "announcement" not in world.said()[-1])
    assert "Thursday" in world.said()[-1]


async def test_a_sentence_goes_with_its_thread(world: World, engine: ScriptedEngine) -> None:
    thread = await own_thread(world)
    said = await world.ada.send(thread, "The release of the garden app moves to Thursday.")
    engine.enqueue(reply(THURSDAY))
    result = await world.ada.slash(world.channel, "summarize", thread=thread)
    await world.ada.click(message_of(result), label="Post here")
    assert said.jump_url in world.said()[-1]
    world.env.backend.delete_channel(thread.id)
    await world.env.settle()
    await until(lambda: world.said()[-1] == NOTHING_LEFT)


async def test_a_posted_answer_that_was_deleted_is_left_alone(
    world: World, engine: ScriptedEngine, database: Database
) -> None:
    said = await posted(world, engine, database)
    (shown,) = [one for one in world.env.backend.messages[world.channel.id].values() if "shares:" in one.content]
    world.env.backend.delete_message(world.channel.id, shown.id)
    await world.env.settle()
    assert await PostedSources(database).on([one.id for one in said]) == []


async def test_what_could_not_be_posted_can_be_posted_again(world: World, engine: ScriptedEngine) -> None:
    await chatter(world)
    engine.enqueue(reply(THURSDAY))
    result = await world.ada.slash(world.channel, "summarize")
    world.env.inject_error("POST", "/webhooks/*/*", status=400, code=50035, times=1)
    failed = await world.ada.click(message_of(result), label="Post here")
    assert failed.followups and world.said() == []
    await world.ada.click(message_of(result), label="Post here")
    assert len(world.said()) == 1


async def test_what_could_not_be_taken_out_stays_known(
    world: World, engine: ScriptedEngine, database: Database
) -> None:
    said = await posted(world, engine, database)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=403, code=50013, times=1)
    await world.grace.delete(said[2])
    assert "announcement" in world.said()[-1]
    assert len(await PostedSources(database).on([said[2].id])) == 1


async def test_what_went_while_nobody_listened_is_taken_out_after_the_start(
    world: World, engine: ScriptedEngine, database: Database, bot: Bot
) -> None:
    said = await posted(world, engine, database)
    del world.env.backend.messages[world.channel.id][said[0].id]
    await world.env.restart_bot(bot.client())
    await until(lambda: "Thursday" not in world.said()[-1])
    assert "announcement" in world.said()[-1]


async def test_nothing_left_is_said_in_the_language_of_the_server(
    world: World, engine: ScriptedEngine, database: Database
) -> None:
    said = await posted(world, engine, database)
    world.env.backend.guilds[world.guild.id].preferred_locale = "de"
    await world.env.restart_bot(world.env.bot)
    for message, author in ((said[0], world.ada), (said[2], world.grace)):
        await author.delete(message)
    with speaking(Speech("de", "de")):
        await until(lambda: world.said()[-1] == _(NOTHING_LEFT) != NOTHING_LEFT)


async def test_an_open_answer_follows_too(world: World, engine: ScriptedEngine, database: Database) -> None:
    """What is deleted, changed or withdrawn goes from pages that somebody still has before them."""
    said = await chatter(world)
    engine.enqueue(reply(f"{THURSDAY}\n{WRITTEN}\n- Grace tests the payment page again before the release [4]"))
    result = await world.ada.slash(world.channel, "summarize")
    assert all(one.jump_url in text_of(result) for one in (said[0], said[2], said[3]))
    await world.ada.delete(said[3])
    await until(lambda: said[3].jump_url not in text_of(result))
    await opt_out(world, world.grace)
    await until(lambda: said[2].jump_url not in text_of(result))
    assert said[0].jump_url in text_of(result)
    await world.env.advance_time(1)
    await world.ada.edit(said[0], "We never ship.")
    await until(lambda: text_of(result) == digest.NOTHING_LEFT)
    assert labels(message_of(result)) == []
