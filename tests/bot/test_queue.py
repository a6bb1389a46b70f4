"""Waiting: the place in the line is said, and an answer that comes late is a new message that pings its asker."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.conversation.answer import place_in_line
from bot.conversation.rendering import small
from bot.errors import explain
from llm.errors import EngineTimeout
from llm.types import QueuePosition
from storage.history import History
from tests.bot.conftest import PACE, Bot, World
from tests.fakes import ScriptedEngine, failure, reply
from tests.waiting import until


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (QueuePosition(0, 0.0), "next in line"),
        (QueuePosition(0, 4.4), "next in line, about 4 s"),
        (QueuePosition(1, 0.2), "2nd in line, about 1 s"),
        (QueuePosition(2, 21.0), "3rd in line, about 20 s"),
        (QueuePosition(10, 119.0), "11th in line, about 120 s"),
        (QueuePosition(20, 150.0), "21st in line, about 2 minutes"),
        (QueuePosition(111, 3600.0), "112th in line, about 60 minutes"),
    ],
)
def test_a_place_in_words(place: QueuePosition, said: str) -> None:
    assert place_in_line(place) == said


async def test_a_long_wait_is_said_and_gives_way_to_the_answer(world: World, engine: ScriptedEngine) -> None:
    served = asyncio.Event()
    engine.enqueue(reply(queue=[5, 4], pieces=[served, "Here it is."]))
    question = world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} hello")
    await until(lambda: world.said() == [small("5th in line, about 4 s")])
    said = world.channel.history()[-1].id
    served.set()
    await world.env.settle()
    answer = world.channel.history()[-1]
    assert (answer.content, answer.id, answer.mentions) == ("Here it is.", said, [])
    assert answer.reference is not None and answer.reference.message_id == question.id


async def test_a_short_wait_needs_no_words(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply(queue=[1, 0], pieces=["Here it is."]))
    await world.ada.send(world.channel, f"{world.mention} hello")
    assert world.said() == ["Here it is."]
    assert not [request for request in world.env.http_requests if request.method == "PATCH"]


@pytest.fixture
async def impatient(world: World, bot: Bot) -> World:
    """A world in which every answer is late."""
    await world.env.restart_bot(replace(bot, pace=replace(PACE, late_s=-1.0)).client())
    return world


async def test_a_late_answer_is_a_new_message_that_pings_the_asker_only(
    impatient: World, engine: ScriptedEngine, history: History
) -> None:
    world, served = impatient, asyncio.Event()
    engine.enqueue(reply(queue=[5], pieces=[served, f"Here it is, {world.grace.mention}."]), reply("Yes."))
    question = world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} hello")
    await until(lambda: world.said() == [small("6th in line, about 5 s")])
    said = world.channel.history()[-1].id
    served.set()
    await world.env.settle()
    answer = world.channel.history()[-1]
    assert len(world.said()) == 1 and answer.content.startswith("Here it is") and answer.id != said
    assert [person.id for person in answer.mentions] == [world.ada.id]
    assert [row.id for row in (await history.chain(answer.id)).messages] == [question.id, answer.id]
    await world.ada.send(world.channel, "really?", reply_to=answer)
    assert engine.requests[1].texts[1] == "Ada: hello"


async def test_a_late_failure_pings_too(impatient: World, engine: ScriptedEngine) -> None:
    engine.enqueue(failure(504, "too slow"))
    await impatient.ada.send(impatient.channel, f"{impatient.mention} hello")
    answer = impatient.channel.history()[-1]
    assert answer.content == explain(EngineTimeout()).sentence
    assert [person.id for person in answer.mentions] == [impatient.ada.id]
