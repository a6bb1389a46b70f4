"""/summarize and *Summarize from here* on the simulated Discord: ranges, permissions, progress, pages, posting."""

from __future__ import annotations

import asyncio

import discord
import pytest
import sklearn.feature_extraction.text  # noqa: F401 - takes seconds on a busy machine: not inside a test
from simcord.results import InteractionResult

from bot.commands import paged, ranges
from bot.commands.digest import NOTHING_LEFT
from bot.commands.fetching import GONE
from bot.commands.working import STOPPED
from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import History
from tests.bot.conftest import Bot, World
from tests.bot.test_addressed import own_thread
from tests.bot.test_commands import text_of, was_deferred
from tests.bot.test_controls import labels
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until

THURSDAY = "- The release of the garden app moves to Thursday [1]"


async def chatter(world: World) -> list[discord.Message]:
    said = []
    for person, line in (
        (world.ada, "The release of the garden app moves to Thursday because the payment page is broken."),
        (world.grace, "ok"),
        (world.grace, "Linus will write the announcement for the release before Wednesday evening."),
        (world.ada, f"{world.grace.mention} please test the payment page again before the release on Thursday."),
    ):
        said.append(await person.send(world.channel, line))
    return said


def message_of(result: InteractionResult) -> discord.Message:
    assert result.response is not None
    return result.response.message


async def refused(world: World, **options: object) -> str:
    """What is told at once, without a promise."""
    told = text_of(await world.ada.slash(world.channel, "summarize", **options))
    assert not was_deferred(world)
    return told


async def test_the_built_in_model_gives_an_extract_with_links(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    engine.model = "embedded/chat"
    said = await chatter(world)
    told = text_of(await world.grace.slash(world.channel, "summarize"))
    assert was_deferred(world)
    assert "built-in model" in told and "members' own words" in told
    assert "**Ada**: The release of the garden app moves to Thursday" in told
    assert f"[↗]({said[0].jump_url})" in told
    assert "read 4 of the last 4 messages" in told
    assert "Grace please test" in told
    assert await history.recent(world.channel.id, 10) == []


async def test_a_model_writes_sentences_with_links(world: World, engine: ScriptedEngine) -> None:
    said = await chatter(world)
    engine.enqueue(
        reply(f"{THURSDAY}\n- Linus will write the announcement @everyone [3][4]\n- invented\n- The moon is cheese [2]")
    )
    result = await world.ada.slash(world.channel, "summarize", count=100)
    told = text_of(result)
    assert told.startswith("**What was said**")
    assert f"- The release of the garden app moves to Thursday [↗]({said[0].jump_url})" in told
    assert f"@\u200beveryone [↗]({said[2].jump_url}) [↗]({said[3].jump_url})" in told
    assert "invented" not in told and "moon" not in told and "1 sentence that the messages do not support" in told
    assert labels(message_of(result)) == ["Post here", "Send me by DM"]


async def test_what_was_not_read_is_said(world: World, engine: ScriptedEngine, database: Database) -> None:
    engine.model = "embedded/chat"
    robot = world.guild.add_member(world.env.create_user("Robot", bot=True))
    await chatter(world)
    await robot.send(world.channel, "beep beep beep beep")
    await Choices(database).choose(world.ada.id, None, Consent.OPT_OUT)
    told = text_of(await world.grace.slash(world.channel, "summarize", count=4))
    assert "read 2 of the last 4 messages · bots, people who opted out and messages without text are left out" in told
    assert "beep" not in told and "payment" not in told


async def test_styles_lengths_and_languages(world: World, engine: ScriptedEngine) -> None:
    await chatter(world)
    engine.enqueue(
        reply(
            "- Decision: the release of the garden app moves to Thursday [1]\n"
            "- Action (Linus): write the announcement for the release [3]"
        ),
        reply("[1] Die Veröffentlichung ist am Donnerstag\n[2] die Ankündigung schreiben"),
    )
    told = text_of(
        await world.ada.slash(world.channel, "summarize", style="decisions", length="short", language="German")
    )
    assert "at most 3 lines" in engine.requests[0].texts[0]
    assert "**Decided**\n- Die Veröffentlichung ist" in told and "**To do**\n- **Linus**: die Ankündigung" in told


@pytest.mark.parametrize(("style", "asked"), [("brief", "short sentences"), ("questions", "nobody answered")])
async def test_each_style_asks_for_itself(world: World, engine: ScriptedEngine, style: str, asked: str) -> None:
    await chatter(world)
    engine.enqueue(reply(THURSDAY))
    assert "Thursday" in text_of(await world.ada.slash(world.channel, "summarize", style=style))
    assert asked in engine.requests[0].texts[0]


async def test_ranges(world: World, engine: ScriptedEngine) -> None:
    """By links and ids, by time, from a message on: what is read is what was asked for."""
    said = await chatter(world)
    engine.enqueue(*[reply("- They will write the announcement for the release [1]")] * 5)

    async def read(**options: object) -> str:
        text_of(await world.ada.slash(world.channel, "summarize", **options))
        return engine.requests[-1].texts[1]

    assert "payment page is broken" not in await read(first=said[2].jump_url)
    two = await read(first=str(said[0].id), last=f"<{said[2].jump_url}>")
    assert "payment page is broken" in two and "please test" not in two
    assert "please test" not in await read(last=str(said[2].id))
    assert "payment page is broken" in await read(window="6h")
    told = await world.ada.context_menu(world.channel, "Summarize from here", said[2])
    assert "since that one" in text_of(told)
    assert "payment page is broken" not in engine.requests[-1].texts[1]


async def test_a_thread(world: World, engine: ScriptedEngine) -> None:
    thread = await own_thread(world)
    said = await world.ada.send(thread, "The release of the garden app moves to Thursday.")
    engine.enqueue(reply(THURSDAY))
    told = text_of(await world.ada.slash(world.channel, "summarize", thread=thread))
    assert said.jump_url in told


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window": "soon"}, ranges.NOT_A_WINDOW),
        ({"window": "9999d"}, ranges.NOT_A_WINDOW),
        ({"first": "x" * 4000}, "is no message that I know"),
        ({"first": f"https://discord.com/channels/1/2/{'9' * 5000}"}, "is no message that I know"),
        ({"first": "123456789012345678", "last": "123456789012345670"}, ranges.UPSIDE_DOWN),
        ({"count": 5, "window": "6h"}, ranges.TOO_MANY_WAYS),
        ({"first": "https://discord.com/channels/1/99999999/123456789012345678"}, ranges.UNKNOWN_PLACE),
    ],
)
async def test_a_mistake_is_told_at_once(world: World, options: dict[str, object], sentence: str) -> None:
    assert sentence in await refused(world, **options)


