"""/sentiment and *How it sounds* on the simulated Discord: sums of many, never of one; off until switched on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import discord
import pytest

from bot.commands import mood_words, ranges, resting, sentiment
from bot.commands.fetching import GONE
from bot.commands.mood_words import chart, sums
from bot.errors import explain
from llm.errors import EngineUnavailable, NotServed
from llm.tasks.moods import FEWEST_PEOPLE, Heard, refused, together
from llm.tasks.sentiment import Mood
from storage.choices import Choices, Consent
from storage.database import Database
from storage.settings import GuildSettings, Place, Scope
from tests.bot.conftest import World
from tests.bot.panels import manager
from tests.bot.test_commands import text_of, was_deferred
from tests.bot.test_controls import labels
from tests.bot.test_summarize import message_of
from tests.fakes import ScriptedEngine, reply

BEGIN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def mood(text: str, asked: list[str] | None) -> dict[str, float]:
    sounds = "POSITIVE" if "love" in text else "NEGATIVE" if "hate" in text else "neutral"
    return {label: 0.8 if label == sounds else 0.1 for label in ("POSITIVE", "neutral", "NEGATIVE")}


@pytest.fixture
async def on(world: World, engine: ScriptedEngine, database: Database) -> None:
    engine.labels = mood
    await GuildSettings(database).put(Place(world.guild.id), "sentiment", True, 1)


async def chatter(world: World) -> list[discord.Message]:
    linus = world.guild.add_member(world.env.create_user("Linus"))
    said = [
        (world.ada, "I love the Release"), (world.grace, "I hate mondays"), (linus, "the release is on Friday"),
        (world.ada, "love it"), (world.grace, "so be it"), (linus, "we love the release"),
    ]  # fmt: skip
    return [await person.send(world.channel, text) for person, text in said]


async def refusal(world: World, **options: object) -> str:
    told = text_of(await world.ada.slash(world.channel, "sentiment", **options))
    assert not was_deferred(world)
    return told


async def test_it_is_off_until_a_manager_switches_it_on(world: World, engine: ScriptedEngine) -> None:
    engine.labels = mood
    said = await chatter(world)
    assert "switched off here" in await refusal(world) and "`/settings`" in await refusal(world)
    assert "switched off" in text_of(await world.ada.context_menu(world.channel, "How it sounds", said[0]))
    mira = manager(world)
    await mira.open()
    assert "✅ How it sounds (/sentiment): changed." in await mira.change("sentiment", "On")
    assert "positive" in text_of(await world.ada.slash(world.channel, "sentiment"))


async def test_the_channel_that_is_read_decides(world: World, on: None, database: Database) -> None:
    other = world.guild.create_text_channel("quiet")
    said = await world.ada.send(other, "I love it")
    await GuildSettings(database).put(Place(world.guild.id, Scope.CHANNEL, other.id), "sentiment", False, 1)
    assert "switched off" in await refusal(world, message=said.jump_url)
    assert "switched off" in await refusal(world, first=said.jump_url)


async def test_many_people_together(world: World, on: None) -> None:
    await chatter(world)
    result = await world.ada.slash(world.channel, "sentiment")
    told = text_of(result)
    assert was_deferred(world) and "🟢 **50 %** positive · 3" in told and "🔴 **17 %** negative · 1" in told
    assert "3 people wrote these 6 messages." in told and "Of them" not in told
    assert "read 6 of the last 6 messages" in told and "no chart" in told
    await world.ada.click(message_of(result), label="Post here")
    assert "🟢 **50 %** positive" in world.said()[-1]


@pytest.mark.simcord(settle_timeout=90)  # a process that starts matplotlib, on a busy machine
async def test_hour_by_hour_with_a_picture(world: World, on: None) -> None:
    await chatter(world)
    await world.env.advance_time(2 * 3600)
    for person in (world.ada, world.grace, world.guild.add_member(world.env.create_user("Mo"))):
        await person.send(world.channel, "I hate it")
    result = await world.ada.slash(world.channel, "sentiment")
    assert "hour by hour (UTC). Times in which fewer than 3 people wrote stay empty." in text_of(result)
    (picture,) = message_of(result).attachments
    assert picture.content_type == "image/png" and "4 negative ones" in (picture.description or "")
    await world.ada.click(message_of(result), label="Post here")
    assert [one.filename for one in world.channel.history()[-1].attachments] == ["chart.png"]


async def test_a_topic(world: World, on: None) -> None:
    await chatter(world)
    told = text_of(await world.ada.slash(world.channel, "sentiment", topic="RELEASE"))
    assert "only where at least 3 of them wrote, and here that was 2" in told
    await world.grace.send(world.channel, "I hate that reléase")
    told = text_of(await world.ada.slash(world.channel, "sentiment", topic="RELEASE"))
    assert "where “RELEASE” comes up" in told and "these 4 messages" in told
    told = text_of(await world.ada.slash(world.channel, "sentiment", topic="cheese"))
    assert "spoke of “cheese”" in told


async def test_nobody_alone_is_judged(world: World, on: None, engine: ScriptedEngine) -> None:
    said = await chatter(world)
    assert "nobody's own mood" in text_of(
        await world.ada.slash(world.channel, "sentiment", first=said[3].jump_url, last=said[4].jump_url)
    )
    for _ in range(10):
        await world.grace.send(world.channel, "I hate this")
    assert text_of(await world.ada.slash(world.channel, "sentiment")) == sentiment.ONE_VOICE


async def test_too_few_are_left_after_deletions(world: World, on: None) -> None:
    said = await chatter(world)
    result = await world.ada.slash(world.channel, "sentiment")
    await world.grace.delete(said[1])
    await world.grace.delete(said[4])
    assert sentiment.NOTHING_LEFT in text_of(await world.ada.click(message_of(result), label="Send me by DM"))


async def test_one_message_is_for_the_asker_alone(world: World, on: None, database: Database) -> None:
    said = await chatter(world)
    result = await world.grace.context_menu(world.channel, "How it sounds", said[0])
    assert "sounds **positive** (the model is 80 % sure)" in text_of(result) and said[0].jump_url in text_of(result)
    assert labels(message_of(result)) == ["Send me by DM"]
    told = text_of(await world.ada.slash(world.channel, "sentiment", message=said[1].jump_url))
    assert "**negative**" in told
    picture = await world.ada.send(world.channel, "", attachments=[("a.png", b"x")])
    assert text_of(await world.ada.context_menu(world.channel, "How it sounds", picture)) == resting.NOT_THAT_ONE
    await Choices(database).choose(world.grace.id, None, Consent.OPT_OUT)
    assert text_of(await world.ada.context_menu(world.channel, "How it sounds", said[1])) == resting.NOT_THAT_ONE
    await world.ada.delete(said[0])
    assert text_of(await world.ada.slash(world.channel, "sentiment", message=said[0].jump_url)) == GONE


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"message": "123456789012345678", "count": 5}, sentiment.ONE_OR_RANGE),
        ({"message": "x" * 4000}, "is no message that I know"),
        ({"topic": " "}, sentiment.NOT_A_TOPIC),
        ({"window": "soon"}, ranges.NOT_A_WINDOW),
    ],
)
async def test_a_mistake_is_told_at_once(world: World, on: None, options: dict[str, object], sentence: str) -> None:
    assert sentence in await refusal(world, **options)


async def test_empty_ranges_and_missing_engines(world: World, on: None, engine: ScriptedEngine) -> None:
    assert text_of(await world.ada.slash(world.channel, "sentiment")) == resting.NOTHING_TO_READ
    await chatter(world)
    engine.labels = lambda text, asked: {"joy": 1.0}
    assert text_of(await world.ada.slash(world.channel, "sentiment")) == explain(NotServed("")).sentence
    await engine.stop()
    assert text_of(await world.ada.slash(world.channel, "sentiment")) == explain(EngineUnavailable()).sentence


@pytest.mark.settings(tasks={"classify": "chat"})
async def test_the_chat_model_can_do_it(world: World, on: None, engine: ScriptedEngine) -> None:
    await chatter(world)
    engine.enqueue(reply("[1] positive\n[2] Negative.\n[3] neutral\n[4] what?\n[6] positive"))
    told = text_of(await world.ada.slash(world.channel, "sentiment"))
    assert "these 4 messages" in told and "🟢 **50 %** positive · 2" in told


def heard(*each: tuple[str, float, Mood]) -> list[Heard]:
    return [Heard(place, who, BEGIN + timedelta(hours=hours), mood) for place, (who, hours, mood) in enumerate(each)]


class TestTogether:
    def test_few_people_or_one_voice_are_refused(self) -> None:
        assert refused(["a", "b"] * 9) == "few people"
        assert refused(["a"] * 7 + ["b", "c"]) == "one voice"
        assert refused(["a", "a", "b", "c"]) is None

    def test_hours_in_which_few_wrote_stay_empty(self) -> None:
        found = together(
            heard(
                ("a", 0, "positive"),
                ("b", 0.1, "negative"),
                ("c", 0.2, "neutral"),
                ("a", 1, "negative"),
                ("a", 1.1, "negative"),
                ("b", 1.2, "negative"),
                ("a", 3, "positive"),
                ("b", 3, "positive"),
                ("c", 3, "positive"),
            )
        )
        assert found.hours == 1 and [one.counts for one in found.stretches] == [(1, 1, 1), None, None, (3, 0, 0)]
        drawn = chart(found)
        assert drawn is not None and drawn.series["positive"] == [1, 0, 0, 3]
        assert "4 positive, 1 neutral and 1 negative" in drawn.alt
        assert mood_words.about_chart(found, FEWEST_PEOPLE).endswith("fewer than 3 people wrote stay empty.")

    def test_a_long_time_has_few_bars(self) -> None:
        for days in (3, 20, 300):
            found = together(heard(("a", 0, "positive"), ("b", 24 * days, "negative")))
            assert len(found.stretches) <= 48

    def test_how_many_people_lean_where_is_told_of_five(self) -> None:
        found = together(heard(*((who, 0, "positive") for who in "abcd"), ("e", 0, "negative"), ("a", 0, "negative")))
        assert found.leaning == (3, 1, 1)
        assert "3 wrote more positive messages than negative ones, 1 more negative ones" in "\n".join(sums(found, ""))
