"""/translate and *Translate* on the simulated Discord: texts, messages, the last ones, bad input, posting, stopping."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import discord
import pytest
import sklearn.feature_extraction.text  # noqa: F401 - takes seconds on a busy machine: not inside a test
from simcord.results import InteractionResult

from bot.commands import ranges, translate
from bot.commands.fetching import GONE
from bot.commands.working import STOPPED
from bot.conversation.own_text import INSTEAD
from bot.errors import explain
from bot.language import _
from llm.errors import EngineUnavailable
from storage.choices import Choices, Consent
from storage.database import Database
from storage.usage import Usage
from tests.bot.conftest import World
from tests.bot.test_commands import text_of, was_deferred
from tests.bot.test_controls import labels
from tests.bot.test_summarize import message_of
from tests.fakes import ReceivedRequest, ScriptedEngine, reply
from tests.waiting import until

GERMAN = "Wir treffen uns morgen um neun Uhr vor dem Bahnhof."
ENGLISH = "We meet tomorrow at nine in front of the station."


def in_locale(world: World, locale: str) -> None:
    """Everybody's Discord speaks that language from now on."""
    parsers: dict[str, Callable[[Any], None]] = world.env.bot._connection.parsers
    parse = parsers["INTERACTION_CREATE"]
    parsers["INTERACTION_CREATE"] = lambda data: parse({**data, "locale": locale})


async def refused(world: World, **options: object) -> str:
    """What is told at once, without a promise."""
    told = text_of(await world.ada.slash(world.channel, "translate", **options))
    assert not was_deferred(world)
    return told


async def test_a_text_comes_in_the_readers_language(world: World, engine: ScriptedEngine, database: Database) -> None:
    engine.enqueue(reply(f"{ENGLISH} See [1] at [2]"))
    result = await world.ada.slash(world.channel, "translate", text=f"{GERMAN} Siehe `make` bei https://a.example/x")
    assert was_deferred(world)
    assert text_of(result) == f"{ENGLISH} See `make` at https://a.example/x\n-# Translated from German into English."
    assert engine.requests[0].body["priority"] == "command"
    assert engine.requests[0].body["user"] == f"{world.guild.id}/{world.ada.id}"
    assert labels(message_of(result)) == ["Post here", "Send me by DM"]
    assert (await Usage(database).of_person(world.ada.id, datetime(2020, 1, 1, tzinfo=UTC))).requests == 1


async def test_from_and_to(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("Réunion à neuf heures."), reply("Nos vemos a las nueve."))
    told = text_of(await world.ada.slash(world.channel, "translate", text="Neun Uhr", to="fr", **{"from": "Deutsch"}))
    assert told == "Réunion à neuf heures.\n-# Translated from German into French."
    assert "from German into French" in engine.requests[0].texts[0]
    told = text_of(await world.ada.slash(world.channel, "translate", text="Neun", to="español"))
    assert told.startswith("Nos vemos a las nueve.\n-# Translated")


async def test_languages_are_offered_by_name(world: World) -> None:
    offered = await world.ada.autocomplete(world.channel, "translate", "to", "ger")
    assert [(one["name"], one["value"]) for one in offered] == [("German", "de")]
    assert len(await world.ada.autocomplete(world.channel, "translate", "to", "")) == 25
    assert await world.ada.autocomplete(world.channel, "translate", "from", "x" * 100) == []
    in_locale(world, "pl")
    (polish,) = await world.ada.autocomplete(world.channel, "translate", "to", "niemiec")
    assert polish["name"] == "niemiecki" and polish["value"] == "de"


async def test_a_message_comes_in_the_language_of_the_readers_discord(world: World, engine: ScriptedEngine) -> None:
    said = await world.grace.send(world.channel, f"{GERMAN} {world.ada.mention} kommt mit 🎉")
    engine.enqueue(reply("Rendez-vous demain à neuf heures devant la gare. [1] vient aussi [2]"))
    in_locale(world, "fr")
    told = text_of(await world.ada.context_menu(world.channel, "Translate", said))
    assert was_deferred(world)
    assert told.startswith(f"**Grace** [↗]({said.jump_url})\nRendez-vous demain à neuf heures devant la gare.")
    assert f"{world.ada.mention} vient aussi 🎉" in told
    assert "into French" in engine.requests[0].texts[0]