async def test_a_message_that_is_gone(world: World) -> None:
    said = await chatter(world)
    await world.ada.delete(said[0])
    assert text_of(await world.ada.slash(world.channel, "summarize", first=said[0].jump_url)) == GONE


async def test_nothing_to_summarize(world: World, engine: ScriptedEngine) -> None:
    assert "there is no message" in text_of(await world.ada.slash(world.channel, "summarize"))
    await world.ada.send(world.channel, "", attachments=[("a.png", b"x")])
    assert "has no text by a person" in text_of(await world.ada.slash(world.channel, "summarize"))
    engine.model = "embedded/chat"
    await world.ada.send(world.channel, "ok")
    assert "too short" in text_of(await world.ada.slash(world.channel, "summarize"))


async def test_who_may_not_read_gets_nothing(world: World) -> None:
    hidden = {world.guild.default_role: discord.PermissionOverwrite(read_message_history=False)}
    past = world.guild.create_text_channel("past", overwrites=hidden)
    assert "You may not read" in text_of(await world.ada.slash(past, "summarize"))
    assert not was_deferred(world)
    link = f"https://discord.com/channels/{world.guild.id}/{past.id}/123456789012345678"
    assert "You may not read" in await refused(world, first=link)


async def test_what_steward_may_not_read_is_said(world: World) -> None:
    me = world.guild.me
    assert me is not None
    hidden = {me: discord.PermissionOverwrite(read_message_history=False)}
    past = world.guild.create_text_channel("past", overwrites=hidden)
    assert "I may not read" in text_of(await world.ada.slash(past, "summarize"))
    assert not was_deferred(world)


async def test_an_engine_that_is_away_leaves_an_extract(world: World, engine: ScriptedEngine) -> None:
    await chatter(world)
    await engine.stop()
    told = text_of(await world.ada.slash(world.channel, "summarize"))
    assert was_deferred(world) and "Thursday" in told and "not available right now" in told


