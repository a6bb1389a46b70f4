"""/catchup on the simulated Discord: since when, what mentions the reader, which channels, for the reader alone."""

from __future__ import annotations

import discord
import pytest
import sklearn.feature_extraction.text  # noqa: F401 - takes seconds on a busy machine: not inside a test
from simcord.builders import ChannelHandle
from simcord.enums import ChannelType

from bot.commands import catchup, ranges
from storage.database import Database
from storage.history import History
from storage.part_notes import StoredPartNotes
from tests.bot.conftest import World
from tests.bot.test_commands import text_of, was_deferred
from tests.bot.test_controls import labels
from tests.bot.test_summarize import message_of
from tests.fakes import ScriptedEngine

RELEASE = "The release of the garden app moves to Thursday because the payment page is broken."


@pytest.fixture(autouse=True)
def extracts(engine: ScriptedEngine) -> None:
    engine.model = "embedded/chat"


async def test_what_was_said_since_my_last_message_with_mentions_first(
    world: World, history: History, database: Database
) -> None:
    await world.grace.send(world.channel, "This was said before Ada wrote anything at all here.")
    mine = await world.ada.send(world.channel, "I am off for today, see you all tomorrow.")
    await world.grace.send(world.channel, RELEASE)
    named = await world.grace.send(world.channel, f"{world.ada.mention} can you look at the payment page tomorrow?")
    answered = await world.grace.send(world.channel, "Good night to you, and sleep well!", reply_to=mine)
    result = await world.ada.slash(world.channel, "catchup")
    told = text_of(result)
    assert was_deferred(world) and told.startswith("**Since <t:")
    for_you, rest = told.split("**In**")
    assert named.jump_url in for_you and answered.jump_url in for_you and "moves to Thursday" in rest
    assert "before Ada" not in told and "read 3 of 3 messages" in told
    assert labels(message_of(result)) == ["Send me by DM"]
    shown = [one.json["content"] for one in world.env.http_requests if one.path.endswith("/messages/@original")]
    assert "3 messages since <t:" in shown[0] and "about 1 s" in shown[0]
    assert await history.recent(world.channel.id, 10) == [] and await StoredPartNotes(database).count() == 0
    assert world.said() == []


async def test_who_never_wrote_is_asked_since_when(world: World) -> None:
    await world.grace.send(world.channel, RELEASE)
    assert "/catchup window:6h" in text_of(await world.ada.slash(world.channel, "catchup"))
    assert "moves to Thursday" in text_of(await world.ada.slash(world.channel, "catchup", window="6h"))


async def test_nothing_new(world: World) -> None:
    await world.ada.send(world.channel, RELEASE)
    assert "Nobody wrote anything" in text_of(await world.ada.slash(world.channel, "catchup"))


async def test_several_channels_and_their_threads(world: World) -> None:
    started = world.env.backend.create_thread(world.channel.id, "a talk", owner_id=world.grace.id)
    await world.env.settle()
    thread = ChannelHandle(world.env, world.guild, started)
    other = world.guild.create_text_channel("other")
    silent = world.guild.create_text_channel("silent")
    for channel in (world.channel, other):
        await world.ada.send(channel, "I am off for today, see you all tomorrow.")
    said = [
        await world.grace.send(channel, text)
        for channel, text in (
            (world.channel, RELEASE),
            (thread, "Who brings cake and blankets to the picnic on Sunday?"),
            (other, "My cat knocked the router down, so the network was away for an hour."),
            (silent, "Nobody knows what this channel was made for."),
        )
    ]
    told = text_of(
        await world.ada.slash(world.channel, "catchup", channel=world.channel, channel2=other, channel3=silent)
    )
    for channel, message in zip((world.channel, thread, other), said, strict=False):
        assert f"**In** <#{channel.id}>" in told and message.jump_url in told
    assert said[3].jump_url not in told and f"not <#{silent.id}>: you never wrote there" in told


async def test_private_and_archived_threads_of_the_reader(world: World) -> None:
    """Those that she is in, those that went to sleep; not those of others."""
    await world.ada.send(world.channel, "I am off for today, see you all tomorrow.")
    backend, me = world.env.backend, world.env.backend.bot_user
    said = {}
    for name, kind, people in (
        ("hers", ChannelType.PRIVATE_THREAD, (world.ada.id, me.id)),
        ("asleep", ChannelType.PRIVATE_THREAD, (world.ada.id, me.id)),
        ("secret", ChannelType.PRIVATE_THREAD, (me.id,)),
        ("old", ChannelType.PUBLIC_THREAD, ()),
    ):
        made = backend.create_thread(world.channel.id, name, owner_id=world.grace.id, type=kind)
        for person in people:
            backend.add_thread_member(made.id, person)
        await world.env.settle()
        thread = ChannelHandle(world.env, world.guild, made)
        said[name] = await world.grace.send(thread, f"Who brings cake and blankets to the {name} picnic on Sunday?")
        if name in ("asleep", "old"):
            backend.edit_channel(made.id, {}, thread_metadata={"archived": True})
            await world.env.settle()
    told = text_of(await world.ada.slash(world.channel, "catchup"))
    assert {name for name, message in said.items() if message.jump_url in told} == {"hers", "asleep", "old"}


async def test_what_is_too_much_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catchup, "MOST", 2)
    for number in range(3):
        await world.grace.send(world.channel, f"{RELEASE} It was said {number} times before.")
    told = text_of(await world.ada.slash(world.channel, "catchup", window="6h"))
    assert "read 2 of 2 messages · there are older ones, which I did not read" in told


async def test_only_channels_that_the_reader_may_read(world: World) -> None:
    hidden = {world.guild.default_role: discord.PermissionOverwrite(read_message_history=False)}
    past = world.guild.create_text_channel("past", overwrites=hidden)
    told = text_of(await world.ada.slash(world.channel, "catchup", channel=past, window="6h"))
    assert "You may not read" in told and not was_deferred(world)


async def test_a_mistake_is_told_at_once(world: World) -> None:
    assert text_of(await world.ada.slash(world.channel, "catchup", window="x" * 4000)) == ranges.NOT_A_WINDOW
    assert not was_deferred(world)


async def test_the_engine_is_away(world: World, engine: ScriptedEngine) -> None:
    await world.ada.send(world.channel, "I am off for today, see you all tomorrow.")
    await world.grace.send(world.channel, RELEASE)
    await engine.stop()
    assert "not available right now" in text_of(await world.ada.slash(world.channel, "catchup"))
