"""The buttons under an answer: who may press them, what they do, and that they work after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import discord
import pytest
from simcord.actors import MemberActor
from simcord.backend.models import AllowedMentions
from simcord.backend.serializers import message_payload

from bot.conversation.answer import CUT_OFF, STOPPED, STOPPED_AT_ONCE
from bot.conversation.broken_off import NOT_BEGUN
from bot.conversation.broken_off import STOPPED as STOPPED_BEFORE
from bot.conversation.buttons import TEMPLATE, Action, Target, after_answer, custom_id, view_of, while_writing
from bot.conversation.controls import NOT_NEWEST, NOT_WRITTEN, NOT_YOURS, PAGES_GONE, QUESTION_GONE, SOURCE_GONE
from bot.conversation.rendering import small
from bot.conversation.running import Why
from bot.conversation.turn import GO_ON
from bot.errors import explain
from llm.errors import EngineUnavailable, StreamBroken
from storage.database import Database
from storage.history import History
from storage.open_replies import OpenReplies
from tests.bot.conftest import Bot, World
from tests.fakes import ScriptedEngine, die_midway, failure, reply
from tests.waiting import until


def labels(message: discord.Message) -> list[str]:
    """The buttons under a message."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    return [str(button.label) for row in rows for button in row.children if isinstance(button, discord.Button)]


def newest(world: World) -> discord.Message:
    """Steward's last message, as it is now."""
    return [message for message in world.channel.history() if message.author.id == world.me][-1]


async def ask(world: World, text: str = "hello", reply_to: discord.Message | None = None) -> discord.Message:
    await world.ada.send(world.channel, f"{world.mention} {text}", reply_to=reply_to)
    return newest(world)


async def press(world: World, label: str, by: MemberActor | None = None, on: discord.Message | None = None) -> str:
    """Ada (or somebody else) presses a button; what only she reads then."""
    result = await (by or world.ada).click(on or newest(world), label=label)
    assert result.deferred
    return " ".join(message.content for message in result.followups if message.ephemeral)


@asynccontextmanager
async def asking(world: World, text: str = "hello") -> AsyncIterator[int]:
    """Ada's question is being answered during the body; its id."""
    question = world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} {text}")
    yield question.id
    await world.env.settle()


async def answered_by_grace(world: World, message: discord.Message) -> None:
    """Grace replies to it without a ping, so that Steward has nothing to answer."""
    reference = {"message_id": str(message.id), "channel_id": str(message.channel.id)}
    world.env.backend.create_message(
        message.channel.id,
        world.grace.id,
        "I see",
        reference=reference,
        allowed_mentions=AllowedMentions(replied_user=False),
    )
    await world.env.settle()


def moderator(world: World) -> MemberActor:
    role = world.guild.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("Mo"), roles=[role])