async def test_long_summaries_have_pages(world: World, engine: ScriptedEngine) -> None:
    await chatter(world)
    engine.enqueue(reply("\n".join(f"- {'release of the garden app ' * 12}[1]" for _ in range(8))))
    result = await world.ada.slash(world.channel, "summarize")
    message = message_of(result)
    first = text_of(result)
    assert "page 1 of 2" in first and labels(message) == ["Back", "Next", "Post here", "Send me by DM"]
    await world.ada.click(message, label="Next")
    assert "page 2 of 2" in text_of(result) and len(text_of(result)) <= 2000
    await world.ada.click(message, label="Back")
    assert text_of(result) == first


async def test_it_is_posted_once_as_it_is_true_now(world: World, engine: ScriptedEngine) -> None:
    said = await chatter(world)
    engine.enqueue(reply(f"{THURSDAY}\n- Linus will write the announcement for the release [3]"))
    result = await world.ada.slash(world.channel, "summarize")
    await world.grace.delete(said[2])
    await world.ada.click(message_of(result), label="Post here")
    (posted,) = world.said()
    assert posted.startswith("> **Ada** shares:") and said[0].jump_url in posted and "announcement" not in posted
    assert labels(message_of(result)) == ["Send me by DM"]


async def test_nothing_is_posted_where_not_everybody_may_read_it(world: World, engine: ScriptedEngine) -> None:
    me = world.guild.me
    assert me is not None
    hidden = {
        world.guild.default_role: discord.PermissionOverwrite(view_channel=False),
        world.ada: discord.PermissionOverwrite(view_channel=True),
        me: discord.PermissionOverwrite(view_channel=True),
    }
    secret = world.guild.create_text_channel("secret", overwrites=hidden)
    said = await world.ada.send(secret, "The release of the garden app moves to Thursday.")
    engine.enqueue(reply(THURSDAY))
    result = await world.ada.slash(world.channel, "summarize", first=said.jump_url)
    pressed = await world.ada.click(message_of(result), label="Post here")
    assert "Not everybody in this channel may read" in pressed.followups[-1].content
    assert world.said() == []
    await world.ada.click(message_of(result), label="Send me by DM")
    assert "Thursday" in world.said(world.ada.user.dm_channel)[-1]


async def test_everything_it_rested_on_was_deleted(world: World, engine: ScriptedEngine) -> None:
    said = await chatter(world)
    engine.enqueue(reply(THURSDAY))
    result = await world.ada.slash(world.channel, "summarize")
    await world.ada.delete(said[0])
    assert text_of(result) == NOTHING_LEFT and labels(message_of(result)) == []


async def test_after_a_restart_it_is_gone(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    await chatter(world)
    engine.enqueue(reply(THURSDAY))
    result = await world.ada.slash(world.channel, "summarize")
    await world.env.restart_bot(bot.client())
    assert text_of(await world.ada.click(message_of(result), label="Post here")) == paged.GONE


def test_pages_of_any_lines() -> None:
    pages = paged.pages_of(["x" * 5000, *["y" * 900] * 5])
    assert all(len(page) <= 2000 for page in pages) and pages[-1].endswith(f"page {len(pages)} of {len(pages)}")
    assert paged.pages_of(["a", "b"]) == ["a\nb"]


@pytest.mark.parametrize(("text", "hours"), [("6h", 6), ("90m", 1.5), ("1d 12h", 36), ("1 week", 168), ("2 days", 48)])
def test_windows(text: str, hours: float) -> None:
    assert ranges.parsed_window(text).total_seconds() == hours * 3600


async def test_progress_and_stop(world: World, engine: ScriptedEngine) -> None:
    await chatter(world)
    engine.enqueue(reply(pieces=[asyncio.Event()]))
    asked = asyncio.create_task(world.ada.slash(world.channel, "summarize"))
    request = await engine.received(1)
    (pending,) = world.env.backend.interactions.values()
    shown = InteractionResult(world.env, pending)
    await until(lambda: "Summarizing 4 messages" in text_of(shown))
    assert labels(message_of(shown)) == ["Stop"]
    world.env._end_operation()  # she presses while the command is still going on
    await world.ada.click(message_of(shown), label="Stop")
    await asked
    assert text_of(shown) == STOPPED and labels(message_of(shown)) == []
    await asyncio.wait_for(request.disconnected.wait(), 10)
