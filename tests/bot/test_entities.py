"""/entities and *Find names* on the simulated Discord: lists with links, marked texts, what is not read, mistakes."""

from __future__ import annotations

import asyncio

import discord
import pytest
from simcord.results import InteractionResult

from bot.commands import entities, named, paged, ranges
from bot.commands.fetching import GONE
from bot.commands.named import marked
from bot.commands.working import STOPPED
from bot.conversation.rendering import length
from bot.errors import explain
from llm.errors import EngineUnavailable, NotServed
from llm.tasks.entities import Spot
from storage.choices import Choices, Consent
from storage.database import Database
from tests.bot.conftest import World
from tests.bot.test_commands import text_of, was_deferred
from tests.bot.test_controls import labels
from tests.bot.test_summarize import message_of
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until

NAMES = {"Ada Lovelace": "PER", "Ada's": "PER", "Paris": "LOC", "ACME": "ORG", "Louvre": "MISC"}
BY_CHAT = pytest.mark.settings(tasks={"entities": "chat"})


@pytest.fixture
def engine_with_names(engine: ScriptedEngine) -> ScriptedEngine:
    engine.names = NAMES
    return engine


async def chatter(world: World) -> list[discord.Message]:
    lines = ("Ada Lovelace goes to Paris", "ok", "is that Ada's idea, or ACME?", "Paris has the Louvre @everyone")
    people = (world.ada, world.grace, world.grace, world.ada)
    return [await person.send(world.channel, line) for person, line in zip(people, lines, strict=True)]


async def names(world: World, **options: object) -> InteractionResult:
    return await world.ada.slash(world.channel, "entities", **options)


async def refused(world: World, **options: object) -> str:
    told = text_of(await names(world, **options))
    assert not was_deferred(world)
    return told


async def test_who_and_what_is_talked_about(world: World, engine_with_names: ScriptedEngine) -> None:
    said = await chatter(world)
    result = await names(world)
    told = text_of(result)
    assert was_deferred(world) and told.startswith(named.TITLE)
    assert f"👤 **People**\n- Ada Lovelace · 2 × [↗]({said[0].jump_url})" in told
    assert f"📍 **Places**\n- Paris · 2 × [↗]({said[0].jump_url})" in told
    assert f"🏢 **Groups**\n- ACME · 1 × [↗]({said[2].jump_url})" in told and "🏷️ **Other**\n- Louvre" in told
    assert "read 4 of the last 4 messages" in told
    assert labels(message_of(result)) == ["Post here", "Send me by DM"]


async def test_ranges(world: World, engine_with_names: ScriptedEngine) -> None:
    said = await chatter(world)
    assert "Lovelace" not in text_of(await names(world, first=said[1].jump_url))
    assert "ACME" not in text_of(await names(world, first=str(said[0].id), last=str(said[1].id)))
    assert "Louvre" in text_of(await names(world, window="6h"))
    assert "Lovelace" not in text_of(await names(world, count=1))


async def test_a_text_is_marked(world: World, engine_with_names: ScriptedEngine) -> None:
    told = text_of(await names(world, text="👩🏽‍💻 *Ada Lovelace* in Paris @everyone"))
    assert told == f"> 👩🏽‍💻 \\*👤 **Ada Lovelace**\\* in 📍 **Paris** @\u200beveryone\n-# {named.LEGEND}"


async def test_one_message_is_marked(world: World, engine_with_names: ScriptedEngine) -> None:
    said = await chatter(world)
    result = await world.grace.context_menu(world.channel, "Find names", said[0])
    assert text_of(result).startswith("> 👤 **Ada Lovelace** goes to 📍 **Paris**")
    assert said[0].jump_url in text_of(result)
    await world.grace.click(message_of(result), label="Post here")
    assert world.said()[-1].startswith("> **Grace** shares:\n> 👤 **Ada Lovelace**")
    assert text_of(await world.grace.context_menu(world.channel, "Find names", said[1])) == entities.NO_NAMES


async def test_a_posted_name_goes_with_the_message_that_spells_it(
    world: World, engine_with_names: ScriptedEngine
) -> None:
    await world.grace.send(world.channel, "is that Ada's idea?")
    whole = await world.ada.send(world.channel, "Ada Lovelace of ACME")
    await world.grace.send(world.channel, "ACME is great, and Paris")
    result = await names(world)
    await world.ada.click(message_of(result), label="Post here")
    assert "Lovelace" in world.said()[-1]
    await world.ada.delete(whole)
    await until(lambda: "Lovelace" not in world.said()[-1])
    assert "Paris" in world.said()[-1]


async def test_every_page_of_a_message_that_was_posted_goes_with_it(
    world: World, engine_with_names: ScriptedEngine
) -> None:
    said = await world.ada.send(world.channel, "Paris is lovely.\n" * 117)
    result = await world.ada.context_menu(world.channel, "Find names", said)
    await world.ada.click(message_of(result), label="Post here")
    pages = [one for one in world.said() if "📍 **Paris**" in one]
    assert len(pages) > 1 and all(said.jump_url in one for one in pages)
    await world.ada.delete(said)
    await until(lambda: not any("Paris" in one for one in world.said()))


