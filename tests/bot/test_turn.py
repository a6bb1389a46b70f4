"""A mention becomes a streamed reply, the reply chain is what the model remembers, and every failure is a sentence."""

from __future__ import annotations

import asyncio
import codecs

import aiohttp
import discord
import pytest
from sqlalchemy import text as sql

from bot.conversation.answer import CUT_OFF, NO_ANSWER, NOTHING_ASKED, ONLY_THOUGHT
from bot.conversation.own_text import INSTEAD
from bot.errors import UNEXPECTED, explain
from llm.errors import ContextTooLong, EngineTimeout, EngineUnavailable, StreamBroken
from storage.database import Database
from storage.errors import DatabaseUnavailable
from storage.history import History, StoredReply
from tests.bot.conftest import Bot, World
from tests.fakes import ReceivedRequest, ScriptedEngine, die_midway, failure, reply
from tests.waiting import until


async def ask(world: World, text: str = "hello", reply_to: discord.Message | None = None) -> discord.Message:
    """Ada asks; Steward's last message."""
    await world.ada.send(world.channel, f"{world.mention} {text}", reply_to=reply_to)
    last = world.channel.last_message
    assert last is not None
    return last


async def stored(history: History, message: discord.Message) -> StoredReply:
    found = await history.reply(message.id)
    assert found is not None
    return found


async def test_a_mention_is_answered_and_stored(world: World, engine: ScriptedEngine, history: History) -> None:
    engine.enqueue(reply(" Green is a fine colour.\n"))
    question = await world.ada.send(world.channel, f"{world.mention} my favourite colour is green")
    answer = world.channel.last_message
    assert answer is not None
    assert answer.content == "Green is a fine colour."
    assert answer.reference is not None and answer.reference.message_id == question.id
    assert answer.mentions == []
    assert engine.requests[0].texts[-1] == "Ada: my favourite colour is green"
    assert "the Discord server Garden" in engine.requests[0].texts[0]

    chain = await history.chain(answer.id)
    assert [row.content for row in chain.messages] == [question.content, "Green is a fine colour."]
    how = await stored(history, answer)
    assert (how.prompt_message_id, how.model, how.finish_reason) == (question.id, "scripted", "stop")
    assert how.prompt_tokens and how.completion_tokens == 5 and how.first_token_s is not None
    assert how.error is None


async def test_the_reply_grows_while_the_model_writes(world: World, engine: ScriptedEngine) -> None:
    rest = asyncio.Event()
    engine.enqueue(reply(pieces=["First sentence. ", rest, "Second one."]))
    asking = asyncio.create_task(ask(world))
    await engine.received(1)
    await until(lambda: world.said() == ["First sentence."])
    rest.set()
    await asking
    assert world.said() == ["First sentence. Second one."]
    edits = [request for request in world.env.http_requests if request.method == "PATCH"]
    assert len(edits) == 1


