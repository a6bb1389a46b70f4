"""/find: what was said is found by whoever may read it, and by nobody else; what went is never shown."""

from __future__ import annotations

import asyncio
import codecs

import discord
import numpy as np
import pytest
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from bot.commands import paged
from bot.commands.find import BLANK, BY_WORDS, NOT_FOR_ALL, NOTHING_KEPT, NOTHING_LEFT, ONLY_DOCUMENTS, WHY
from bot.commands.working import STOPPED
from bot.conversation.own_text import INSTEAD
from storage.database import Database
from storage.privacy import Privacy
from storage.search import Search
from tests.bot.conftest import Bot, World
from tests.bot.test_controls import labels, moderator
from tests.fakes import ScriptedEngine, failure, reply, words_as_vector
from tests.waiting import until

KEY = "the key of the shed hangs behind the green door"


@pytest.fixture(autouse=True)
def small_model(request: pytest.FixtureRequest, engine: ScriptedEngine) -> None:
    """The built-in model, which writes no answers, unless the test is about those."""
    if request.cls is not TestWritten:
        engine.model = "embedded/chat"


@pytest.fixture
def in_playground() -> bool:
    """Everything is kept there."""
    return True


def text_of(result: InteractionResult) -> str:
    """What the person reads, and that nobody else does."""
    assert result.acknowledged and result.ephemeral
    assert result.response is not None
    return str(result.response.content)


async def looked_for(
    world: World, question: str = "where does the shed key hang?", **options: str
) -> InteractionResult:
    return await world.ada.slash(world.channel, "find", question=question, **options)


def hidden_channel(world: World, *people: object) -> ChannelHandle:
    """A channel that these people and Steward see."""
    unseen, seen = discord.PermissionOverwrite(view_channel=False), discord.PermissionOverwrite(view_channel=True)
    overwrites = {world.guild.default_role: unseen, world.guild.roles["TestBot"]: seen, **dict.fromkeys(people, seen)}
    return world.guild.create_text_channel("vault", overwrites=overwrites)


class TestFinding:
    async def test_what_was_said_is_found_with_a_link(self, world: World) -> None:
        said = await world.grace.send(world.channel, KEY)
        await world.grace.send(world.channel, "who brings cake on Sunday?")
        told = text_of(await looked_for(world))
        assert f"**Grace**: {KEY} [↗]({said.jump_url})" in told
        assert "cake" not in told

    async def test_what_was_never_said_is_not_found(self, world: World, engine: ScriptedEngine) -> None:
        await world.grace.send(world.channel, KEY)
        result = await looked_for(world, "how tall is the lighthouse?")
        assert "I did not find it" in text_of(result)
        engine.enqueue(reply("About 30 metres."))
        answered = await world.ada.click(result.response, label="Ask the model instead")
        assert text_of(answered) == "About 30 metres."
        assert engine.requests[-1].texts[-1] == "Ada: how tall is the lighthouse?"

    async def test_meaning_counts_as_well(self, world: World, engine: ScriptedEngine, database: Database) -> None:
        engine.embeds = True
        said = await world.grace.send(world.channel, KEY)
        await looked_for(world)
        search = Search(database)
        (number,) = await search.waiting(world.guild.id, "scripted/embeddings", 9)
        vector = np.frombuffer(words_as_vector("lantern"), "<f4")
        await search.embed(world.guild.id, "scripted/embeddings", {number: vector})
        told = text_of(await looked_for(world, "lantern"))
        assert said.jump_url in told and BY_WORDS not in told

    async def test_where_nothing_is_kept(self, world: World) -> None:
        assert text_of(await looked_for(world, where="channel")) == NOTHING_KEPT

    async def test_where_no_channel_is_kept_it_says_so(self, world: World) -> None:
        assert ONLY_DOCUMENTS in text_of(await looked_for(world))

    async def test_nothing_is_no_question(self, world: World) -> None:
        assert text_of(await looked_for(world, "   ")) == BLANK

    async def test_without_a_worker_words_are_searched(self, world: World, engine: ScriptedEngine) -> None:
        await world.grace.send(world.channel, KEY)
        await engine.stop()
        told = text_of(await looked_for(world))
        assert KEY in told and BY_WORDS in told


