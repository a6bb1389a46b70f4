"""Who opts out or has everything deleted: their answer ends, and nothing of theirs stays in memory."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import discord
import pytest
from simcord.backend.cdn import CDN_BASE
from sqlalchemy import select

from bot.commands.retrying import GONE
from bot.commands.tree import STOPPED_FOR_GOOD
from bot.conversation.attachments import Attachments
from bot.conversation.pictures import Pictures
from storage.database import Database
from storage.models import Base, Message
from storage.usage import Usage, Used
from tests.bot.conftest import Bot, World
from tests.bot.papers import picture
from tests.bot.test_commands import text_of
from tests.bot.test_controls import asking, newest
from tests.bot.test_privacy import DELETE, OPT_OUT, shown
from tests.fakes import ScriptedEngine, failure, reply
from tests.waiting import until

SECRET = "swordfish-4711"
WAYS = [("delete", DELETE), ("opt-out", OPT_OUT)]


@pytest.fixture(autouse=True)
def cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.Asset, "BASE", CDN_BASE)


async def leave(world: World, way: str, button: str, where: str = "here") -> None:
    asked = shown(await world.ada.slash(world.channel, f"privacy {way}", where=where))
    await world.ada.click(asked, custom_id=button.format(where))


async def texts_kept(database: Database) -> list[str]:
    async with database.session() as session:
        return [text for text in await session.scalars(select(Message.content)) if text]


async def found(database: Database, secret: str) -> list[str]:
    async with database.session() as session:
        every = [(name, (await session.execute(select(table))).all()) for name, table in Base.metadata.tables.items()]
    return [name for name, rows in every if secret in str(rows)]


@pytest.mark.parametrize(("way", "button"), WAYS)
async def test_an_answer_that_is_being_written_goes(
    world: World, engine: ScriptedEngine, database: Database, way: str, button: str
) -> None:
    engine.enqueue(reply("Earlier."), reply(pieces=[f"The secret is {SECRET}. ", asyncio.Event(), "Never."]))
    await world.ada.send(world.guild.create_text_channel("other"), f"{world.mention} hello")
    asked = shown(await world.ada.slash(world.channel, f"privacy {way}"))
    async with asking(world, f"my word is {SECRET}"):
        await until(lambda: world.said() == [f"The secret is {SECRET}."])
        await world.ada.click(asked, custom_id=button.format("here"))
    assert engine.requests[1].disconnected.is_set()
    assert world.said() == [] and await found(database, SECRET) == [] and await texts_kept(database) == []


async def test_somebody_elses_goes_on(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    engine.enqueue(reply(pieces=["First sentence. ", hold := asyncio.Event(), "End."]))
    world.env.backend.create_message(world.channel.id, world.grace.id, f"{world.mention} hello")
    await until(lambda: world.said() == ["First sentence."])
    await bot.clients[0]._parts.shared.leaving.opt_out(world.ada.id, None)
    await bot.clients[0]._parts.shared.leaving.opt_out(world.grace.id, 1)
    hold.set()
    await world.env.settle()
    assert world.said() == ["First sentence. End."]


@pytest.mark.parametrize(("way", "button"), WAYS)
async def test_what_is_being_written_for_others_from_their_words_is_written_anew(
    world: World, engine: ScriptedEngine, database: Database, way: str, button: str
) -> None:
    held = reply(pieces=[f"Ada's word is {SECRET}. ", asyncio.Event(), "Never."])
    engine.enqueue(reply("Earlier."), held, reply("I do not know."))
    await world.ada.send(world.guild.create_text_channel("other"), f"{world.mention} hello")
    asked = shown(await world.ada.slash(world.channel, f"privacy {way}"))
    said = await world.ada.send(world.channel, f"my word is {SECRET}")
    reference = {"message_id": str(said.id), "channel_id": str(world.channel.id)}
    world.env.backend.create_message(
        world.channel.id, world.grace.id, f"{world.mention} what is it?", reference=reference
    )
    await until(lambda: world.said() == [f"Ada's word is {SECRET}."])
    await world.ada.click(asked, custom_id=button.format("here"))
    await world.env.settle()
    assert engine.requests[1].disconnected.is_set() and world.said() == ["I do not know."]
    assert SECRET in str(engine.requests[1].texts) and SECRET not in str(engine.requests[2].texts)
    assert await found(database, SECRET) == []


async def test_a_command_that_is_being_answered_ends(
    world: World, engine: ScriptedEngine, database: Database, bot: Bot
) -> None:
    engine.enqueue(reply(pieces=[asyncio.Event(), "Never."]))
    running = asyncio.create_task(world.ada.slash(world.channel, "ask", question=f"what is {SECRET}?"))
    await engine.received(1)
    await bot.clients[0]._parts.shared.leaving.delete(world.ada.id, world.guild.id)
    assert text_of(await running) == STOPPED_FOR_GOOD and await found(database, SECRET) == []


async def test_a_command_that_failed_is_not_known_any_more(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("Hello."), failure(400, "no", kind="invalid_request_error"))
    await world.ada.send(world.channel, f"{world.mention} hello")
    failed = await world.ada.slash(world.channel, "ask", question=f"what is {SECRET}?")
    await leave(world, *WAYS[0])
    assert text_of(await world.ada.click(shown(failed), label="Retry")) == GONE


def kept_in_memory() -> Iterator[str]:
    """What the caches of attached files hold."""
    for one in gc.get_objects():
        if isinstance(one, Pictures):
            yield from (f"{len(images)} pictures" for images in one._images.values())
        elif isinstance(one, Attachments):
            yield from (file.text for file in one._read.values() if file.text)


@pytest.mark.parametrize("way", ["delete", "opt-out", "deletion", "bulk deletion"])
async def test_what_was_attached_is_in_memory_no_more(world: World, engine: ScriptedEngine, way: str) -> None:
    engine.owned_by, engine.sees, engine.max_model_len = "vllm", True, 8192
    engine.enqueue(reply("A bee."))
    files = [("bee.png", picture()), ("notes.txt", SECRET.encode())]
    question = await world.ada.send(world.channel, f"{world.mention} what is this?", attachments=files)
    assert sorted(kept_in_memory()) == ["1 pictures", SECRET]
    if way == "deletion":
        await world.ada.delete(question)
    elif way == "bulk deletion":
        world.env.backend.bulk_delete_messages(world.channel.id, [question.id, newest(world).id])
        await world.env.settle()
    else:
        await leave(world, *next(each for each in WAYS if each[0] == way))
    assert list(kept_in_memory()) == []


async def test_two_confirmations_at_once_count_the_use_of_today_once(
    bot: Bot, world: World, database: Database
) -> None:
    now, person_id, guild_id = discord.utils.utcnow(), world.ada.id, world.guild.id
    await Usage(database).count(person_id, guild_id, Used(3, 20, 10), now)
    shared = bot.clients[0]._parts.shared
    await asyncio.gather(*[shared.leaving.delete(person_id, guild_id) for _ in range(2)])
    assert shared.leaving._tally.used_before(person_id, guild_id) == Used(3, 20, 10)
