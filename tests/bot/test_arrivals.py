"""Messages that come while others of their channel wait for something from elsewhere, and edits that overtake them."""

from __future__ import annotations

import asyncio

import discord
import pytest
from simcord.backend.cdn import CDN_BASE

from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import History
from storage.settings import GuildSettings, Place
from tests.bot.conftest import World
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until


@pytest.fixture(autouse=True)
def cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.Asset, "BASE", CDN_BASE)


class Held:
    """A request to Discord that takes until `lets_go` is set."""

    def __init__(self) -> None:
        self.lets_go = asyncio.Event()
        self.has_come = asyncio.Event()

    async def wait(self) -> None:
        self.has_come.set()
        await self.lets_go.wait()


@pytest.fixture
def slow_files(monkeypatch: pytest.MonkeyPatch) -> Held:
    held, read = Held(), discord.Attachment.read

    async def slowly(attachment: discord.Attachment) -> bytes:
        await held.wait()
        return await read(attachment)

    monkeypatch.setattr(discord.Attachment, "read", slowly)
    return held


@pytest.fixture
def slow_threads(monkeypatch: pytest.MonkeyPatch, world: World) -> Held:
    """The thread under Ada's question takes long."""
    held, create = Held(), discord.Message.create_thread

    async def slowly(message: discord.Message, *, name: str) -> discord.Thread:
        if message.author.id == world.ada.id:
            await held.wait()
        return await create(message, name=name)

    monkeypatch.setattr(discord.Message, "create_thread", slowly)
    return held


def threads(world: World) -> list[str]:
    """What the threads are called that Steward opened."""
    return [str(one.name) for one in world.env.backend.channels.values() if one.owner_id == world.me and one.parent_id]


@pytest.mark.parametrize("store", ["addressed", "nothing"])
async def test_nobody_waits_for_somebody_elses_file(
    world: World, engine: ScriptedEngine, database: Database, slow_files: Held, store: str
) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "store", store, by=1)
    engine.enqueue(reply("Hello, Grace."), reply("It prints 1."))
    question = f"{world.mention} what is this?"
    asking = asyncio.create_task(world.ada.send(world.channel, question, attachments=[("a.py", b"print(1)")]))
    await slow_files.has_come.wait()
    world.env.backend.create_message(world.channel.id, world.grace.id, f"{world.mention} hello")
    await until(lambda: world.said() == ["Hello, Grace."])
    slow_files.lets_go.set()
    await asking
    await world.env.settle()
    assert world.said() == ["Hello, Grace.", "It prints 1."] and "print(1)" in engine.requests[1].texts[-1]


async def test_in_one_conversation_the_one_with_the_slow_file_is_still_first(
    world: World, engine: ScriptedEngine, database: Database, slow_files: Held
) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "answer_when", "everything", by=1)
    engine.enqueue(reply("First."), reply("Second."))
    asking = asyncio.create_task(world.ada.send(world.channel, "what is this?", attachments=[("a.py", b"print(1)")]))
    await slow_files.has_come.wait()
    second = world.env.backend.create_message(world.channel.id, world.grace.id, "and that?")
    slow_files.lets_go.set()
    await asking
    await world.env.settle()
    assert world.said() == ["First.", "Second."] and second
    assert [request.texts[-1].partition("\n")[0] for request in engine.requests] == [
        "Ada: what is this?",
        "Grace: and that?",
    ]


async def test_nobody_waits_for_somebody_elses_thread(
    world: World, engine: ScriptedEngine, database: Database, slow_threads: Held
) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "answer_in", "thread", by=1)
    engine.enqueue(reply("Hello, Grace."), reply("Hello, Ada."))
    asking = asyncio.create_task(world.ada.send(world.channel, f"{world.mention} one"))
    await slow_threads.has_come.wait()
    world.env.backend.create_message(world.channel.id, world.grace.id, f"{world.mention} two")
    await until(lambda: threads(world) == ["two"] and engine.unused == 1)
    slow_threads.lets_go.set()
    await asking
    await world.env.settle()
    assert sorted(threads(world)) == ["one", "two"] and engine.unused == 0


async def test_no_thread_for_who_is_left_out(world: World, engine: ScriptedEngine, database: Database) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "answer_in", "thread", by=1)
    await GuildSettings(database).put(Place(world.guild.id), "answer_when", "everything", by=1)
    await Choices(database).choose(world.ada.id, world.guild.id, Consent.OPT_OUT)
    await world.ada.send(world.channel, "what do bees do?")
    await world.ada.send(world.channel, f"{world.mention} what do bees do?")
    assert threads(world) == [] and engine.requests == []


async def test_an_edit_that_overtakes_its_message_counts(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    engine.enqueue(reply("Blue."))
    said = world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} I like green")
    world.env.backend.edit_message(world.channel.id, said.id, {"content": f"{world.mention} I like blue"})
    await world.env.settle()
    assert [request.texts[-1] for request in engine.requests] == ["Ada: I like blue"]
    assert "blue" in (await history.chain(said.id)).messages[-1].content