async def test_a_long_answer_goes_on_in_further_messages(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    code = "".join(f"print({number})\n" for number in range(300))
    text = f"Here it is:\n```python\n{code}```\nDone."
    engine.enqueue(reply(text), reply("Yes."))
    last = await ask(world)
    parts = [message for message in world.channel.history() if message.author.id == world.me]
    assert len(parts) == 2 and all(len(part.content) <= 2000 for part in parts)
    assert all(part.content.count("```") == 2 for part in parts)
    assert [part.reference and part.reference.message_id for part in parts[1:]] == [part.id for part in parts[:-1]]

    chain = (await history.chain(last.id)).messages
    assert "".join(row.content for row in chain[1:]) == text
    await ask(world, "is that all?", reply_to=last)
    assert engine.requests[1].texts[2] == text


async def test_nothing_in_an_answer_pings_or_invites(world: World, engine: ScriptedEngine, history: History) -> None:
    text = f"@everyone {world.grace.mention} see [this](https://evil.example) at discord.gg/abc"
    engine.enqueue(reply(text))
    answer = await ask(world)
    assert answer.content == (
        f"@\u200beveryone <\u200b@{world.grace.id}> see [this] (https://evil.example) at (invite link removed)"
    )
    sent = [request.json for request in world.env.http_requests if request.method == "POST"][-1]
    assert sent is not None and sent["allowed_mentions"]["parse"] == []
    assert (await history.chain(answer.id)).messages[-1].content == text


async def test_the_length_limit_is_said_and_not_fed_back(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("And so on and", finish_reason="length"), reply("on."))
    answer = await ask(world)
    assert answer.content == f"And so on and\n-# {CUT_OFF}"
    await ask(world, "go on", reply_to=answer)
    assert engine.requests[1].texts[1:] == ["Ada: hello", "And so on and", "Ada: go on"]


def is_asked(request: ReceivedRequest) -> bool:
    """Whether it is a question, and no summary in the background."""
    return not request.texts[0].startswith("You keep short notes")


async def test_what_was_not_read_is_said(world: World, engine: ScriptedEngine) -> None:
    engine.max_model_len = 240
    engine.enqueue(*[reply("word " * 10) for _ in range(4)], when=is_asked)
    last = await ask(world, "one " * 8)
    for number in range(3):
        last = await ask(world, f"{number} " * 8, reply_to=last)
    assert last.content.endswith("-# read 3 of 7 messages")
    fourth = [request for request in engine.requests if is_asked(request)][3]
    assert len(fourth.texts) == 4
    assert fourth.body["max_tokens"] == 120


async def test_where_the_engine_cannot_count_what_was_not_read_is_said_to_be_an_estimate(
    world: World, engine: ScriptedEngine
) -> None:
    engine.owned_by, engine.has_tokenize, engine.max_model_len = "hosted", False, 2000
    engine.enqueue(reply("Hello."), *[reply("word " * 300) for _ in range(3)], when=is_asked)
    last = await ask(world, "hello")
    for _ in range(3):
        last = await ask(world, "one " * 400, reply_to=last)
    assert last.content.endswith("of 7 messages, about as much as I can read at once")


async def test_a_mention_alone_gets_a_hint_without_the_model(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    await world.ada.send(world.channel, world.mention)
    assert world.said() == [NOTHING_ASKED]
    assert engine.requests == []


async def test_an_answer_without_text_is_said_to_be_one(world: World, engine: ScriptedEngine, history: History) -> None:
    engine.enqueue(reply(""), reply("Now."))
    answer = await ask(world)
    assert answer.content == NO_ANSWER
    await ask(world, "and now?", reply_to=answer)
    assert engine.requests[1].texts[1:] == ["Ada: hello\nAda: and now?"]


async def test_what_the_model_thinks_is_neither_shown_nor_kept(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("Yes.", thoughts=["Let me see."]), reply("Still yes."))
    answer = await ask(world)
    assert answer.content == "Yes."
    await ask(world, "sure?", reply_to=answer)
    assert not any("see" in text for text in engine.requests[1].texts)


async def test_thinking_without_an_answer_is_explained(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply(thoughts=["Let me see."], finish_reason="length"))
    assert (await ask(world)).content == ONLY_THOUGHT


@pytest.mark.parametrize("text", ["\u200b", "```", "```\n```", "\x07"])
async def test_an_answer_that_shows_nothing_is_said_to_be_one(
    world: World, engine: ScriptedEngine, history: History, text: str
) -> None:
    engine.enqueue(reply(text))
    answer = await ask(world)
    assert answer.content == NO_ANSWER
    assert (await history.chain(answer.id)).messages[-1].content == ""


async def test_attachments_are_not_left_unread_in_silence(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("I see no file."))
    files = [("notes.txt", b"secret"), ("all.zip", b"PK")]
    await world.ada.send(world.channel, f"{world.mention} what is in it?", attachments=files)
    told = "I could not read notes.txt: it does not lie on Discord's servers · I cannot read all.zip"
    assert world.said() == [f"I see no file.\n-# {told}"]


class TestWhenTheEngineFails:
    async def test_an_engine_that_comes_back_in_time_still_answers(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(failure(503, "loading"), reply("Here I am."))
        assert (await ask(world)).content == "Here I am."

    async def test_an_engine_that_stays_away(self, world: World, engine: ScriptedEngine, history: History) -> None:
        await engine.stop()
        answer = await ask(world)
        assert answer.content == explain(EngineUnavailable()).sentence
        how = await stored(history, answer)
        assert (how.finish_reason, how.error) == ("error", "EngineUnavailable")
        assert (await history.chain(answer.id)).messages[-1].content == ""

        await engine.start()
        engine.enqueue(reply("Back."))
        await ask(world, "and now?", reply_to=answer)
        assert world.said()[-1] == "Back."
        assert engine.requests[-1].texts[1:] == ["Ada: hello\nAda: and now?"]

    async def test_a_full_queue_says_when_to_come_back(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(failure(429, "queue full", headers={"Retry-After": "7"}))
        assert "in about 7 s" in (await ask(world)).content

    async def test_no_first_token(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(failure(504, "too slow"))
        assert (await ask(world)).content == explain(EngineTimeout()).sentence

    async def test_the_engine_dies_in_the_middle(self, world: World, engine: ScriptedEngine, history: History) -> None:
        engine.enqueue(die_midway("The answer ", "is "), reply("42."))
        answer = await ask(world)
        assert answer.content == f"The answer is\n-# {explain(StreamBroken()).sentence}"
        how = await stored(history, answer)
        assert (how.finish_reason, how.error) == ("error", "StreamBroken")
        assert (await history.chain(answer.id)).messages[-1].content == "The answer is"
        await ask(world, "go on", reply_to=answer)
        assert engine.requests[1].texts[1:] == ["Ada: hello", "The answer is", "Ada: go on"]

    async def test_a_message_that_is_too_long_alone(self, world: World, engine: ScriptedEngine) -> None:
        engine.max_model_len = 60
        assert (await ask(world, "word " * 100)).content == explain(ContextTooLong("")).sentence
        assert engine.requests == []

    async def test_a_refusal(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(failure(400, "no", kind="invalid_request_error"))
        assert "refused" in (await ask(world)).content


class TestOneAtATime:
    async def test_a_second_question_in_a_conversation_waits(self, world: World, engine: ScriptedEngine) -> None:
        root = await world.ada.send(world.channel, "bees dance")
        hold = asyncio.Event()
        engine.enqueue(reply(pieces=[hold, "One."]), reply("Two."))
        for person, question in ((world.ada, "first"), (world.grace, "second")):
            world.env.backend.create_message(
                world.channel.id,
                person.id,
                f"{world.mention} {question}",
                reference={"message_id": str(root.id), "channel_id": str(world.channel.id)},
            )
        await engine.received(1)
        await until(lambda: len(engine.tokenized) == 3)  # the template and the instruction, once
        assert len(engine.requests) == 1
        hold.set()
        await world.env.settle()
        assert world.said() == ["One.", "Two."]
        assert {request.texts[-1].split()[-1] for request in engine.requests} == {"first", "second"}

    async def test_two_conversations_run_at_once(self, world: World, engine: ScriptedEngine) -> None:
        hold = asyncio.Event()
        engine.enqueue(reply(pieces=[hold, "slow"]), when=lambda request: "first" in request.texts[-1])
        engine.enqueue(reply("quick"), when=lambda request: "second" in request.texts[-1])
        for person, question in ((world.ada, "first"), (world.grace, "second")):
            world.env.backend.create_message(world.channel.id, person.id, f"{world.mention} {question}")
        await until(lambda: world.said() == ["quick"])
        hold.set()
        await world.env.settle()
        assert world.said() == ["quick", "slow"]

    @pytest.mark.settings(bot={"requests_per_minute": 2})
    async def test_one_person_may_not_ask_without_end(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("1"), reply("2"))
        for _ in range(4):
            await ask(world)
        assert world.said()[:2] == ["1", "2"]
        assert len(world.said()) == 3 and "in the last minute" in world.said()[2]
        assert [str(reaction.emoji) for reaction in world.channel.history()[-1].reactions] == ["⏳"]


class TestWhatDiscordHasAndSqlLacks:
    async def test_the_chain_is_fetched_once(self, world: World, engine: ScriptedEngine, history: History) -> None:
        first = await world.grace.send(world.channel, "bees dance")
        second = await world.ada.send(world.channel, "do they?", reply_to=first)
        engine.enqueue(reply("Yes."), reply("Really."))
        answer = await ask(world, "is that so?", reply_to=second)
        assert engine.requests[0].texts[-1] == "Grace: bees dance\nAda: do they?\nAda: is that so?"
        assert len((await history.chain(answer.id)).messages) == 4
        before = len(world.env.http_requests)
        await ask(world, "really?", reply_to=answer)
        assert not [request for request in world.env.http_requests[before:] if request.method == "GET"]

    async def test_a_deleted_beginning_is_simply_not_there(self, world: World, engine: ScriptedEngine) -> None:
        first = await world.grace.send(world.channel, "bees dance")
        second = await world.ada.send(world.channel, "do they?", reply_to=first)
        await world.grace.delete(first)
        engine.enqueue(reply("Yes."))
        await ask(world, "is that so?", reply_to=second)
        assert engine.requests[0].texts[-1] == "Ada: do they?\nAda: is that so?"

    async def test_its_own_remarks_are_not_read_back(self, world: World, engine: ScriptedEngine) -> None:
        lost = world.env.backend.create_message(world.channel.id, world.me, "Half an answer\n-# it stopped")
        engine.enqueue(reply("On it goes."))
        await world.ada.send(world.channel, "go on", reply_to=world.channel.history()[-1])
        assert lost.id and engine.requests[0].texts[-2:] == ["Half an answer", "Ada: go on"]


class TestEditsAndDeletions:
    async def test_a_late_edit_reaches_the_next_prompt(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Noted."), reply("Blue."))
        question = await world.ada.send(world.channel, f"{world.mention} I like green")
        answer = world.channel.last_message
        await world.env.advance_time(121)
        await world.ada.edit(question, f"{world.mention} I like blue")
        await ask(world, "what do I like?", reply_to=answer)
        assert engine.requests[1].texts[1:] == ["Ada: I like blue", "Noted.", "Ada: what do I like?"]

    async def test_a_deletion_reaches_the_next_prompt(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("Noted."), reply("I do not know."))
        question = await world.ada.send(world.channel, f"{world.mention} my secret is 42")
        answer = world.channel.last_message
        await world.ada.delete(question)
        rows = (await history.chain(question.id)).messages
        assert rows[0].content == "" and rows[0].deleted_at is not None
        await ask(world, "what is my secret?", reply_to=answer)
        assert "42" not in " ".join(engine.requests[1].texts)

    async def test_a_deletion_that_overtakes_its_message(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("I see nothing."))
        backend = world.env.backend
        hasty = backend.create_message(world.channel.id, world.ada.id, f"{world.mention} my secret is 42")
        backend.delete_message(world.channel.id, hasty.id)
        await world.env.settle()
        assert [row.content for row in (await history.chain(hasty.id)).messages] == [""]

    async def test_many_deletions_at_once(self, world: World, engine: ScriptedEngine, history: History) -> None:
        engine.enqueue(reply("Noted."))
        question = await world.ada.send(world.channel, f"{world.mention} my secret is 42")
        answer = world.channel.last_message
        assert answer is not None
        world.env.backend.bulk_delete_messages(world.channel.id, [question.id, answer.id])
        await world.env.settle()
        assert [row.content for row in (await history.chain(answer.id)).messages] == ["", ""]

    async def test_its_own_edits_do_not_touch_what_is_stored(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("@everyone look"))
        answer = await ask(world)
        world.env.backend.edit_message(world.channel.id, answer.id, {"content": "shown otherwise"})
        await world.env.settle()
        assert (await history.chain(answer.id)).messages[-1].content == "@everyone look"


class TestWhenDiscordOrTheDatabaseFails:
    async def test_a_channel_in_which_it_may_not_write(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Hello."))
        world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013, times=None)
        await world.ada.send(world.channel, f"{world.mention} hello")
        assert world.said() == []

    async def test_without_the_right_to_read_history_it_answers_without_a_reference(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply("Hello."))
        world.env.inject_error("POST", "/channels/*/messages", status=400, code=160002, times=1)
        assert (await ask(world)).content == "Hello."

    @pytest.mark.settings(bot={"requests_per_minute": 1})
    async def test_without_the_right_to_read_history_a_refusal_is_said_too(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply("Hello."))
        await ask(world)
        world.env.inject_error("POST", "/channels/*/messages", status=400, code=160002, times=1)
        assert "in the last minute" in (await ask(world)).content

    async def test_a_connection_that_breaks_while_an_older_message_is_fetched(
        self, world: World, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def breaks(*_: object) -> discord.Message:
            raise aiohttp.ServerDisconnectedError

        older = await world.grace.send(world.channel, "my cat is grey")
        said = await world.grace.send(world.channel, "she really is", reply_to=older)
        monkeypatch.setattr(discord.abc.Messageable, "fetch_message", breaks)
        engine.enqueue(reply("Grey."))
        await world.ada.send(world.channel, f"{world.mention} which colour?", reply_to=said)
        assert world.said() == ["Grey."]

    @pytest.mark.simcord(settle_timeout=8)  # until the next try lies beyond it, so it is waited for that long
    async def test_a_database_that_is_gone_is_said_and_what_was_said_meanwhile_is_stored_later(
        self, world: World, engine: ScriptedEngine, database: Database, history: History
    ) -> None:
        async with database.write() as session:
            await session.execute(sql("ALTER TABLE messages RENAME TO elsewhere"))
        answer = await ask(world)
        assert answer.content == explain(DatabaseUnavailable()).sentence
        async with database.engine.begin() as connection:
            await connection.execute(sql("ALTER TABLE elsewhere RENAME TO messages"))
        assert answer.reference is not None and answer.reference.message_id is not None
        await until(lambda: database.intake(history.record).waiting == 0)
        assert (await history.chain(answer.reference.message_id)).messages

    async def test_what_nobody_foresaw_is_a_sentence_too(self, world: World, bot: Bot) -> None:
        bot.clients[0]._parts.conversation.reception._turns = None  # type: ignore[assignment]
        assert (await ask(world)).content == UNEXPECTED


async def test_the_conversation_goes_on_after_a_restart(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    engine.enqueue(reply("Noted."), reply("Green."))
    answer = await ask(world, "my favourite colour is green")
    await world.env.restart_bot(bot.client())
    await ask(world, "which colour do I like?", reply_to=answer)
    assert world.said() == ["Noted.", "Green."]
    assert engine.requests[1].texts[1:3] == ["Ada: my favourite colour is green", "Noted."]


class TestOwnText:
    """What Steward does not say, whatever its model writes."""

    BAD = codecs.decode("xvxr", "rot13")

    async def test_an_answer_with_such_a_word_is_taken_back_before_it_shows(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply(pieces=["All is well. ", self.BAD[:2], self.BAD[2:], " and more."]))
        answer = await ask(world)
        assert answer.content == INSTEAD
        assert self.BAD not in str([row.content for row in (await history.chain(answer.id)).messages])

    @pytest.mark.settings(bot={"filter_own_text": False})
    async def test_the_owner_can_switch_that_off(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply(f"All is {self.BAD}."))
        assert self.BAD in (await ask(world)).content
