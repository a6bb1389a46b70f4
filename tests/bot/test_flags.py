"""Flags under messages: off at first, then once per message and language, as a reply or in private."""

from __future__ import annotations

import asyncio

import discord
import pytest
from simcord.builders import ChannelHandle

from bot.mirrors.countries import ENGLAND, SPOKEN, language_of_flag
from llm.tasks.languages import LANGUAGES
from storage.database import Database
from storage.mirrors import Copies
from storage.settings import GuildSettings, Place
from tests.bot.conftest import World
from tests.bot.mirrored import BONJOUR, EAU, HELLO, WATER, holds, knows
from tests.fakes import ScriptedEngine, failure, reply

FRENCH, ENGLISH = "🇫🇷", "🇬🇧"


async def switched(database: Database, world: World, how: str) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "flags", how, by=world.ada.id)


@pytest.fixture(autouse=True)
def sentences(engine: ScriptedEngine) -> None:
    knows(engine)


def replies(channel: ChannelHandle, to: discord.Message) -> list[str]:
    return [one.content for one in channel.history() if one.reference and one.reference.message_id == to.id]


async def test_a_flag_is_just_a_flag_until_a_moderator_switches_it_on(world: World, engine: ScriptedEngine) -> None:
    said = await world.ada.send(world.channel, HELLO)
    await world.grace.react(said, FRENCH)
    assert (replies(world.channel, said), engine.requests) == ([], [])


async def test_it_translates_once_and_follows_its_message(
    world: World, database: Database, engine: ScriptedEngine
) -> None:
    await switched(database, world, "reply")
    said = await world.ada.send(world.channel, HELLO)
    await world.grace.react(said, FRENCH)
    await world.ada.react(said, FRENCH)
    await world.ada.react(said, "👍")
    assert replies(world.channel, said) == [BONJOUR]
    assert len(engine.requests) == 1
    await world.ada.edit(said, WATER)
    assert replies(world.channel, said) == [EAU]
    await world.ada.delete(said)
    assert world.said() == []
    assert await Copies(database).of([said.id]) == []


async def test_two_flags_at_once_are_answered_once(world: World, database: Database, engine: ScriptedEngine) -> None:
    await switched(database, world, "reply")
    knows(engine)
    said = await world.ada.send(world.channel, HELLO)
    for person in (world.grace, world.ada):
        world.env.backend.add_reaction(world.channel.id, said.id, FRENCH, person.id)
    await world.env.settle()
    assert (replies(world.channel, said), len(engine.requests)) == ([BONJOUR], 1)


@pytest.mark.parametrize(("edit", "expected"), [({"content": WATER}, [EAU]), (None, [])])
async def test_what_happens_to_it_during_the_translation(
    world: World, database: Database, engine: ScriptedEngine, edit: dict[str, str] | None, expected: list[str]
) -> None:
    await switched(database, world, "reply")
    said = await world.ada.send(world.channel, "Held in the hands of time.")
    translating = holds(engine)
    asking = asyncio.create_task(world.grace.react(said, FRENCH))
    await engine.received(1)
    if edit is None:
        world.env.backend.delete_message(world.channel.id, said.id)
    else:
        world.env.backend.edit_message(world.channel.id, said.id, edit)
    translating.set()
    await asking
    assert world.said() == expected


async def test_of_a_shorter_text_nothing_of_the_longer_one_is_left(
    world: World, database: Database, engine: ScriptedEngine
) -> None:
    await switched(database, world, "reply")
    said = await world.ada.send(world.channel, "Tell me all about roses, as long as you like.")
    engine.enqueue(reply("rosebush " * 300))
    await world.grace.react(said, FRENCH)
    assert len(world.said()) == 2
    await world.ada.edit(said, WATER)
    assert world.said() == [EAU]
    assert len(await Copies(database).of([said.id])) == 1


async def test_a_message_in_that_language_is_said_to_be(world: World, database: Database) -> None:
    await switched(database, world, "reply")
    said = await world.ada.send(world.channel, HELLO)
    await world.grace.react(said, ENGLISH)
    assert replies(world.channel, said) == [f"-# {ENGLISH} This message is in English already."]


async def test_in_private_whoever_asks_gets_it(world: World, database: Database, engine: ScriptedEngine) -> None:
    await switched(database, world, "dm")
    knows(engine)
    said = await world.ada.send(world.channel, HELLO)
    for person in (world.grace, world.grace, world.ada):
        await person.react(said, FRENCH)
        await person.unreact(said, FRENCH)
    assert replies(world.channel, said) == []
    for person in (world.grace, world.ada):
        told = [one.content for one in person.user.dm_channel.history()]
        assert told[-1] == BONJOUR and told.count(BONJOUR) == 1 and said.jump_url in told[-2]


async def test_who_opted_out_is_not_translated(world: World, database: Database, engine: ScriptedEngine) -> None:
    await switched(database, world, "reply")
    said = await world.ada.send(world.channel, HELLO)
    asked = await world.ada.slash(world.channel, "privacy opt-out")
    await world.ada.click(asked.response, custom_id="steward:mine:privacy-opt-out:here")
    await world.grace.react(said, FRENCH)
    assert (replies(world.channel, said), engine.requests) == ([], [])


async def test_a_failure_is_said_and_may_be_asked_for_again(
    world: World, database: Database, engine: ScriptedEngine
) -> None:
    await switched(database, world, "reply")
    said = await world.ada.send(world.channel, "Nobody ever taught the model this sentence.")
    engine.enqueue(failure(400))
    await world.grace.react(said, FRENCH)
    assert len(replies(world.channel, said)) == 1 and await Copies(database).of([said.id]) == []
    knows(engine, {"Nobody ever taught the model this sentence.": "Personne ne lui a appris cette phrase."})
    await world.grace.unreact(said, FRENCH)
    await world.grace.react(said, FRENCH)
    assert replies(world.channel, said)[-1] == "Personne ne lui a appris cette phrase."


async def test_the_built_in_model_says_that_it_cannot(world: World, database: Database, engine: ScriptedEngine) -> None:
    engine.model = "embedded/chat"
    await switched(database, world, "dm")
    said = await world.ada.send(world.channel, HELLO)
    await world.grace.react(said, FRENCH)
    assert "`[tasks] seq2seq`" in world.grace.user.dm_channel.history()[-1].content


@pytest.mark.parametrize(
    ("emoji", "language"),
    [
        ("🇫🇷", "fr"), ("🇬🇧", "en"), ("🇯🇵", "ja"), ("🇧🇷", "pt"), ("🇲🇽", "es"), (ENGLAND, "en"), ("🇦🇶", None),
        ("👍", None), ("", None), ("🇫", None), ("🏳️‍🌈", None),
    ],
)  # fmt: skip
def test_what_a_flag_means(emoji: str, language: str | None) -> None:
    assert language_of_flag(emoji) == language


def test_every_language_has_a_flag_and_every_flag_one_language() -> None:
    countries = [country for some in SPOKEN.values() for country in some.split()]
    assert set(SPOKEN) == set(LANGUAGES)
    assert len(countries) == len(set(countries))