class TestStop:
    async def test_it_stands_there_while_the_answer_grows_and_ends_it(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply(pieces=["First sentence. ", asyncio.Event(), "Second."]))
        async with asking(world):
            await until(lambda: world.said() == ["First sentence."])
            assert labels(newest(world)) == ["Stop"]
            await press(world, "Stop")
        assert engine.requests[0].disconnected.is_set()
        assert newest(world).content == f"First sentence.\n{small(STOPPED[Why.PRESSED])}"
        assert labels(newest(world)) == ["Regenerate"]
        stored = await history.reply(newest(world).id)
        assert stored is not None and stored.finish_reason == "cancelled"
        assert (await history.chain(newest(world).id)).messages[-1].content == "First sentence."

    async def test_before_the_first_word(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply(queue=[5], pieces=[asyncio.Event(), "Never."]))
        async with asking(world):
            await until(lambda: world.said() != [])
            assert labels(newest(world)) == ["Stop"]
            await press(world, "Stop")
        assert world.said() == [STOPPED_AT_ONCE[Why.PRESSED]]
        assert labels(newest(world)) == ["Retry"]

    async def test_deleting_the_question_does_the_same(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply(pieces=["First sentence. ", asyncio.Event()]))
        async with asking(world) as question:
            await until(lambda: world.said() == ["First sentence."])
            world.env.backend.delete_message(world.channel.id, question)
        assert engine.requests[0].disconnected.is_set()
        assert newest(world).content == f"First sentence.\n{small(STOPPED[Why.DELETED])}"
        assert labels(newest(world)) == []

    async def test_a_question_that_is_deleted_before_the_first_word_gets_no_answer(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply(pieces=[asyncio.Event()]))
        async with asking(world) as question:
            await engine.received(1)
            world.env.backend.delete_message(world.channel.id, question)
        assert world.said() == []

    async def test_after_a_restart_it_makes_room_for_retry(self, world: World, engine: ScriptedEngine) -> None:
        question = await world.ada.send(world.channel, "hello")
        channel = world.env.bot.get_channel(world.channel.id)
        assert isinstance(channel, discord.TextChannel)
        stop = view_of(while_writing(Target(question.id, world.ada.id)))
        assert stop is not None
        await channel.send("First sentence.", view=stop, reference=question, mention_author=False)
        assert NOT_WRITTEN in await press(world, "Stop")
        assert labels(newest(world)) == ["Retry"]
        engine.enqueue(reply("Whole."))
        await press(world, "Retry")
        assert world.said() == ["Whole."]

    async def test_a_press_that_comes_after_the_end_leaves_the_buttons_of_the_whole_answer(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        """It was on its way when the answer's last edit came."""
        rest = asyncio.Event()
        engine.enqueue(reply(pieces=["First sentence. ", rest, "Second."]))
        async with asking(world) as question:
            await until(lambda: world.said() == ["First sentence."])
            shown = world.env.backend.get_message(world.channel.id, newest(world).id)
            pressed = {"message": dict(message_payload(world.env.backend, shown))}
            rest.set()
        data = {"custom_id": custom_id(Action.STOP, Target(question, world.ada.id)), "component_type": 2}
        await world.ada._dispatch_interaction(3, world.channel, data, extra=pressed, source_message_id=shown.id)
        assert world.said() == ["First sentence. Second."] and labels(newest(world)) == ["Regenerate"]

    @pytest.mark.parametrize(("begun", "told"), [("One.", f"One.\n{small(STOPPED_BEFORE)}"), ("", small(NOT_BEGUN))])
    async def test_an_answer_that_a_sudden_end_broke_off_says_so_after_the_restart(
        self, world: World, engine: ScriptedEngine, bot: Bot, begun: str, told: str
    ) -> None:
        engine.enqueue(reply("Another."))
        await ask(world)
        question = await world.ada.send(world.channel, "hello")
        channel = world.env.bot.get_channel(world.channel.id)
        assert isinstance(channel, discord.TextChannel)
        stop = view_of(while_writing(Target(question.id, world.ada.id))) or discord.utils.MISSING
        await channel.send(begun or small("3rd in line"), view=stop, reference=question)
        await world.env.restart_bot(bot.client())
        assert world.said() == ["Another.", told] and labels(newest(world)) == ["Retry"]


class TestRetry:
    async def test_a_failure_can_be_tried_again(self, world: World, engine: ScriptedEngine, history: History) -> None:
        engine.enqueue(failure(400, "no", kind="invalid_request_error"), reply("Now."), reply("Yes."))
        failed = await ask(world)
        assert labels(failed) == ["Retry"]
        assert await press(world, "Retry") == ""
        assert world.said() == ["Now."] and newest(world).id == failed.id
        assert engine.requests[1].texts == engine.requests[0].texts
        assert labels(newest(world)) == ["Regenerate"]
        stored = await history.reply(failed.id)
        assert stored is not None and (stored.finish_reason, stored.error) == ("stop", None)
        await ask(world, "really?", reply_to=newest(world))
        assert engine.requests[2].texts[1:] == ["Ada: hello", "Now.", "Ada: really?"]

    async def test_half_an_answer_stays_until_there_is_a_better_one(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(die_midway("The answer ", "is "), failure(400, "no", kind="invalid_request_error"), reply("42."))
        await ask(world)
        await press(world, "Retry")
        assert newest(world).content.startswith("The answer is\n") and "refused" in newest(world).content
        await press(world, "Retry")
        assert world.said() == ["42."]

    async def test_after_a_restart(self, world: World, engine: ScriptedEngine, bot: Bot) -> None:
        await engine.stop()
        failed = await ask(world)
        assert failed.content == explain(EngineUnavailable()).sentence
        await world.env.restart_bot(bot.client())
        await engine.start()
        engine.enqueue(reply("Back."))
        await press(world, "Retry")
        assert world.said() == ["Back."]

    async def test_a_question_that_is_gone(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(die_midway("The answer "))
        question = await world.ada.send(world.channel, f"{world.mention} hello")
        await world.ada.delete(question)
        assert await press(world, "Retry") == QUESTION_GONE
        assert explain(StreamBroken()).sentence in newest(world).content

    @pytest.mark.settings(bot={"requests_per_minute": 1})
    async def test_a_refusal_can_be_tried_again_and_counts_as_a_request(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply("1"), reply("2"))
        await ask(world)
        refused = await ask(world)
        assert labels(refused) == ["Retry"] and "in the last minute" in refused.content
        assert "in the last minute" in await press(world, "Retry")
        await world.env.advance_time(61)
        await press(world, "Retry")
        assert world.said() == ["1", "2"]


class TestContinue:
    async def test_it_goes_on_in_the_same_message(self, world: World, engine: ScriptedEngine, history: History) -> None:
        engine.enqueue(reply("And so on and", finish_reason="length"), reply("on."))
        cut = await ask(world)
        assert cut.content.endswith(CUT_OFF) and labels(cut) == ["Continue", "Regenerate"]
        await press(world, "Continue")
        assert world.said() == ["And so on and on."] and labels(newest(world)) == ["Regenerate"]
        assert engine.requests[1].texts[1:] == ["Ada: hello", "And so on and", f"Ada: {GO_ON}"]
        assert (await history.chain(cut.id)).messages[-1].content == "And so on and on."

    async def test_what_was_deleted_meanwhile_does_not_go_on(self, world: World, engine: ScriptedEngine) -> None:
        """The answer still stands on Discord and in memory; but what it repeats was deleted."""
        engine.enqueue(reply("The word is swordfish and", finish_reason="length"), reply("no more."))
        told = await world.grace.send(world.channel, "the word is swordfish")
        await ask(world, "which word?", reply_to=told)
        await world.grace.delete(told)
        assert await press(world, "Continue") == SOURCE_GONE
        assert len(engine.requests) == 1

    async def test_over_several_messages_after_a_restart(
        self, world: World, engine: ScriptedEngine, bot: Bot, history: History
    ) -> None:
        engine.enqueue(reply("word " * 500, finish_reason="length"), reply("end."))
        cut = await ask(world)
        assert len(world.said()) == 2
        await world.env.restart_bot(bot.client())
        await press(world, "Continue")
        assert len(world.said()) == 2 and world.said()[1].endswith("word end.")
        whole = "".join(row.content for row in (await history.chain(cut.id)).messages[1:])
        assert whole == ("word " * 500) + "end."


class TestRegenerate:
    async def test_all_answers_can_be_paged_through_and_the_shown_one_counts(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("One."), reply("Two."), reply("Yes."))
        answer = await ask(world)
        await press(world, "Regenerate")
        assert world.said() == ["Two."] and newest(world).id == answer.id
        assert engine.requests[1].texts == engine.requests[0].texts
        assert labels(newest(world)) == ["‹", "2/2", "›", "Regenerate"]
        await press(world, "‹")
        assert world.said() == ["One."] and labels(newest(world)) == ["‹", "1/2", "›", "Regenerate"]
        assert (await history.chain(answer.id)).messages[-1].content == "One."
        await press(world, "›")
        await press(world, "‹")
        await ask(world, "really?", reply_to=newest(world))
        assert engine.requests[2].texts[1:] == ["Ada: hello", "One.", "Ada: really?"]

    async def test_one_that_fails_leaves_what_stands(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("One."), failure(400, "no", kind="invalid_request_error"))
        await ask(world)
        await press(world, "Regenerate")
        assert newest(world).content.startswith("One.\n-# ") and labels(newest(world)) == ["Regenerate"]

    async def test_all_of_them_outlive_a_restart(
        self, world: World, engine: ScriptedEngine, bot: Bot, history: History
    ) -> None:
        engine.enqueue(reply("One and", finish_reason="length"), reply("Two."), reply("three."), reply("Four."))
        answer = await ask(world)
        await press(world, "Regenerate")
        await world.env.restart_bot(bot.client())
        assert await press(world, "‹") == ""
        assert labels(newest(world)) == ["‹", "1/2", "›", "Continue", "Regenerate"]
        assert (await history.chain(answer.id)).messages[-1].content == "One and"
        await world.env.restart_bot(bot.client())
        await press(world, "Continue")
        assert world.said() == ["One and three."] and labels(newest(world)) == ["‹", "1/2", "›", "Regenerate"]
        await press(world, "Regenerate")
        assert world.said() == ["Four."] and "3/3" in labels(newest(world))

    async def test_what_is_no_longer_kept_is_said(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        engine.enqueue(reply("One."), reply("Two."), reply("Three."))
        answer = await ask(world)
        await press(world, "Regenerate")
        await OpenReplies(database).close([answer.id])
        assert await press(world, "‹") == PAGES_GONE
        assert world.said() == ["Two."] and labels(newest(world)) == ["Regenerate"]
        await press(world, "Regenerate")
        assert world.said() == ["Three."] and "2/2" in labels(newest(world))

    async def test_a_deleted_question_takes_those_with_it_that_repeat_its_words(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply("You said swordfish."), reply("Two."))
        question = await world.ada.send(world.channel, f"{world.mention} my word is swordfish")
        await press(world, "Regenerate")
        await world.ada.delete(question)
        assert await press(world, "‹") == PAGES_GONE

    async def test_what_the_page_that_was_turned_to_repeats_takes_it_along(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("The word is swordfish."), reply("I cannot say."))
        told = await world.grace.send(world.channel, "the word is swordfish")
        answer = await ask(world, "which word?", reply_to=told)
        await press(world, "Regenerate")
        await press(world, "‹")
        assert (await history.chain(answer.id)).messages[-1].content == "The word is swordfish."
        await world.grace.delete(told)
        assert (await history.chain(answer.id)).messages[-1].content == ""

    async def test_a_question_that_is_edited_after_a_restart_is_answered_anew(
        self, world: World, engine: ScriptedEngine, bot: Bot
    ) -> None:
        engine.enqueue(reply("One."), reply("Two."))
        question = await world.ada.send(world.channel, f"{world.mention} one?")
        await world.env.restart_bot(bot.client())
        await world.ada.edit(question, f"{world.mention} two?")
        assert world.said() == ["Two."] and engine.requests[1].texts[1:] == ["Ada: two?"]

    async def test_somebody_has_answered(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("One."))
        await ask(world)
        await answered_by_grace(world, newest(world))
        assert await press(world, "Regenerate") == NOT_NEWEST
        assert labels(newest(world)) == []

    async def test_only_the_newest_reply_has_buttons(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("One."), reply("Two."))
        await ask(world, "and now?", reply_to=await ask(world))
        assert [labels(message) for message in world.channel.history() if message.author.id == world.me] == [
            [],
            ["Regenerate"],
        ]

    @pytest.mark.settings(bot={"history_messages": 2})
    async def test_only_the_newest_reply_of_a_talk_that_is_longer_than_what_is_read_has_buttons(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply("One."), reply("Two."), reply("Three."))
        second = await ask(world, "and now?", reply_to=await ask(world))
        await ask(world, "and then?", reply_to=second)
        shown = [labels(message) for message in world.channel.history() if message.author.id == world.me]
        assert shown == [[], [], ["Regenerate"]]

    @pytest.mark.settings(bot={"history_messages": 3})
    async def test_a_long_talk_has_one_answer_at_a_time(self, world: World, engine: ScriptedEngine, bot: Bot) -> None:
        running = bot.clients[0]._parts.conversation.replies._running
        engine.enqueue(reply("One."), reply(pieces=[asyncio.Event()]))
        message = await ask(world)
        for waiting in (1, 2):
            reference = {"message_id": str(message.id), "channel_id": str(world.channel.id)}
            question = f"{world.mention} and now?"
            message = world.env.backend.create_message(world.channel.id, world.ada.id, question, reference=reference)
            await until(lambda wanted=waiting: len(running) == wanted)
        assert len({one.key for one in running}) == 1
        for one in list(running):
            world.env.backend.delete_message(world.channel.id, one.question.id)
        await world.env.settle()
        assert world.said() == ["One."]

    async def test_of_who_wants_nothing_kept_no_answer_is_known(
        self, world: World, engine: ScriptedEngine, bot: Bot
    ) -> None:
        engine.enqueue(reply("One."))
        answer, newest_replies = await ask(world), bot.clients[0]._parts.conversation.newest
        assert newest_replies.of([answer.id]) is not None
        newest_replies.forget_person(world.ada.id, None)
        assert newest_replies.of([answer.id]) is None

    async def test_they_go_after_a_quarter_of_an_hour(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("One."))
        await ask(world)
        await world.env.advance_time(899)
        assert labels(newest(world)) == ["Regenerate"]
        await world.env.advance_time(2)
        assert labels(newest(world)) == []

    async def test_a_reply_of_an_earlier_run_that_is_old(self, world: World, engine: ScriptedEngine, bot: Bot) -> None:
        engine.enqueue(reply("One."))
        await ask(world)
        await world.env.restart_bot(bot.client())
        await world.env.advance_time(899)
        assert labels(newest(world)) == ["Regenerate"]
        await world.env.advance_time(2)
        assert labels(newest(world)) == []

    async def test_a_reply_that_became_old_while_steward_was_away(
        self, world: World, engine: ScriptedEngine, bot: Bot, database: Database
    ) -> None:
        engine.enqueue(reply("One."))
        await ask(world)
        opened = OpenReplies(database)
        (kept,) = await opened.all()
        await opened.put(replace(kept, since=kept.since - timedelta(minutes=16)), [])
        await world.env.restart_bot(bot.client())
        assert labels(newest(world)) == [] and await opened.all() == []

    async def test_a_reply_of_an_earlier_run_makes_room_for_the_next(
        self, world: World, engine: ScriptedEngine, bot: Bot
    ) -> None:
        engine.enqueue(reply("One."), reply("Two."))
        first = await ask(world)
        await world.env.restart_bot(bot.client())
        await ask(world, "and now?", reply_to=first)
        shown = [labels(message) for message in world.channel.history() if message.author.id == world.me]
        assert shown == [[], ["Regenerate"]]

    async def test_a_reply_of_an_earlier_run_that_somebody_answered(
        self, world: World, engine: ScriptedEngine, bot: Bot
    ) -> None:
        engine.enqueue(reply("One."))
        await answered_by_grace(world, await ask(world))
        await world.env.restart_bot(bot.client())
        assert await press(world, "Regenerate") == NOT_NEWEST

    async def test_others_may_not_and_moderators_may(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("One."), reply("Two."))
        await ask(world)
        assert await press(world, "Regenerate", world.grace) == NOT_YOURS
        assert await press(world, "Regenerate", moderator(world)) == ""
        assert newest(world).content == "Two."


def test_custom_ids_are_short_and_read_back() -> None:
    largest = Target(2**63, 2**63, 999_999)
    assert all(len(custom_id(action, largest)) <= 100 for action in Action)
    buttons = after_answer(Target(1, 2, 0), 2, is_cut_off=True)
    assert [button.label for button in buttons] == ["‹", "1/2", "›", "Continue", "Regenerate"]
    assert len({button.custom_id for button in buttons}) == 5
    assert TEMPLATE
