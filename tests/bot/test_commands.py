"""Every command on the simulated Discord: its answer, its limits, its failures."""

from __future__ import annotations

import codecs

import discord
import pytest
import sklearn.feature_extraction.text  # noqa: F401 - takes seconds on a busy machine: not inside a test
from simcord.results import InteractionResult

from bot.client import StewardClient
from bot.commands.post import POST_ID, private_id
from bot.commands.sync import sync
from bot.commands.tree import NOT_IN_PRIVATE, NOT_SERVED
from bot.conversation.answer import CUT_OFF, NO_ANSWER, NOTHING_ASKED, ONLY_THOUGHT
from bot.conversation.own_text import INSTEAD
from bot.errors import UNEXPECTED, explain
from bot.whereabouts import OWN_MACHINE
from llm.errors import EngineUnavailable
from storage.history import History
from tests.bot.conftest import Bot, World
from tests.bot.test_addressed import own_thread
from tests.fakes import Answer, ScriptedEngine, failure, reply


def text_of(result: InteractionResult) -> str:
    """What the person reads, and that nobody else does."""
    assert result.acknowledged and result.ephemeral
    assert result.response is not None
    return result.response.content


def whole_text_of(result: InteractionResult) -> str:
    """The same of an answer in several messages."""
    assert all(part.ephemeral for part in result.followups)
    return "\n".join([text_of(result), *(part.content for part in result.followups)])


def was_deferred(world: World) -> bool:
    """Whether the last command was promised a private answer before any work."""
    callbacks = [request.json for request in world.env.http_requests if request.path.endswith("/callback")]
    return callbacks[-1] == {"type": 5, "data": {"flags": 64}}


class TestHelp:
    async def test_it_tells_how_to_talk_and_where_the_words_go(self, world: World) -> None:
        told = whole_text_of(await world.ada.slash(world.channel, "help"))
        assert world.mention in told and "/summarize" in told and OWN_MACHINE in told

    async def test_it_works_in_private_even_where_talking_is_off(self, world: World) -> None:
        assert "I am Steward" in whole_text_of(await world.ada.user.slash("help"))

    @pytest.mark.settings(llm={"base_url": "https://api.example.com/v1"})
    async def test_a_hosted_engine_is_named(self, world: World) -> None:
        assert "sent to api.example.com" in whole_text_of(await world.ada.slash(world.channel, "help"))


