"""Mirrored channels: what is said in one stands in the other, translated, under its writer's name, and follows it."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import discord
import pytest

from bot.commands.mirror import AGE, NOT_ALLOWED, SAME_CHANNEL, SAME_LANGUAGE
from bot.mirrors.hooks import NAME
from storage.choices import Choices, Consent
from storage.database import Database
from storage.mirrors import Copies, Mirrors
from storage.usage import Usage
from tests.bot.conftest import Bot, World
from tests.bot.mirrored import BONJOUR, EAU, HELLO, WATER, Pair, holds, knows, pair_of
from tests.bot.test_reconciling import away
from tests.fakes import ScriptedEngine, failure

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def empty_page(channel: discord.TextChannel, *, limit: int) -> AsyncIterator[discord.Message]:
    for message in ():
        yield message


@pytest.fixture
def pair(world: World, engine: ScriptedEngine) -> Pair:
    knows(engine)
    return pair_of(world)


@pytest.fixture
async def mirrored(pair: Pair) -> Pair:
    result = await pair.start()
    assert result.ephemeral and "are mirrored now" in str(result.response and result.response.content)
    return pair


async def test_what_is_said_stands_in_the_other_channel_under_its_writers_name(mirrored: Pair) -> None:
    ada, grace = mirrored.world.ada, mirrored.world.grace
    await ada.send(mirrored.here, HELLO)
    await grace.send(mirrored.there, EAU)
    (there,), (here,) = mirrored.copies(), mirrored.copies(mirrored.here)
    assert (there.content, there.author.name, here.content, here.author.name) == (BONJOUR, "Ada", WATER, "Grace")
    assert [hook.name for hook in await mirrored.world.env.bot.get_channel(mirrored.there.id).webhooks()] == [NAME]
    notices = [mirrored.world.said(channel)[0] for channel in (mirrored.here, mirrored.there)]
    assert f"<#{mirrored.there.id}>" in notices[0] and f"<#{mirrored.here.id}>" in notices[1]


async def test_edits_and_deletions_follow(mirrored: Pair, database: Database, engine: ScriptedEngine) -> None:
    ada = mirrored.world.ada
    said = await ada.send(mirrored.here, HELLO)
    await ada.edit(said, WATER)
    assert mirrored.texts() == [EAU]
    await ada.delete(said)
    assert mirrored.texts() == []
    assert await Copies(database).of([said.id]) == []
    assert engine.unused == 2, "only what was said and what it became was translated"


async def test_nothing_goes_round_in_circles(mirrored: Pair, engine: ScriptedEngine) -> None:
    await mirrored.world.ada.send(mirrored.here, HELLO)
    hook = mirrored.world.guild.create_webhook(mirrored.here, "Herald")
    await hook.send(WATER)
    assert (mirrored.texts(), mirrored.texts(mirrored.here)) == ([BONJOUR], [WATER])
    assert len(engine.requests) == 1


async def test_a_reply_names_and_links_to_what_stands_there(mirrored: Pair) -> None:
    said = await mirrored.world.ada.send(mirrored.here, HELLO)
    (copy,) = mirrored.copies()
    await mirrored.world.grace.send(mirrored.there, EAU, reply_to=copy)
    (answer,) = mirrored.copies(mirrored.here)
    above, words = answer.content.split("\n")
    assert words == WATER
    assert above == f"-# ↪ [Ada]({said.jump_url})", "no words, which would outlive their deletion"


async def test_what_cannot_be_translated_stands_as_it_was(mirrored: Pair, engine: ScriptedEngine) -> None:
    engine.enqueue(failure(500), failure(500), failure(500))
    await mirrored.world.ada.send(mirrored.here, "Nobody ever taught the model this sentence.")
    (text,) = mirrored.texts()
    assert text.startswith("Nobody ever taught the model this sentence.\n-# ")


async def test_what_steward_does_not_say_does_not_stand_there_untranslated_either(
    mirrored: Pair, engine: ScriptedEngine
) -> None:
    words = f"Nobody ever taught the {codecs.decode('xvxr', 'rot13')} this sentence."
    engine.enqueue(failure(500), failure(500), failure(500))
    said = await mirrored.world.ada.send(mirrored.here, words)
    (text,) = mirrored.texts()
    assert said.jump_url in text and "taught" not in text


async def test_mentions_look_as_they_did(mirrored: Pair, engine: ScriptedEngine) -> None:
    grace = mirrored.world.grace
    knows(engine, {"Good morning, everybody, where is [1]?": "Bonjour tout le monde, où est [1] ?"})
    await mirrored.world.ada.send(mirrored.here, f"Good morning, everybody, where is {grace.mention}?")
    assert mirrored.texts() == [f"Bonjour tout le monde, où est {grace.mention} ?"]


async def test_files_come_as_links(mirrored: Pair) -> None:
    await mirrored.world.ada.send(mirrored.here, "", attachments=[("plan.txt", b"dig")])
    (text,) = mirrored.texts()
    assert text.startswith("[plan.txt](https://")


async def test_a_file_that_is_taken_out_goes_there_too(mirrored: Pair, engine: ScriptedEngine) -> None:
    knows(engine)
    said = await mirrored.world.ada.send(mirrored.here, HELLO, attachments=[("plan.txt", b"dig")])
    assert "plan.txt" in mirrored.texts()[0]
    mirrored.world.env.backend.edit_message(mirrored.here.id, said.id, {"attachments": []})
    await mirrored.world.env.settle()
    assert mirrored.texts() == [BONJOUR]


async def test_a_channel_that_becomes_restricted_during_the_translation(
    mirrored: Pair, engine: ScriptedEngine, database: Database
) -> None:
    translating = holds(engine)
    sending = asyncio.create_task(mirrored.world.ada.send(mirrored.here, "Held."))
    await engine.received(1)
    mirrored.world.env.bot.get_channel(mirrored.here.id).nsfw = True
    translating.set()
    await sending
    assert mirrored.texts() == []
    assert [one.stopped for one in await Mirrors(database).all()] == ["age"]


async def test_who_leaves_during_the_translation_is_not_carried(
    mirrored: Pair, engine: ScriptedEngine, database: Database
) -> None:
    ada, guild = mirrored.world.ada, mirrored.world.guild
    translating = holds(engine)
    sending = asyncio.create_task(ada.send(mirrored.here, "Held."))
    await engine.received(1)
    await Choices(database).choose(ada.id, guild.id, Consent.OPT_OUT)
    translating.set()
    await sending
    assert mirrored.texts() == []


async def test_a_pair_that_is_gone_holds_up_no_other(
    mirrored: Pair, engine: ScriptedEngine, database: Database
) -> None:
    knows(engine)
    third = mirrored.world.guild.create_text_channel("terrace")
    await mirrored.start(other=third)
    (first, _second) = await Mirrors(database).all()
    await Mirrors(database).end(first.id)  # behind Steward's back: as between a post and its being remembered
    await mirrored.world.ada.send(mirrored.here, HELLO)
    assert (mirrored.texts(), mirrored.texts(third)) == ([], [BONJOUR])


async def test_a_channel_that_is_not_at_hand_is_asked_for(mirrored: Pair, database: Database) -> None:
    said = await mirrored.world.ada.send(mirrored.here, HELLO)
    there = mirrored.world.env.bot.get_channel(mirrored.there.id)
    there.guild._channels.pop(there.id)
    await mirrored.world.ada.delete(said)
    assert (mirrored.texts(), await Copies(database).of([said.id])) == ([], [])


async def test_who_is_left_out_is_not_carried_and_their_words_are_taken_back(mirrored: Pair) -> None:
    ada = mirrored.world.ada
    await ada.send(mirrored.here, HELLO)
    assert mirrored.texts() == [BONJOUR]
    asked = await ada.slash(mirrored.here, "privacy opt-out")
    await ada.click(asked.response, custom_id="steward:mine:privacy-opt-out:here")
    assert mirrored.texts() == []
    await ada.send(mirrored.here, WATER)
    assert mirrored.texts() == []


async def test_after_a_restart_it_goes_on(mirrored: Pair, bot: Bot) -> None:
    said = await mirrored.world.ada.send(mirrored.here, HELLO)
    await mirrored.world.env.restart_bot(bot.client())
    await mirrored.world.ada.edit(said, WATER)
    assert mirrored.texts() == [EAU]
    await mirrored.world.grace.send(mirrored.there, BONJOUR)
    assert mirrored.texts(mirrored.here) == [HELLO]


async def test_what_happened_while_steward_was_away_follows_when_it_is_back(
    mirrored: Pair, bot: Bot, engine: ScriptedEngine
) -> None:
    world, here = mirrored.world, mirrored.here
    edited, deleted = [await world.ada.send(here, words) for words in (HELLO, WATER)]
    assert mirrored.texts() == [BONJOUR, EAU]
    knows(engine, {WATER: EAU})
    with away(world):
        world.env.backend.edit_message(here.id, edited.id, {"content": WATER})
        world.env.backend.delete_message(here.id, deleted.id)
    await world.env.restart_bot(bot.client())
    assert mirrored.texts() == [EAU]
    await world.env.restart_bot(bot.client())
    assert engine.unused == 2, "what was carried once is not carried again"


async def test_who_may_no_longer_read_the_history_takes_nothing_back(
    mirrored: Pair, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = mirrored.world
    await world.ada.send(mirrored.here, HELLO)
    with away(world):
        here = world.env.bot.get_channel(mirrored.here.id)
        await here.set_permissions(here.guild.me, overwrite=discord.PermissionOverwrite(read_message_history=False))
    monkeypatch.setattr(discord.TextChannel, "history", empty_page)  # what Discord answers then; SimCord refuses
    await world.env.restart_bot(bot.client())
    monkeypatch.undo()
    assert mirrored.texts() == [BONJOUR]


async def test_stopping(mirrored: Pair, database: Database) -> None:
    (choice,) = await mirrored.mira.autocomplete(mirrored.here, "mirror stop", "pair", "salon")
    listed = await mirrored.mira.slash(mirrored.here, "mirror list")
    assert "English" in str(listed.response.content) and "French" in str(listed.response.content)
    await mirrored.mira.slash(mirrored.here, "mirror stop", pair=choice["value"])
    await mirrored.world.ada.send(mirrored.here, HELLO)
    assert (mirrored.texts(), await Mirrors(database).all()) == ([], [])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"other_language": "en"}, SAME_LANGUAGE),
        ({"other_language": "klingon"}, "I do not know the language"),
    ],
)
async def test_what_cannot_be_a_pair(pair: Pair, options: dict[str, object], why: str) -> None:
    result = await pair.start(**options)
    assert result.ephemeral and why in str(result.response.content)
    same = await pair.start(other=pair.here)
    assert same.response.content == SAME_CHANNEL


async def test_only_who_manages_both_channels(pair: Pair, world: World) -> None:
    assert "mirror" not in world.ada.available_commands(pair.here)
    commands = await world.env.bot.tree.fetch_commands()
    world.guild.set_command_permissions(next(one for one in commands if one.name == "mirror"), {world.ada: True})
    result = await pair.start(world.ada)
    assert (result.ephemeral, result.response.content) == (True, NOT_ALLOWED)


@pytest.mark.parametrize(
    ("right", "words"), [("manage_webhooks", "*Manage Webhooks*"), ("read_message_history", "*Read Message History*")]
)
async def test_without_a_permission_it_says_what_to_do(pair: Pair, world: World, right: str, words: str) -> None:
    me = world.env.bot.user
    assert me is not None
    closed = world.guild.create_text_channel("closed", overwrites={me: discord.PermissionOverwrite(**{right: False})})
    result = await pair.start(other=closed)
    assert words in result.response.content and closed.mention in result.response.content


async def test_a_wider_channel_asks_first(pair: Pair, world: World, database: Database) -> None:
    hidden = {
        world.guild.default_role: discord.PermissionOverwrite(view_channel=False),
        world.guild.roles["Managers"]: discord.PermissionOverwrite(view_channel=True),
        world.env.bot.user: discord.PermissionOverwrite(view_channel=True),
    }
    lounge = world.guild.create_text_channel("lounge", overwrites=hidden)
    result = await pair.start(other=lounge)
    assert "everybody in this server" in result.response.content
    assert await Mirrors(database).all() == []
    pressed = await pair.mira.click(result.response, label="Mirror them")
    assert pressed.acknowledged
    (made,) = await Mirrors(database).all()
    assert made.confirmed == {f"{pair.here.id}:{world.guild.id}"}
    await world.ada.send(pair.here, HELLO)
    assert pair.texts(lounge) == [BONJOUR]


async def test_a_channel_that_becomes_wider_stops_it_once(mirrored: Pair, world: World, database: Database) -> None:
    hidden = discord.PermissionOverwrite(view_channel=False)
    here = world.env.bot.get_channel(mirrored.here.id)
    await here.set_permissions(here.guild.me, overwrite=discord.PermissionOverwrite(view_channel=True))
    await here.set_permissions(here.guild.default_role, overwrite=hidden)
    await world.env.settle()
    (resting,) = await Mirrors(database).all()
    assert resting.stopped == "wider"
    assert any("everybody in this server" in text for text in world.said(mirrored.here))
    await world.grace.send(mirrored.there, EAU)
    assert mirrored.texts(mirrored.here) == []
    listed = await mirrored.mira.slash(mirrored.there, "mirror list")
    assert "rests" in str(listed.response.content)


async def test_a_webhook_that_somebody_deleted_is_made_anew(mirrored: Pair, world: World) -> None:
    await world.ada.send(mirrored.here, HELLO)
    for hook in await world.env.bot.get_channel(mirrored.there.id).webhooks():
        await hook.delete()
    await world.ada.send(mirrored.here, WATER)
    assert mirrored.texts() == [BONJOUR, EAU]


async def test_many_messages_that_are_deleted_at_once_go_there_at_once(mirrored: Pair, world: World) -> None:
    said = [await world.ada.send(mirrored.here, words) for words in (HELLO, WATER)]
    assert mirrored.texts() == [BONJOUR, EAU]
    here = world.env.bot.get_channel(mirrored.here.id)
    await here.delete_messages([discord.Object(one.id) for one in said])
    await world.env.settle()
    assert mirrored.texts() == []


async def test_only_one_age_restricted_channel(mirrored: Pair, world: World, database: Database) -> None:
    world.env.bot.get_channel(mirrored.here.id).nsfw = True  # SimCord has no such channels
    await world.ada.send(mirrored.here, HELLO)
    assert mirrored.texts() == []
    assert [one.stopped for one in await Mirrors(database).all()] == ["age"]
    assert "age-restricted" in world.said(mirrored.here)[-1]
    assert (await mirrored.start()).response.content == AGE


async def test_while_a_moderator_has_paused_steward_nothing_is_carried(mirrored: Pair, world: World) -> None:
    role = world.guild.create_role("Boss", permissions=discord.Permissions(manage_messages=True))
    boss = world.guild.add_member(world.env.create_user("Boss"), roles=[role])
    await boss.slash(mirrored.here, "pause", length="1h")
    await world.ada.send(mirrored.here, HELLO)
    assert mirrored.texts() == []


async def test_what_was_not_wanted_is_left(pair: Pair, world: World, database: Database) -> None:
    hidden = {
        world.guild.default_role: discord.PermissionOverwrite(view_channel=False),
        world.guild.roles["Managers"]: discord.PermissionOverwrite(view_channel=True),
        world.env.bot.user: discord.PermissionOverwrite(view_channel=True),
    }
    result = await pair.start(other=world.guild.create_text_channel("lounge", overwrites=hidden))
    await pair.mira.click(result.response, label="Leave it")
    assert await Mirrors(database).all() == []


async def test_the_built_in_model_translates_nothing(pair: Pair, engine: ScriptedEngine, database: Database) -> None:
    engine.model = "embedded/chat"
    result = await pair.start()
    assert result.ephemeral and "cannot translate" in result.response.content
    assert await Mirrors(database).all() == []


async def test_the_server_pays(mirrored: Pair, world: World, database: Database) -> None:
    await world.ada.send(mirrored.here, HELLO)
    used = [await Usage(database).of_person(person, LONG_AGO, world.guild.id) for person in (world.ada.id, world.me)]
    assert [one.requests for one in used] == [0, 1]
