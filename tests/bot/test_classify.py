"""/classify on the simulated Discord: labels on the spot, mistakes in them, what stands in for a model."""

from __future__ import annotations

import pytest

from bot.commands import classify, posted, resting
from bot.errors import explain
from llm.errors import EngineUnavailable, NotServed
from storage.database import Database
from storage.settings import GuildSettings, Place
from tests.bot.conftest import World
from tests.bot.test_commands import text_of, was_deferred
from tests.bot.test_controls import labels
from tests.bot.test_summarize import message_of
from tests.fakes import ScriptedEngine, reply

LABELS = "bug, praise; question"


@pytest.fixture
async def on(world: World, database: Database) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "classify", True, 1)


@pytest.fixture
def zero_shot(engine: ScriptedEngine) -> None:
    engine.labels = lambda text, asked: {label: 0.7 if label in text else 0.15 for label in asked or []}


async def sort(world: World, **options: object) -> str:
    return text_of(await world.ada.slash(world.channel, "classify", **options))


async def test_it_is_off_until_a_manager_switches_it_on(world: World, zero_shot: None) -> None:
    assert "switched off here" in await sort(world, labels=LABELS, text="a bug") and not was_deferred(world)


async def test_a_text(world: World, on: None, zero_shot: None) -> None:
    result = await world.ada.slash(world.channel, "classify", labels=LABELS, text="a *bug* @everyone")
    told = text_of(result)
    assert was_deferred(world) and "**bug** · 70 %" in told and "praise · 15 %" in told
    assert labels(message_of(result)) == ["Post here", "Send me by DM"]
    await world.ada.click(message_of(result), label="Post here")
    assert "**bug**" in world.said()[-1] and "@everyone" not in world.said()[-1]


async def test_a_message_is_for_the_asker_alone(world: World, on: None, zero_shot: None) -> None:
    said = await world.grace.send(world.channel, "what praise")
    result = await world.ada.slash(world.channel, "classify", labels=LABELS, message=said.jump_url)
    assert "**praise** · 70 %" in text_of(result) and labels(message_of(result)) == ["Send me by DM"]
    picture = await world.grace.send(world.channel, "", attachments=[("a.png", b"x")])
    assert await sort(world, labels=LABELS, message=str(picture.id)) == resting.NOT_THAT_ONE
    await world.grace.delete(said)
    assert text_of(result) == posted.NOTHING_LEFT and labels(message_of(result)) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": "bug", "text": "x"}, classify.ONE_LABEL),
        ({"labels": " ,; ", "text": "x"}, classify.ONE_LABEL),
        ({"labels": ",".join(f"l{n}" for n in range(30)), "text": "x"}, "30 labels; I sort into at most 20"),
        ({"labels": "bug, praise, Bug", "text": "x"}, "the label “Bug” twice"),
        ({"labels": f"bug, {'x' * 3990}", "text": "x"}, "at most 60 characters"),
        ({"labels": LABELS}, classify.TEXT_OR_MESSAGE),
        ({"labels": LABELS, "text": "x", "message": "123456789012345678"}, classify.TEXT_OR_MESSAGE),
        ({"labels": LABELS, "text": "  "}, classify.BLANK),
        ({"labels": LABELS, "message": "that one"}, "is no message that I know"),
    ],
)
async def test_a_mistake_is_told_at_once(world: World, on: None, options: dict[str, object], sentence: str) -> None:
    assert sentence in await sort(world, **options)
    assert not was_deferred(world)


async def test_a_text_of_4000_characters(world: World, on: None, zero_shot: None) -> None:
    assert "**bug**" in await sort(world, labels=LABELS, text="bug " * 1000)


async def test_without_a_model_for_it_meanings_are_compared(world: World, on: None, engine: ScriptedEngine) -> None:
    engine.embeds = True
    told = await sort(world, labels="cats, trains", text="all about trains")
    assert "**trains**" in told and "rough guess" in told


async def test_no_model_and_no_engine_are_sentences(world: World, on: None, engine: ScriptedEngine) -> None:
    assert await sort(world, labels=LABELS, text="x") == explain(NotServed("")).sentence
    await engine.stop()
    assert await sort(world, labels=LABELS, text="x") == explain(EngineUnavailable()).sentence


@pytest.mark.settings(tasks={"zero_shot": "chat"})
async def test_the_chat_model_can_do_it(world: World, on: None, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("[1] Question"), reply("[1] cheese"))
    told = await sort(world, labels=LABELS, text="is it?")
    assert "- **question**" in told and "does not say how sure" in told
    assert await sort(world, labels=LABELS, text="is it?") == classify.NOT_TOLD


@pytest.mark.settings(tasks={"zero_shot": "none"})
async def test_what_the_owner_switched_off_is_not_guessed(world: World, on: None, engine: ScriptedEngine) -> None:
    engine.embeds = True
    assert await sort(world, labels=LABELS, text="x") == explain(NotServed("")).sentence