async def test_the_last_messages(world: World, engine: ScriptedEngine, database: Database) -> None:
    robot = world.guild.add_member(world.env.create_user("Robot", bot=True))
    first = await world.grace.send(world.channel, GERMAN)
    await world.ada.send(world.channel, ENGLISH)
    await world.ada.send(world.channel, "🎉 🎉")
    await robot.send(world.channel, "piep piep piep")
    hugo = world.guild.add_member(world.env.create_user("Hugo"))
    await hugo.send(world.channel, "Das ist mein Geheimnis, das niemand lesen soll.")
    await Choices(database).choose(hugo.id, None, Consent.OPT_OUT)
    engine.enqueue(reply("See you at nine."))
    told = text_of(await world.ada.slash(world.channel, "translate", last=10))
    assert f"**Grace** [↗]({first.jump_url})\nSee you at nine." in told and ENGLISH in told
    assert "Geheimnis" not in told and "piep" not in told
    assert "1 of the last 5 messages" in told and "1 is in English already" in told and "left out" in told
    assert len(engine.requests) == 1


async def test_what_is_in_that_language_already_is_said(world: World, engine: ScriptedEngine) -> None:
    said = await world.grace.send(world.channel, ENGLISH)
    already = _(translate.ALREADY, language="English")
    assert text_of(await world.ada.slash(world.channel, "translate", text=ENGLISH)) == already
    assert text_of(await world.ada.context_menu(world.channel, "Translate", said)) == already
    assert "are in English already" in text_of(await world.ada.slash(world.channel, "translate", last=5))
    assert engine.requests == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, translate.BLANK),
        ({"text": "  "}, translate.BLANK),
        ({"text": "hallo", "last": 3}, translate.BOTH),
        ({"text": "🎉 `x` https://a.example <@1>"}, translate.NO_WORDS),
        ({"text": "hallo", "to": "Klingon"}, _(translate.UNKNOWN, given="Klingon")),
        ({"text": "hallo", "from": "x" * 4000}, _(translate.UNKNOWN, given="x" * 60 + "…")),
        ({"text": "hallo", "to": "de", "from": "german"}, _(translate.SAME_WISH, language="German")),
    ],
)
async def test_a_mistake_is_told_at_once(world: World, options: dict[str, object], sentence: str) -> None:
    assert await refused(world, **options) == sentence


async def test_messages_that_cannot_be_translated(world: World, engine: ScriptedEngine, database: Database) -> None:
    picture = await world.grace.send(world.channel, "", attachments=[("a.png", b"x")])
    party = await world.grace.send(world.channel, "🎉 https://a.example")
    for message, sentence in ((picture, translate.NO_TEXT), (party, translate.NO_WORDS)):
        assert text_of(await world.ada.context_menu(world.channel, "Translate", message)) == sentence
        assert not was_deferred(world)
    assert text_of(await world.ada.slash(world.channel, "translate", last=5)) == translate.NONE_OF_THEM
    said = await world.grace.send(world.channel, GERMAN)
    await Choices(database).choose(world.grace.id, None, Consent.OPT_OUT)
    assert text_of(await world.ada.context_menu(world.channel, "Translate", said)) == translate.LEFT_ALONE
    assert engine.requests == []


async def test_an_empty_channel_and_no_permission(world: World) -> None:
    assert text_of(await world.ada.slash(world.channel, "translate", last=5)) == translate.NONE_OF_THEM
    hidden = {world.guild.default_role: discord.PermissionOverwrite(read_message_history=False)}
    past = world.guild.create_text_channel("past", overwrites=hidden)
    assert "You may not read" in text_of(await world.ada.slash(past, "translate", last=5))
    assert not was_deferred(world)


@pytest.mark.settings(bot={"direct_messages": "everyone"})
async def test_in_private_texts_only(world: World, engine: ScriptedEngine) -> None:
    assert text_of(await world.ada.user.slash("translate", last=5)) == ranges.NOT_READABLE
    engine.enqueue(reply(ENGLISH))
    assert text_of(await world.ada.user.slash("translate", text=GERMAN)).startswith(ENGLISH)