class TestWritten:
    """A chat model answers from what was found."""

    async def test_what_its_citation_does_not_support_is_dropped(self, world: World, engine: ScriptedEngine) -> None:
        await world.ada.send(world.channel, "has anybody seen it?")
        said = await world.grace.send(world.channel, KEY)
        written = ["The shed key hangs behind the green door [2].", "It weighs 99 grams [2].", "So they say."]
        engine.enqueue(reply("\n".join(written)))
        told = text_of(await looked_for(world))
        assert told.startswith(f"**What I found**\nThe shed key hangs behind the green door. [↗]({said.jump_url})")
        assert "99" not in told and "So they say" not in told
        asked = engine.requests[0].texts[-1]
        assert f"[1] Ada: has anybody seen it?\n[2] Grace: {KEY}" in asked
        assert engine.requests[0].body["priority"] == "command"

    async def test_it_says_that_it_is_not_there(self, world: World, engine: ScriptedEngine) -> None:
        await world.grace.send(world.channel, KEY)
        engine.enqueue(reply("NOT FOUND"))
        assert "I did not find it" in text_of(await looked_for(world))

    async def test_without_the_model_people_speak_for_themselves(self, world: World, engine: ScriptedEngine) -> None:
        await world.grace.send(world.channel, KEY)
        engine.enqueue(failure(503, "loading"))
        told = text_of(await looked_for(world))
        assert f"**Grace**: {KEY}" in told and WHY["engine failed"] in told

    async def test_a_sentence_goes_with_its_message(self, world: World, engine: ScriptedEngine) -> None:
        said = await world.grace.send(world.channel, KEY)
        world.env.backend.delete_message(world.channel.id, said.id)
        engine.enqueue(reply("The shed key hangs behind the green door [1]."))
        assert "door" not in text_of(await looked_for(world))

    async def test_what_steward_does_not_say_is_not_found_either(self, world: World, engine: ScriptedEngine) -> None:
        await world.grace.send(world.channel, KEY)
        engine.enqueue(reply(f"The shed key hangs behind the green door, {codecs.decode('xvxr', 'rot13')} [1]."))
        assert text_of(await looked_for(world)) == INSTEAD

    async def test_progress_and_stop(self, world: World, engine: ScriptedEngine) -> None:
        await world.grace.send(world.channel, KEY)
        engine.enqueue(reply(pieces=[asyncio.Event()]))
        asked = asyncio.create_task(looked_for(world))
        request = await engine.received(1)
        (pending,) = world.env.backend.interactions.values()
        shown = InteractionResult(world.env, pending)
        await until(lambda: "Reading passages that were found: 1 …" in text_of(shown))
        world.env._end_operation()  # she presses while the command is still going on
        await world.ada.click(shown.response, label="Stop")
        await asked
        assert text_of(shown) == STOPPED
        await asyncio.wait_for(request.disconnected.wait(), 10)

    async def test_what_everybody_may_read_is_posted_as_it_is(self, world: World, engine: ScriptedEngine) -> None:
        said = await world.grace.send(world.channel, KEY)
        engine.enqueue(reply("The shed key hangs behind the green door [1]."))
        result = await looked_for(world)
        await world.ada.click(result.response, label="Post here")
        (posted,) = world.said()
        assert "behind the green door" in posted and said.jump_url in posted
        assert len(engine.requests) == 1

    async def test_what_was_posted_goes_with_its_message(self, world: World, engine: ScriptedEngine) -> None:
        said = await world.grace.send(world.channel, KEY)
        other = await world.grace.send(world.channel, "the shed key has a green ribbon")
        engine.enqueue(
            reply("The shed key hangs behind the green door [1].\nThe shed key has a green ribbon [2]."),
        )
        result = await looked_for(world)
        await world.ada.click(result.response, label="Post here")
        await world.grace.delete(said)
        (left,) = world.said()
        assert "door" not in left and other.jump_url in left
        await world.grace.delete(other)
        (left,) = world.said()
        assert left.startswith("Nothing is left")

    @pytest.mark.settings(tasks={"find": "extractive"})
    async def test_the_owner_may_want_quotes(self, world: World, engine: ScriptedEngine) -> None:
        await world.grace.send(world.channel, KEY)
        told = text_of(await looked_for(world))
        assert f"**Grace**: {KEY}" in told and WHY["engine failed"] not in told
        assert engine.requests == []


