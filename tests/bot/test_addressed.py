"""Who is answered, tried on the simulated Discord: mentions, roles, replies, threads, private messages, bots."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest
from simcord.backend import serializers
from simcord.backend.models import AllowedMentions
from simcord.builders import ChannelHandle

from bot.config import BotSettings, Settings
from bot.conversation.reception import PRIVATE_REFUSED
from storage.history import History
from tests.bot.conftest import Bot, World
from tests.fakes import ScriptedEngine, reply


async def reply_without_ping(world: World, target: discord.Message, content: str) -> None:
    """What Discord's client sends when the @ of a reply is switched off."""
    world.env.backend.create_message(
        world.channel.id,
        world.ada.id,
        content,
        reference={"message_id": str(target.id), "channel_id": str(world.channel.id)},
        allowed_mentions=AllowedMentions(replied_user=False),
    )
    await world.env.settle()


async def own_role(world: World) -> str:
    """The mention of Steward's managed role; SimCord leaves out the tag by which Discord marks it."""
    role = next(role for role in world.env.backend.get_guild(world.guild.id).roles.values() if role.managed)
    payload = {**serializers.role_payload(role), "tags": {"bot_id": str(world.me)}}
    world.env.backend.emit("GUILD_ROLE_UPDATE", {"guild_id": str(world.guild.id), "role": payload})
    await world.env.settle()
    return f"<@&{role.id}>"


async def own_thread(world: World) -> ChannelHandle:
    thread = world.env.backend.create_thread(world.channel.id, "a talk", owner_id=world.me)
    await world.env.settle()
    return ChannelHandle(world.env, world.guild, thread)


