"""What happens to a question after it was said: edits, and proxies that delete it and post it again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from simcord.backend import serializers

from storage.history import History
from tests.bot.conftest import World
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until

PLURALKIT = 466378653216014359


class TestEdits:
    async def test_another_text_is_answered_anew_in_the_same_message(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("Green."), reply("Blue."))
        question = await world.ada.send(world.channel, f"{world.mention} I like green")
        answer = world.channel.history()[-1]
        await world.ada.edit(question, f"{world.mention} I like blue")
        assert world.said() == ["Blue."] and world.channel.history()[-1].id == answer.id
        assert engine.requests[1].texts[1:] == ["Ada: I like blue"]
        assert [row.content for row in (await history.chain(answer.id)).messages][1] == "Blue."

    async def test_while_it_is_being_answered(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply(pieces=["Green is. ", asyncio.Event()]), reply("Blue."))
        question = world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} I like green")
        await until(lambda: world.said() == ["Green is."])
        world.env.backend.edit_message(world.channel.id, question.id, {"content": f"{world.mention} I like blue"})
        await world.env.settle()
        assert world.said() == ["Blue."] and engine.requests[0].disconnected.is_set()

    async def test_the_same_text_is_no_news(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Green."))
        question = await world.ada.send(world.channel, f"{world.mention} I like green")
        await world.ada.edit(question, f"{world.mention} I like green")
        assert len(engine.requests) == 1

    async def test_after_two_minutes_only_what_is_stored_changes(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("Green."))
        question = await world.ada.send(world.channel, f"{world.mention} I like green")
        await world.env.advance_time(121)
        await world.ada.edit(question, f"{world.mention} I like blue")
        assert len(engine.requests) == 1
        assert (await history.chain(question.id)).messages[0].content.endswith("blue")

    async def test_what_was_replied_to_stays(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Green."), reply("Yes."))
        question = await world.ada.send(world.channel, f"{world.mention} I like green")
        await world.grace.send(world.channel, "really?", reply_to=world.channel.history()[-1])
        await world.ada.edit(question, f"{world.mention} I like blue")
        assert world.said() == ["Green.", "Yes."]


@pytest.mark.settings(bot={"proxies": [PLURALKIT]})
class TestProxies:
    def repost(self, world: World, content: str, application_id: int = PLURALKIT) -> Any:  # noqa: ANN401 - SimCord's
        """A proxy's webhook says it again; SimCord leaves out the application's id, which Discord sends."""
        backend = world.env.backend
        hook = backend.create_webhook(world.channel.id, "Proxy", world.ada.id)
        message = backend.create_message(
            world.channel.id, hook.webhook_user_id, content, webhook_id=hook.id, author_name="Luna", broadcast=False
        )
        payload = dict(serializers.message_payload(backend, message))
        payload["application_id"] = str(application_id)
        payload["channel_id"] = str(world.channel.id)
        payload["guild_id"] = str(world.guild.id)
        backend.emit("MESSAGE_CREATE", payload)
        return message

    @pytest.mark.parametrize("copy_first", [True, False])
    async def test_a_question_is_carried_over(
        self, world: World, engine: ScriptedEngine, history: History, copy_first: bool
    ) -> None:
        hold = asyncio.Event()
        engine.enqueue(*[reply(pieces=[hold, "Hello Luna."]) for _ in range(2)])
        original = world.env.backend.create_message(world.channel.id, world.ada.id, f"l: {world.mention} hello")
        await engine.received(1)
        if not copy_first:
            world.env.backend.delete_message(world.channel.id, original.id)
        copy = self.repost(world, f"{world.mention} hello")
        if copy_first:
            world.env.backend.delete_message(world.channel.id, original.id)
        await engine.received(2)
        hold.set()
        await world.env.advance_time(6)
        answer = world.channel.history()[-1]
        assert answer.content == "Hello Luna."
        assert answer.reference is not None and answer.reference.message_id == copy.id
        assert engine.requests[1].texts[1:] == ["Luna: hello"]
        assert [row.id for row in (await history.chain(answer.id)).messages] == [copy.id, answer.id]

    @pytest.mark.settings(bot={"proxies": [PLURALKIT], "store": "everything"})
    async def test_what_is_no_question_is_kept_where_everything_is(self, world: World, history: History) -> None:
        copy = self.repost(world, "good morning")
        await world.env.settle()
        assert [row.id for row in await history.recent(world.channel.id, 10)] == [copy.id]
