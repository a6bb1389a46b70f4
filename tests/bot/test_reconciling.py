"""What happened while Steward was away reaches storage, and everything made from it, before the next answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import discord
import pytest
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType

from bot.conversation.hearing import FRESH
from bot.conversation.reconciling import MOST_PAGES, PAGE
from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import History, StoredMessage, StoredPerson
from storage.memories import Memories
from storage.summaries import RunningSummaries, RunningSummary
from storage.tokens import TokenCounts
from tests.bot.conftest import Bot, World
from tests.fakes import ScriptedEngine, reply


@contextmanager
def away(world: World) -> Iterator[None]:
    """What happens in the block is told to nobody."""
    backend = world.env.backend
    backend.advance_clock(5)
    emit = backend.emit
    backend.emit = lambda *told, **more: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        backend.emit = emit  # type: ignore[method-assign]


async def ask(world: World, text: str, answer: discord.Message | None = None) -> discord.Message:
    await world.ada.send(world.channel, f"{world.mention} {text}", reply_to=answer)
    last = world.channel.last_message
    assert last is not None
    return last


def requests(world: World, since: int) -> list[str]:
    """Messages that were asked for."""
    return [one.path for one in world.env.http_requests[since:] if one.method == "GET" and "/messages" in one.path]


async def derived(database: Database, world: World, message_id: int) -> None:
    """A summary and a count that were made from the message."""
    summary = RunningSummary(world.channel.id, message_id, message_id, "made of it", "m", frozenset({message_id}))
    assert await RunningSummaries(database).put(summary)


async def test_an_edit_while_away(
    world: World, engine: ScriptedEngine, bot: Bot, database: Database, history: History
) -> None:
    engine.enqueue(reply("Noted."), reply("Blue."), reply("Still blue."))
    answer = await ask(world, "I like green")
    question = (await history.chain(answer.id)).messages[0]
    await derived(database, world, question.id)
    with away(world):
        world.env.backend.edit_message(world.channel.id, question.id, {"content": f"{world.mention} I like blue"})
    await world.env.restart_bot(bot.client())
    before = len(world.env.http_requests)
    answer = await ask(world, "what do I like?", answer)
    assert engine.requests[1].texts[1:] == ["Ada: I like blue", "Noted.", "Ada: what do I like?"]
    assert len(requests(world, before)) == 1
    assert await RunningSummaries(database).latest([question.id]) is None
    assert "green" not in str(await TokenCounts(database).get([question.id], "scripted"))
    before = len(world.env.http_requests)
    await ask(world, "sure?", answer)
    assert requests(world, before) == []


async def test_a_deletion_while_away(world: World, engine: ScriptedEngine, bot: Bot, history: History) -> None:
    engine.enqueue(reply("Noted."), reply("I do not know."))
    answer = await ask(world, "my secret is 42")
    question = (await history.chain(answer.id)).messages[0]
    with away(world):
        world.env.backend.delete_message(world.channel.id, question.id)
    await world.env.restart_bot(bot.client())
    await ask(world, "what is my secret?", answer)
    assert "42" not in " ".join(engine.requests[1].texts)
    assert [row.content for row in (await history.chain(question.id)).messages] == [""]


async def test_a_connection_that_begins_anew_is_enough(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    engine.enqueue(reply("Noted."), reply("Blue."))
    answer = await ask(world, "I like green")
    with away(world):
        world.env.backend.edit_message(
            world.channel.id, answer.reference.message_id, {"content": f"{world.mention} I like blue"}
        )
    await bot.clients[-1].on_connect()
    await ask(world, "what do I like?", answer)
    assert engine.requests[1].texts[1] == "Ada: I like blue"


async def test_what_was_not_stored_stays_so(world: World, engine: ScriptedEngine, bot: Bot, history: History) -> None:
    """Looking at a page of a channel stores nothing of what was not for Steward."""
    engine.enqueue(reply("Noted."), reply("Yes."))
    await world.grace.send(world.channel, "between us")
    answer = await ask(world, "hello")
    await world.env.restart_bot(bot.client())
    await ask(world, "well?", answer)
    assert "between us" not in str(await history.recent(world.channel.id, 100))


async def test_what_a_killed_process_lost_comes_back(
    world: World, engine: ScriptedEngine, bot: Bot, history: History
) -> None:
    """A message that was never written, and an answer of which only the beginning was."""
    engine.enqueue(reply("It is green."), reply("Green."))
    answer = await ask(world, "what is it?")
    stored = (await history.chain(answer.id)).messages
    await history.delete_channel(world.channel.id)
    begun = StoredMessage(
        answer.id, world.channel.id, world.guild.id, StoredPerson(world.me, "Steward", is_bot=True), "It is",
        answer.created_at, stored[0].id,
    )  # fmt: skip
    await history.record([begun])
    await world.env.restart_bot(bot.client())
    await ask(world, "what?", answer)
    assert engine.requests[1].texts[1:] == ["Ada: what is it?", "It is green.", "Ada: what?"]


@pytest.mark.settings(bot={"direct_messages": "everyone"})
async def test_a_private_conversation_catches_up(
    world: World, engine: ScriptedEngine, bot: Bot, history: History
) -> None:
    engine.enqueue(reply("Noted."), reply("Blue."))
    await world.ada.send_dm("I like green")
    channel = world.ada.user.dm_channel
    question = (await history.recent(channel.id, 9))[0]
    with away(world):
        world.env.backend.edit_message(channel.id, question.id, {"content": "I like blue"})
        world.env.backend.create_message(channel.id, world.ada.id, "very much")
    world.env.backend.advance_clock(2 * FRESH.total_seconds())  # nobody waits for an answer to it any more
    await world.env.restart_bot(bot.client())
    await world.ada.send_dm("what do I like?")
    assert engine.requests[1].texts[1:] == ["Ada: I like blue", "Noted.", "Ada: very much\nAda: what do I like?"]


async def test_a_channel_is_looked_at_with_a_few_requests_only(
    world: World, engine: ScriptedEngine, bot: Bot, history: History
) -> None:
    """A chain that reaches back over more than that is looked at further when it is used again."""
    ada, begun = StoredPerson(world.ada.id, "Ada"), datetime(2026, 1, 1, tzinfo=UTC)
    old = [
        StoredMessage(number, world.channel.id, world.guild.id, ada, f"m{number}", begun, number - 1 or None)
        for number in range(1, 4)
    ]
    await history.record(old)
    with away(world):
        for _ in range(2 * PAGE):
            world.env.backend.create_message(world.channel.id, world.grace.id, "chatter")
        last = world.env.backend.create_message(world.channel.id, world.ada.id, "and so on")
    await world.env.restart_bot(bot.client())
    await history.record(
        [StoredMessage(last.id, world.channel.id, world.guild.id, ada, "and so on", datetime.now(UTC), 3)]
    )
    engine.enqueue(reply("Yes."))
    before = len(world.env.http_requests)
    await world.ada.send(world.channel, f"{world.mention} well?", reply_to=world.channel.last_message)
    assert 1 <= len(requests(world, before)) <= MOST_PAGES
    assert "m1" not in str(engine.requests[0].body)


async def test_without_the_right_to_look_it_answers_from_what_is_stored(
    world: World, engine: ScriptedEngine, bot: Bot
) -> None:
    engine.enqueue(reply("Noted."), reply("Green."))
    answer = await ask(world, "I like green")
    await world.env.restart_bot(bot.client())
    world.env.inject_error("GET", f"/channels/{world.channel.id}/messages", status=403, times=10)
    await ask(world, "what do I like?", answer)
    assert engine.requests[1].texts[1] == "Ada: I like green"


async def test_an_empty_page_for_want_of_a_permission_deletes_nothing(
    world: World, engine: ScriptedEngine, bot: Bot, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may see a channel but not read its history gets no error from Discord, but no messages."""
    engine.enqueue(reply("Noted."), reply("Green."))
    answer = await ask(world, "I like green")
    await world.env.restart_bot(bot.client())
    me = world.guild.roles["TestBot"]
    unread = discord.Permissions(read_message_history=True).value
    world.env.backend.set_overwrite(world.channel.id, Overwrite(me.id, OverwriteType.ROLE, deny=unread))
    await world.env.settle()

    async def empty_page(*_: object, **__: object) -> list[object]:
        return []

    monkeypatch.setattr(discord.http.HTTPClient, "logs_from", empty_page)
    await ask(world, "what do I like?", answer)
    assert engine.requests[1].texts[1] == "Ada: I like green"


async def test_what_another_program_replied_to_or_was_to_be_remembered_is_deleted_while_away(
    world: World, engine: ScriptedEngine, bot: Bot, database: Database, history: History
) -> None:
    await Choices(database).choose(world.ada.id, world.guild.id, Consent.MEMORY)
    note = await ask(world, "remember that my locker is 4711")
    assert note.reference is not None and note.reference.message_id is not None
    with away(world):
        world.env.backend.delete_message(world.channel.id, note.reference.message_id)
    await world.env.restart_bot(bot.client())
    engine.enqueue(reply("I do not know."))
    await ask(world, "what is my locker?", note)
    assert "4711" not in " ".join(engine.requests[0].texts)
    assert await Memories(database).of(world.ada.id, world.guild.id) == []