async def test_what_is_not_addressed_to_it_is_neither_answered_nor_stored(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    await world.ada.send(world.channel, "hello everybody")
    await world.ada.send(world.channel, "@everyone Steward is here")
    mods = world.guild.create_role("Mods")
    await world.ada.send(world.channel, f"{mods.mention} and {world.grace.mention} look")
    assert world.said() == []
    assert engine.requests == []
    assert await history.recent(world.channel.id, 10) == []


async def test_a_mention_of_its_own_role_counts(world: World, engine: ScriptedEngine) -> None:
    role = await own_role(world)
    engine.enqueue(reply("Here I am."))
    await world.ada.send(world.channel, f"{role} are you there?")
    assert world.said() == ["Here I am."]
    assert engine.requests[0].texts[-1] == "Ada: are you there?"


async def test_a_reply_with_ping_goes_on_and_one_without_does_not(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("Hello Ada."), reply("Green."))
    await world.ada.send(world.channel, f"{world.mention} my favourite colour is green")
    answer = world.channel.last_message
    assert answer is not None
    await reply_without_ping(world, answer, "talking about it, not to it")
    assert world.said() == ["Hello Ada."]
    await world.grace.send(world.channel, "which colour does Ada like?", reply_to=answer)
    assert world.said() == ["Hello Ada.", "Green."]
    assert engine.requests[1].texts[1:] == [
        "Ada: my favourite colour is green",
        "Hello Ada.",
        "Grace: which colour does Ada like?",
    ]


async def test_a_mention_inside_a_reply_without_ping_counts(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("It is about bees."))
    said = await world.grace.send(world.channel, "Bees dance to tell where flowers are.")
    await reply_without_ping(world, said, f"{world.mention} what is this about?")
    assert world.said() == ["It is about bees."]
    assert engine.requests[0].texts[-1] == ("Grace: Bees dance to tell where flowers are.\nAda: what is this about?")


async def test_in_its_own_thread_one_person_needs_no_mention_and_two_do(world: World, engine: ScriptedEngine) -> None:
    thread = await own_thread(world)
    engine.enqueue(reply("One."), reply("Two."), reply("Three."))
    await world.ada.send(thread, "first")
    await world.ada.send(thread, "second")
    assert world.said(thread) == ["One.", "Two."]
    assert engine.requests[1].texts[1:] == ["Ada: first", "One.", "Ada: second"]
    await world.grace.send(thread, "I am here too")
    await world.ada.send(thread, "hello Grace")
    assert world.said(thread) == ["One.", "Two."]
    await world.grace.send(thread, f"{world.mention} third")
    assert world.said(thread) == ["One.", "Two.", "Three."]
    assert engine.requests[2].texts[1:] == [
        "Ada: first", "One.", "Ada: second", "Two.",
        "Grace: I am here too\nAda: hello Grace\nGrace: third",
    ]  # fmt: skip


async def test_somebody_elses_thread_is_like_a_channel(world: World, engine: ScriptedEngine) -> None:
    made = world.env.backend.create_thread(world.channel.id, "theirs", owner_id=world.ada.id)
    await world.env.settle()
    thread = ChannelHandle(world.env, world.guild, made)
    await world.ada.send(thread, "hello?")
    assert world.said(thread) == []
    engine.enqueue(reply("Yes."))
    await world.ada.send(thread, f"{world.mention} hello?")
    assert world.said(thread) == ["Yes."]


async def test_bots_and_webhooks_are_ignored(world: World, engine: ScriptedEngine) -> None:
    robot = world.guild.add_member(world.env.create_user("Robot", bot=True))
    await robot.send(world.channel, f"{world.mention} beep")
    await world.guild.create_webhook(world.channel).send(f"{world.mention} deployed")
    assert world.said() == []
    assert engine.requests == []


async def test_an_allowed_bot_is_answered_until_only_bots_talk(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    robot = world.guild.add_member(world.env.create_user("Robot", bot=True))
    allowing = Settings(bot=BotSettings(allowed_bots=[robot.id]))
    await world.env.restart_bot(replace(bot, settings=allowing).client())
    engine.enqueue(*[reply(f"{number}") for number in range(9)])
    last = await world.ada.send(world.channel, "watch this")
    for _ in range(9):
        await robot.send(world.channel, f"{world.mention} and?", reply_to=last)
        last = world.channel.history()[-1]
    assert world.said() == ["0", "1", "2"]


async def test_discords_own_notices_are_ignored(world: World, engine: ScriptedEngine) -> None:
    from simcord.enums import MessageType

    world.guild.create_system_message(world.channel, MessageType.NEW_MEMBER, author=world.ada)
    await world.env.settle()
    assert world.said() == []


async def test_private_messages_are_refused_with_a_sentence(
    world: World, engine: ScriptedEngine, history: History
) -> None:
    await world.ada.send_dm("hello, can we talk?")
    assert world.said(world.ada.user.dm_channel) == [PRIVATE_REFUSED]
    assert engine.requests == []
    assert await history.recent(world.ada.user.dm_channel.id, 10) == []


@pytest.mark.settings(bot={"direct_messages": "everyone"})
async def test_private_messages_where_the_owner_allows_them_are_one_conversation(
    world: World, engine: ScriptedEngine
) -> None:
    engine.enqueue(reply("Hello."), reply("Green."))
    await world.ada.send_dm("my favourite colour is green")
    await world.ada.send_dm("which colour do I like?")
    assert world.said(world.ada.user.dm_channel) == ["Hello.", "Green."]
    assert engine.requests[1].texts[1:] == [
        "Ada: my favourite colour is green",
        "Hello.",
        "Ada: which colour do I like?",
    ]
    assert "private conversation" in engine.requests[1].texts[0]


@pytest.mark.settings(bot={"direct_messages": "everyone"})
class TestAMentionInPrivate:
    """It starts afresh; everything else just goes on."""

    async def test_what_was_said_before_it_is_not_read_and_what_comes_after_it_goes_on(
        self, world: World, engine: ScriptedEngine, history: History
    ) -> None:
        engine.enqueue(reply("Noted."), reply("Hello again."), reply("Blue."), reply("I am new here."))
        await world.ada.send_dm("my favourite colour is green")
        await world.ada.send_dm(f"{world.mention} from now on it is blue")
        await world.ada.send_dm("which colour do I like?")
        assert engine.requests[1].texts[1:] == ["Ada: from now on it is blue"]
        assert engine.requests[2].texts[1:] == [
            "Ada: from now on it is blue",
            "Hello again.",
            "Ada: which colour do I like?",
        ]
        await world.ada.send_dm(f"{world.mention} and now?")
        assert engine.requests[3].texts[1:] == ["Ada: and now?"]
        assert len(await history.recent(world.ada.user.dm_channel.id, 99)) == 8

    async def test_a_ping_by_a_reply_is_no_call_and_a_call_pulls_in_what_it_replies_to(
        self, world: World, engine: ScriptedEngine
    ) -> None:
        engine.enqueue(reply("Noted."), reply("Green."), reply("I read it."))
        await world.ada.send_dm("my favourite colour is green")
        noted = world.ada.user.dm_channel.last_message
        for number, text in enumerate(("which one?", f"<@!{world.me}> why do you say so?")):
            reference = {"message_id": str(noted.id), "channel_id": str(noted.channel.id)}
            world.env.backend.create_message(noted.channel.id, world.ada.id, text, reference=reference)
            await engine.received(number + 2)
            await world.env.settle()
        assert engine.requests[1].texts[1:] == ["Ada: my favourite colour is green", "Noted.", "Ada: which one?"]
        assert engine.requests[2].texts[-2:] == ["Noted.", "Ada: why do you say so?"]
        assert "green" not in str(engine.requests[2].texts)


@pytest.mark.settings(bot={"direct_messages": [1]})
async def test_private_messages_are_for_the_listed_people_only(world: World) -> None:
    await world.ada.send_dm("hello")
    assert world.said(world.ada.user.dm_channel) == [PRIVATE_REFUSED]


class TestInThePlayground:
    @pytest.fixture
    def in_playground(self) -> bool:
        return True

    async def test_private_messages_are_on(self, world: World, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("Hello."))
        await world.ada.send_dm("hello")
        assert world.said(world.ada.user.dm_channel) == ["Hello."]

    async def test_everything_that_people_write_is_stored(self, world: World, history: History) -> None:
        await world.ada.send(world.channel, "nothing for you")
        assert [row.content for row in await history.recent(world.channel.id, 10)] == ["nothing for you"]
