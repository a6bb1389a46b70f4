"""What a prompt has no room for is told by a summary, made in the background, that knows what it was made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import discord
import pytest
from simcord.builders import ChannelHandle

from storage.database import Database
from storage.privacy import Privacy
from tests.bot.conftest import World
from tests.fakes import ReceivedRequest, ScriptedEngine, reply

WINDOW = 480
"""Half of it is for the answer: about six short exchanges fit."""
NOTES = "Ada's zebra is called Tom."


def is_summary(request: ReceivedRequest) -> bool:
    return request.texts[0].startswith("You keep short notes")


def is_asked(request: ReceivedRequest) -> bool:
    return not is_summary(request)


def prompts(engine: ScriptedEngine) -> list[list[str]]:
    """What was asked of the model for answers."""
    return [request.texts for request in engine.requests if is_asked(request)]


def summaries(engine: ScriptedEngine) -> list[ReceivedRequest]:
    return [request for request in engine.requests if is_summary(request)]


async def ask(
    world: World, text: str, answer: discord.Message | None = None, channel: ChannelHandle | None = None
) -> discord.Message:
    place = channel or world.channel
    await world.ada.send(place, f"{world.mention} {text}", reply_to=answer)
    last = place.last_message
    assert last is not None
    return last


async def talk(
    world: World, engine: ScriptedEngine, turns: int, channel: ChannelHandle | None = None
) -> discord.Message:
    """A conversation that begins with Tom, and is too long soon."""
    engine.max_model_len = WINDOW
    engine.enqueue(*[reply("word " * 8) for _ in range(turns + 1)], when=is_asked)
    last = await ask(world, "my zebra is called Tom", channel=channel)
    for number in range(turns - 1):
        last = await ask(world, f"{number} " * 8, last, channel)
    return last


async def kept(database: Database) -> int:
    return (await database.check()).rows["summaries"]


async def test_it_takes_the_place_of_what_was_dropped(world: World, engine: ScriptedEngine, database: Database) -> None:
    engine.enqueue(*[reply(NOTES) for _ in range(9)], when=is_summary)
    last = await talk(world, engine, 9)
    assert prompts(engine)[-1][1].startswith(f"(What was said before, in short:)\n> {NOTES}\n")
    assert "and a summary of the rest" in last.content
    first = summaries(engine)[0]
    assert first.body["priority"] == "background"
    assert "> Ada: my zebra is called Tom\n" in first.texts[1]
    again = [request.texts[1] for request in summaries(engine)[1:]]
    assert all(NOTES in text for text in again)
    assert await kept(database) in (1, 2)


async def test_between_drops_the_prompt_only_grows(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(*[reply(f"{NOTES} {number}") for number in range(20)], when=is_summary)
    await talk(world, engine, 12)
    asked = prompts(engine)
    moved = sum(later[: len(before)] != before for before, later in pairwise(asked))
    told = {texts[1].split("\n")[1] for texts in asked if texts[1].startswith("(What was said")}
    assert moved == len(told) <= 5


async def by_deletion(world: World, database: Database, message: discord.Message) -> None:
    await world.ada.delete(message)


async def by_edit(world: World, database: Database, message: discord.Message) -> None:
    await world.env.advance_time(200)
    await world.ada.edit(message, f"{world.mention} I have no animals")


async def by_opting_out(world: World, database: Database, message: discord.Message) -> None:
    await Privacy(database).opt_out(world.ada.id, world.guild.id)


@pytest.mark.parametrize("route", [by_deletion, by_edit, by_opting_out])
async def test_it_goes_with_any_of_its_sources(
    world: World,
    engine: ScriptedEngine,
    database: Database,
    route: Callable[[World, Database, discord.Message], Awaitable[None]],
) -> None:
    engine.enqueue(*[reply(NOTES) for _ in range(5)], when=is_summary)
    last = await talk(world, engine, 9)
    assert await kept(database)
    await route(world, database, world.channel.history()[0])
    assert await kept(database) == 0
    engine.enqueue(reply("Nothing of the kind."), when=is_summary)
    await world.grace.send(world.channel, f"{world.mention} what is it called?", reply_to=last)
    assert "Tom" not in str(prompts(engine)[-1])
    assert all("Tom" not in str(request.body) for request in summaries(engine)[5:])


async def test_one_that_failed_is_made_after_the_next_answer(
    world: World, engine: ScriptedEngine, database: Database
) -> None:
    last = await talk(world, engine, 9)
    assert await kept(database) == 0
    engine.enqueue(reply(NOTES), when=is_summary)
    await ask(world, "well?", last)
    assert await kept(database) == 1


async def test_the_built_in_model_quotes(world: World, engine: ScriptedEngine, database: Database) -> None:
    """Its own summaries would be nonsense: people's own words stand for them."""
    engine.model = "embedded/chat"
    await talk(world, engine, 9)
    assert summaries(engine) == []
    assert "> Ada: my zebra is called Tom" in prompts(engine)[-1][1]


class TestPlaces:
    """What was told in private, or in a channel of a few, is told nowhere else."""

    @pytest.mark.settings(bot={"direct_messages": "everyone"})
    async def test_private_messages(self, world: World, engine: ScriptedEngine) -> None:
        engine.max_model_len = WINDOW
        engine.enqueue(*[reply(NOTES) for _ in range(5)], when=is_summary)
        engine.enqueue(*[reply("word " * 8) for _ in range(11)], when=is_asked)
        await world.ada.send_dm("my zebra is called Tom")
        for number in range(8):
            await world.ada.send_dm(f"{number} " * 8)
        assert "zebra" in str(prompts(engine)[-1])
        answer = await ask(world, "what do you know of me?")
        await ask(world, "and now?", answer)
        assert not any("zebra" in str(texts) for texts in prompts(engine)[-2:])

    async def test_a_channel_of_a_few(self, world: World, engine: ScriptedEngine) -> None:
        few = world.guild.create_text_channel("few")
        engine.enqueue(*[reply(NOTES) for _ in range(5)], when=is_summary)
        await talk(world, engine, 9, few)
        assert "zebra" in str(prompts(engine)[-1])
        engine.enqueue(reply("No."), reply("No."), when=is_asked)
        answer = await ask(world, f"what was said in <#{few.id}>?")
        await ask(world, "and now?", answer)
        assert not any("zebra" in str(texts) for texts in prompts(engine)[-2:])

    async def test_a_private_thread_of_a_channel(self, world: World, engine: ScriptedEngine) -> None:
        """The thread knows its channel's message that is replied to, the channel nothing of the thread."""
        made = world.env.backend.create_thread(world.channel.id, "private", owner_id=world.ada.id, type=12)
        await world.env.settle()
        thread = ChannelHandle(world.env, world.guild, made)
        engine.enqueue(*[reply(NOTES) for _ in range(5)], when=is_summary)
        await talk(world, engine, 9, thread)
        assert "zebra" in str(prompts(engine)[-1])
        engine.enqueue(reply("No."), reply("No."), when=is_asked)
        answer = await ask(world, "what was said?")
        await ask(world, "and now?", answer)
        assert not any("zebra" in str(texts) for texts in prompts(engine)[-2:])