class TestAsk:
    async def test_what_steward_does_not_say_is_not_said_in_private_either(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply(f"All is {codecs.decode('xvxr', 'rot13')}."))
        assert text_of(await world.ada.slash(world.channel, "ask", question="how is it?")) == INSTEAD

    async def test_the_answer_is_private_and_stored(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("Bees dance."))
        result = await world.ada.slash(world.channel, "ask", question="what do bees do?")
        assert was_deferred(world)
        assert text_of(result) == "Bees dance."
        assert result.response is not None
        assert engine.requests[0].texts[-1] == "Ada: what do bees do?"
        assert engine.requests[0].body["priority"] == "command"
        rows = (await history.chain(private_id(result.response.id))).messages
        assert [(row.author.name, row.content) for row in rows] == [
            ("Ada", "what do bees do?"),
            ("TestBot", "Bees dance."),
        ]
        assert (await history.reply(private_id(result.response.id))) is not None

    async def test_nobody_else_reads_it_back(self, world: World, engine: ScriptedEngine, history: History) -> None:
        thread = await own_thread(world)
        engine.enqueue(reply("It is 42."), reply("Hello."), reply("It was 42."))
        asked = await world.ada.slash(thread, "ask", question="what is my secret?")
        assert asked.response is not None
        assert await history.recent(thread.id, 10) == []
        assert (await history.chain(asked.response.id)).messages == []
        await world.grace.send(thread, "hello")
        assert engine.requests[1].texts[1:] == ["Grace: hello"]

        await world.ada.click(asked.response, custom_id=POST_ID)
        await world.grace.send(thread, f"{world.mention} what was it?")
        said = "Ada: what is my secret?"
        assert any(said in text for text in engine.requests[2].texts)
        assert "It is 42." in engine.requests[2].texts
        kept = (await history.chain(private_id(asked.response.id))).messages
        assert [row.content for row in kept] == ["", ""]

    async def test_it_is_no_message_to_summarize(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("It is 42."))
        await world.ada.slash(world.channel, "ask", question="what is my secret?")
        assert "there is no message" in text_of(await world.grace.slash(world.channel, "summarize"))

    async def test_an_engine_that_comes_back_in_time_still_answers(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(failure(503, "loading"), reply("Here I am."))
        assert text_of(await world.ada.slash(world.channel, "ask", question="hello?")) == "Here I am."

    async def test_an_engine_that_stays_away_is_said(self, world: World, engine: ScriptedEngine) -> None:
        await engine.stop()
        told = text_of(await world.ada.slash(world.channel, "ask", question="hello?"))
        assert told == explain(EngineUnavailable()).sentence

    async def test_a_long_answer_is_posted_whole_after_a_restart(
        self, world: World, engine: ScriptedEngine, bot: Bot
    ) -> None:
        engine.enqueue(reply("a" * 1990 + "\n\n" + "b" * 100))
        result = await world.ada.slash(world.channel, "ask", question="tell me much")
        await world.env.restart_bot(bot.client())
        await world.ada.click(result.followups[0], custom_id=POST_ID)
        shown = "".join(message.content for message in world.channel.history(viewer=world.grace))
        assert (shown.count("a" * 100), shown.count("b" * 100)) == (19, 1)

    async def test_it_can_be_posted_once_and_goes_on_from_there(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Green."), reply("Since you said so."))
        result = await world.ada.slash(world.channel, "ask", question="what colour are leaves?")
        assert result.response is not None
        pressed = await world.ada.click(result.response, custom_id=POST_ID)
        assert pressed.deferred, "storage may take longer than Discord waits"
        posted = world.channel.history(viewer=world.grace)[-1]
        assert posted.content == "> **Ada** asked me: what colour are leaves?\nGreen."
        assert result.response.components == []
        await world.grace.send(world.channel, "why?", reply_to=posted)
        assert engine.requests[1].texts[1:] == ["Ada: what colour are leaves?", "Green.", "Grace: why?"]

    async def test_posting_works_after_a_restart(self, world: World, engine: ScriptedEngine, bot: Bot) -> None:
        engine.enqueue(reply("Green."))
        result = await world.ada.slash(world.channel, "ask", question="what colour are leaves?")
        assert result.response is not None
        await world.env.restart_bot(bot.client())
        await world.ada.click(result.response, custom_id=POST_ID)
        assert world.channel.history(viewer=world.grace)[-1].content.endswith("\nGreen.")

    async def test_nobody_posts_where_they_may_not_write(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Green."))
        silence = {world.guild.default_role: discord.PermissionOverwrite(send_messages=False)}
        channel = world.guild.create_text_channel("news", overwrites=silence)
        result = await world.ada.slash(channel, "ask", question="what colour are leaves?")
        assert result.response is not None
        pressed = await world.ada.click(result.response, custom_id=POST_ID)
        assert "may not write" in text_of(pressed)
        assert channel.history(viewer=world.grace) == []

    async def test_a_long_answer_has_several_private_parts(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("a" * 1990 + "\n\n" + "b" * 100))
        result = await world.ada.slash(world.channel, "ask", question="tell me much")
        assert text_of(result) == "a" * 1990
        assert [part.content for part in result.followups] == ["b" * 100]
        assert all(part.ephemeral for part in result.followups)
        assert result.response is not None and result.response.components == []
        await world.ada.click(result.followups[0], custom_id=POST_ID)
        shown = [message.content for message in world.channel.history(viewer=world.grace)]
        assert shown[0].startswith("> **Ada** asked me: tell me much\n") and "".join(shown).count("a") >= 1990

    async def test_what_was_cut_off_is_said(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("And so on", finish_reason="length"))
        told = text_of(await world.ada.slash(world.channel, "ask", question="tell me"))
        assert told == f"And so on\n-# {CUT_OFF}"

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            (failure(429, "full", headers={"Retry-After": "9"}), "about 9 s"),
            (reply(""), NO_ANSWER),
            (reply("```", finish_reason="length"), NO_ANSWER),
            (reply(thoughts=["Let me see."], finish_reason="length"), ONLY_THOUGHT),
        ],
    )
    async def test_failures_are_sentences(
        self, world: World, engine: ScriptedEngine, answer: Answer, sentence: str
    ) -> None:
        engine.enqueue(answer)
        assert sentence in text_of(await world.ada.slash(world.channel, "ask", question="hello?"))

    async def test_a_question_of_mentions_alone(self, world: World) -> None:
        assert text_of(await world.ada.slash(world.channel, "ask", question=world.mention)) == NOTHING_ASKED

    @pytest.mark.settings(bot={"requests_per_minute": 1})
    async def test_the_limit_is_a_sentence(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("One."))
        await world.ada.slash(world.channel, "ask", question="one?")
        assert "in the last minute" in text_of(await world.ada.slash(world.channel, "ask", question="two?"))

    async def test_in_private_it_is_refused_where_talking_is_off(self, world: World) -> None:
        assert text_of(await world.ada.user.slash("ask", question="hello?")) == NOT_IN_PRIVATE

    @pytest.mark.settings(bot={"direct_messages": "everyone"})
    async def test_in_private_it_answers_where_talking_is_on(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Hello."))
        assert text_of(await world.ada.user.slash("ask", question="hello?")) == "Hello."


class TestTheTree:
    async def test_commands_are_sent_only_when_they_differ(self, world: World, bot: Bot) -> None:
        def puts() -> int:
            return sum(request.method == "PUT" for request in world.env.http_requests)

        assert puts() == 1
        await world.env.restart_bot(bot.client())
        assert puts() == 1
        client = bot.clients[-1]
        assert isinstance(client, StewardClient)
        client.tree.remove_command("help")
        assert await sync(client.tree)
        assert not await sync(client.tree)
        assert puts() == 2

    async def test_names_are_unique_and_described(self, world: World, bot: Bot) -> None:
        commands = bot.clients[0].tree.get_commands()
        assert sorted(command.name for command in commands) == [
            "Find names",
            "How it sounds",
            "Summarize from here",
            "Translate",
            "ask",
            "catchup",
            "classify",
            "entities",
            "find",
            "help",
            "knowledge",
            "memory",
            "mirror",
            "pause",
            "privacy",
            "sentiment",
            "settings",
            "summarize",
            "translate",
            "typing",
            "usage",
        ]
        assert all(getattr(command, "description", "a context menu has none") for command in commands)

    async def test_a_server_that_is_not_served_gets_a_sentence(self, world: World) -> None:
        world.env.inject_error("DELETE", "/users/@me/guilds/*", status=500, times=None)
        other = world.env.create_guild("Elsewhere")
        channel = other.create_text_channel("general")
        stranger = other.add_member(world.env.create_user("Mallory"))
        await world.env.settle()
        assert text_of(await stranger.slash(channel, "ask", question="hello?")) == NOT_SERVED
        assert text_of(await stranger.slash(channel, "help")) == NOT_SERVED

    async def test_what_nobody_foresaw_is_a_sentence(self, world: World, bot: Bot) -> None:
        @bot.clients[0].tree.command(name="broken", description="breaks")
        async def broken(interaction: discord.Interaction) -> None:
            raise KeyError("secret detail")

        await sync(bot.clients[0].tree)
        assert text_of(await world.ada.slash(world.channel, "broken")) == UNEXPECTED
        assert len(world.env.errors) == 1