async def test_a_text_of_4000_characters_has_pages(world: World, engine_with_names: ScriptedEngine) -> None:
    result = await names(world, text=("Paris * " * 500))
    assert "page 1 of" in text_of(result) and len(text_of(result)) <= 2000
    await world.ada.click(message_of(result), label="Next")
    assert "📍 **Paris**" in text_of(result)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"text": "Ada", "count": 5}, entities.TEXT_OR_RANGE),
        ({"text": "   "}, entities.BLANK),
        ({"window": "soon"}, ranges.NOT_A_WINDOW),
        ({"first": "x" * 4000}, "is no message that I know"),
        ({"count": 5, "window": "6h"}, ranges.TOO_MANY_WAYS),
        ({"first": "123456789012345678", "last": "123456789012345670"}, ranges.UPSIDE_DOWN),
    ],
)
async def test_a_mistake_is_told_at_once(world: World, options: dict[str, object], sentence: str) -> None:
    assert sentence in await refused(world, **options)


async def test_nothing_to_read(world: World, engine_with_names: ScriptedEngine, database: Database) -> None:
    assert text_of(await names(world)) == entities.NOTHING_TO_READ
    picture = await world.ada.send(world.channel, "", attachments=[("a.png", b"x")])
    assert text_of(await names(world)) == entities.NOTHING_TO_READ
    assert text_of(await world.ada.context_menu(world.channel, "Find names", picture)) == entities.NOT_THAT_ONE
    said = await world.grace.send(world.channel, "Paris")
    await Choices(database).choose(world.grace.id, None, Consent.OPT_OUT)
    assert text_of(await world.ada.context_menu(world.channel, "Find names", said)) == entities.NOT_THAT_ONE
    await world.ada.send(world.channel, "no names here")
    assert text_of(await names(world)) == entities.NO_NAMES
    await world.ada.send(world.channel, "ACME")
    told = text_of(await names(world))
    assert "Paris" not in told and "ACME" in told and "people who opted out" in told
    await world.grace.delete(said)
    assert text_of(await names(world, first=said.jump_url)) == GONE


async def test_who_may_not_read_gets_nothing(world: World) -> None:
    hidden = {world.guild.default_role: discord.PermissionOverwrite(read_message_history=False)}
    past = world.guild.create_text_channel("past", overwrites=hidden)
    assert "You may not read" in text_of(await world.ada.slash(past, "entities"))
    assert not was_deferred(world)


async def test_what_was_deleted_meanwhile_is_not_posted(world: World, engine_with_names: ScriptedEngine) -> None:
    said = await chatter(world)
    result = await names(world)
    await world.ada.delete(said[0])
    await world.ada.click(message_of(result), label="Post here")
    (posted,) = world.said()
    assert "Lovelace" not in posted and f"Paris · 1 × [↗]({said[3].jump_url})" in posted
    for message in (said[2], said[3]):
        await (world.grace if message is said[2] else world.ada).delete(message)
    assert text_of(result) == entities.NOTHING_LEFT


async def test_what_was_edited_meanwhile_no_longer_counts(world: World, engine_with_names: ScriptedEngine) -> None:
    said = await chatter(world)
    result = await names(world)
    await world.env.advance_time(1)
    await world.ada.edit(said[0], "nobody went anywhere")
    assert "Lovelace" not in text_of(result) and said[3].jump_url in text_of(result)


async def test_no_engine_and_no_model_are_sentences(world: World, engine: ScriptedEngine) -> None:
    await chatter(world)
    assert text_of(await names(world)) == explain(NotServed("")).sentence
    await engine.stop()
    result = await names(world)
    assert text_of(result) == explain(EngineUnavailable()).sentence
    assert labels(message_of(result)) == ["Retry"]


@BY_CHAT
async def test_the_chat_model_can_do_it(world: World, engine: ScriptedEngine) -> None:
    said = await chatter(world)
    engine.enqueue(reply("[1] PERSON: Ada Lovelace\n[4] PLACE: Paris\n[4] PLACE: London"))
    told = text_of(await names(world))
    assert "Ada Lovelace" in told and said[3].jump_url in told and "London" not in told
    assert engine.requests[0].body["priority"] == "command"


@BY_CHAT
async def test_progress_and_stop(world: World, engine: ScriptedEngine) -> None:
    await chatter(world)
    engine.enqueue(reply(pieces=[asyncio.Event()]))
    asked = asyncio.create_task(names(world))
    request = await engine.received(1)
    (pending,) = world.env.backend.interactions.values()
    shown = InteractionResult(world.env, pending)
    await until(lambda: "Looking for names" in text_of(shown))
    world.env._end_operation()
    await world.ada.click(message_of(shown), label="Stop")
    await asked
    assert text_of(shown) == STOPPED
    await asyncio.wait_for(request.disconnected.wait(), 10)


def test_marks_stay_whole_and_lines_short() -> None:
    text = "Ada " * 600 + "\n" + "x" * 3000
    spots = [Spot(at, at + 3, "PER", "Ada") for at in range(0, 2400, 4)]
    lines = marked(text, spots)
    assert all(length(line) < paged.DISCORD_LIMIT for line in lines)
    assert sum(line.count("👤 **Ada**") for line in lines) == 600
    assert sum(line.count("x") for line in lines[:-1]) == 3000