class TestPressed:
    async def test_a_pause_holds_for_the_buttons_too(self, world: World, engine: ScriptedEngine) -> None:
        found_nothing = await looked_for(world, "how tall is the lighthouse?")
        await world.grace.send(world.channel, KEY)
        found = await looked_for(world)
        before = len(engine.requests)
        await moderator(world).slash(world.channel, "pause")
        pressed = await world.ada.click(found_nothing.response, label="Ask the model instead")
        assert "paused" in text_of(pressed) and len(engine.requests) == before
        posted = await world.ada.click(found.response, label="Post here")
        assert "paused" in text_of(posted) and world.said() == []

    @pytest.mark.settings(bot={"requests_per_day": 1})
    async def test_posting_what_is_there_costs_nothing(self, world: World) -> None:
        await world.grace.send(world.channel, KEY)
        result = await looked_for(world)
        await world.ada.click(result.response, label="Post here")
        assert KEY in world.said()[-1]


class TestWhoMayRead:
    async def test_only_what_the_asker_can_read(self, world: World) -> None:
        vault = hidden_channel(world, world.grace)
        await world.grace.send(vault, KEY)
        assert "I did not find it" in text_of(await looked_for(world))
        found = await world.grace.slash(world.channel, "find", question="where does the shed key hang?")
        assert KEY in text_of(found)

    async def test_posted_is_only_what_everybody_here_can_read(self, world: World) -> None:
        vault = hidden_channel(world, world.ada)
        await world.ada.send(vault, KEY)
        secret = await looked_for(world)
        assert KEY in text_of(secret)
        refused = await world.ada.click(secret.response, label="Post here")
        assert NOT_FOR_ALL in [told.content for told in refused.followups]
        assert world.said() == []
        open_one = "the shed key has a green ribbon"
        await world.grace.send(world.channel, open_one)
        both = await looked_for(world)
        assert KEY in text_of(both) and open_one in text_of(both)
        await world.ada.click(both.response, label="Post here")
        (posted,) = world.said()
        assert posted.startswith("> **Ada** shares:\n> where does")
        assert open_one in posted and KEY not in posted

    async def test_whoever_opted_out_is_not_found(self, world: World, database: Database) -> None:
        await world.grace.send(world.channel, KEY)
        assert KEY in text_of(await looked_for(world))
        await Privacy(database).opt_out(world.grace.id, world.guild.id)
        assert KEY not in text_of(await looked_for(world))


class TestLookingAgain:
    async def test_what_was_deleted_or_edited_meanwhile_is_not_shown(self, world: World) -> None:
        said = await world.grace.send(world.channel, KEY)
        kept = await world.grace.send(world.channel, "the shed key was lost once")
        world.env.backend.delete_message(world.channel.id, said.id)
        told = text_of(await looked_for(world))
        assert KEY not in told and kept.jump_url in told

    async def test_what_is_sent_is_looked_at_again(self, world: World, database: Database) -> None:
        said = await world.grace.send(world.channel, KEY)
        result = await looked_for(world)
        assert labels(result.response.message) == ["Post here", "Send me by DM"]
        await world.ada.click(result.response, label="Send me by DM")
        assert KEY in world.said(world.ada.user.dm_channel)[-1]
        await world.grace.delete(said)
        assert NOTHING_LEFT in text_of(result)

    async def test_after_a_restart_the_button_says_so(self, world: World, bot: Bot) -> None:
        await world.grace.send(world.channel, KEY)
        result = await looked_for(world)
        await world.env.restart_bot(bot.client())
        pressed = await world.ada.click(result.response, label="Post here")
        assert text_of(pressed) == paged.GONE