@pytest.mark.parametrize("change", ["deleted", "edited"])
async def test_a_message_is_looked_at_again_before_it_is_shown(
    world: World, engine: ScriptedEngine, change: str
) -> None:
    said = await world.grace.send(world.channel, GERMAN)

    def changes(request: ReceivedRequest) -> bool:
        if change == "deleted":
            world.env.backend.delete_message(world.channel.id, said.id)
        else:
            world.env.backend.edit_message(world.channel.id, said.id, {"content": "Etwas anderes."})
        return True

    engine.enqueue(reply("See you at nine."), when=changes)
    assert text_of(await world.ada.context_menu(world.channel, "Translate", said)) == GONE


async def test_a_long_text_has_pages_and_is_posted_whole(world: World, engine: ScriptedEngine) -> None:
    text = "\n\n".join(f"{GERMAN} Absatz {place}." for place in range(55))[:4000]
    engine.enqueue(*[reply("word " * 250)] * 20)
    result = await world.ada.slash(world.channel, "translate", text=text)
    assert "page 1 of" in text_of(result) and labels(message_of(result))[:2] == ["Back", "Next"]
    count = len(engine.requests)
    assert count > 1
    await world.ada.click(message_of(result), label="Post here")
    assert "".join(world.said()).count("word") == 250 * count
    assert world.said()[0].startswith("> **Ada** shares:")


async def test_nothing_is_posted_that_was_deleted(world: World, engine: ScriptedEngine) -> None:
    said = await world.grace.send(world.channel, GERMAN)
    engine.enqueue(reply("See you at nine."))
    result = await world.ada.context_menu(world.channel, "Translate", said)
    await world.ada.click(message_of(result), label="Send me by DM")
    assert "See you at nine." in world.said(world.ada.user.dm_channel)[-1]
    await world.grace.delete(said)
    assert text_of(result) == GONE and labels(message_of(result)) == []


async def test_what_is_posted_follows_what_becomes_of_the_messages(world: World, engine: ScriptedEngine) -> None:
    first = await world.grace.send(world.channel, GERMAN)
    await world.grace.send(world.channel, "Danach gehen wir alle zusammen ins Kino und essen ein Eis.")
    engine.enqueue(*[reply("To the cinema,\nall of us.")] * 2)
    result = await world.ada.slash(world.channel, "translate", last=2)
    assert text_of(result).count("**Grace**") == 2
    await world.ada.click(message_of(result), label="Post here")
    await world.grace.delete(first)
    (posted,) = world.said()
    assert posted.count("**Grace**") == posted.count("To the cinema,\nall of us.") == 1 and first.jump_url not in posted


async def test_it_shows_how_far_it_is_and_can_be_stopped(world: World, engine: ScriptedEngine) -> None:
    held = asyncio.Event()
    engine.enqueue(reply("One."), reply(pieces=["Two", held]))
    text = "\n\n".join([GERMAN] * 20)
    asking = asyncio.create_task(world.ada.slash(world.channel, "translate", text=text))
    request = await engine.received(2)
    (pending,) = world.env.backend.interactions.values()
    shown = InteractionResult(world.env, pending)
    await until(lambda: "Translating" in text_of(shown))
    assert labels(message_of(shown)) == ["Stop"]
    world.env._end_operation()  # she presses while the command is still going on
    await world.ada.click(message_of(shown), label="Stop")
    await asking
    assert text_of(shown) == STOPPED and labels(message_of(shown)) == []
    await request.disconnected.wait()


async def test_who_cannot_translate_says_so(world: World, engine: ScriptedEngine) -> None:
    engine.model = "embedded/chat"
    told = text_of(await world.ada.slash(world.channel, "translate", text=GERMAN))
    assert told == translate.CANNOT["built-in model"]


async def test_an_engine_that_is_away_is_said(world: World, engine: ScriptedEngine) -> None:
    await engine.stop()
    told = text_of(await world.ada.slash(world.channel, "translate", text=GERMAN))
    assert was_deferred(world) and told == explain(EngineUnavailable()).sentence


@pytest.mark.settings(tasks={"translate": "seq2seq"})
async def test_without_a_translation_model(world: World) -> None:
    assert text_of(await world.ada.slash(world.channel, "translate", text=GERMAN)) == translate.CANNOT["no model"]


async def test_what_steward_does_not_say_is_not_said(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply(f"All is {codecs.decode('xvxr', 'rot13')}."))
    assert text_of(await world.ada.slash(world.channel, "translate", text=GERMAN)) == INSTEAD
