"""Where nothing is kept: nothing is in any table, conversations come from Discord, and what does not work is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from simcord.builders import ChannelHandle
from sqlalchemy import func, select

from bot.conversation.controls import PAGES_GONE
from bot.conversation.reminding import NOT_HERE
from bot.housekeeping import tidy_up
from storage.choices import Choices, Consent
from storage.config import StorageSettings
from storage.database import Database
from storage.history import History
from storage.models import Message
from storage.privacy import Privacy
from storage.settings import GuildSettings, Place, Scope
from storage.usage import Usage
from tests.bot.conftest import Bot, World
from tests.bot.panels import Manager, manager
from tests.bot.test_controls import labels, newest, press
from tests.fakes import ScriptedEngine, reply
from tests.storage.planting import found
from tests.storage.samples import message

SECRET = "swordfish-4711"


@pytest.fixture
def mira(world: World) -> Manager:
    return manager(world)


async def rows(database: Database) -> int:
    """How many messages are stored in all."""
    async with database.session() as session:
        return await session.scalar(select(func.count()).select_from(Message)) or 0


async def switched_off(world: World, database: Database, channel: ChannelHandle | None = None) -> None:
    place = Place(world.guild.id, Scope.CHANNEL, (channel or world.channel).id)
    await GuildSettings(database).put(place, "store", "nothing", by=1)


class TestThePanel:
    async def test_it_says_how_much_goes_and_what_does_not_work(
        self, world: World, mira: Manager, engine: ScriptedEngine, database: Database, history: History
    ) -> None:
        other = world.guild.create_text_channel("other")
        engine.enqueue(reply("Hello."), reply("There."), reply("Psst."))
        await world.ada.send(world.channel, f"{world.mention} {SECRET}")
        await world.ada.send(other, f"{world.mention} stays")
        await world.ada.slash(world.channel, "ask", question=SECRET)
        await mira.open()
        await mira.pick("channel", world.channel)
        shown = await mira.change("store", "Nothing")
        assert "**Keep nothing of what is said in \\#general?**" in shown
        assert "**4 messages are stored there now**, my answers and questions by `/ask` among them." in shown
        assert "What was said before I look up on Discord each time" in shown
        assert await rows(database) == 6
        await mira.press("Back")
        assert await rows(database) == 6
        await mira.change("store", "Nothing")
        shown = await mira.press("Delete 4 messages, keep nothing")
        assert "✅ What I keep: changed. Deleted: 4 messages." in shown
        assert "**What I keep:** Nothing · *chosen here*" in shown
        assert await rows(database) == 2 and await found(database, SECRET) == []
        (change,) = await GuildSettings(database).changes(world.guild.id)
        assert (change.name, change.old, change.new, change.person_id) == ("store", None, "nothing", mira.person.id)

    async def test_for_the_whole_server_but_for_channels_that_chose(
        self, world: World, mira: Manager, engine: ScriptedEngine, database: Database, history: History
    ) -> None:
        other = world.guild.create_text_channel("other")
        await mira.open()
        await mira.pick("channel", other)
        await mira.change("store", "What is for me")
        engine.enqueue(*[reply(f"{number}.") for number in range(4)])
        for channel in (world.channel, other):
            await world.ada.send(channel, f"{world.mention} hello")
        await mira.press("Whole server")
        shown = await mira.change("store", "Nothing")
        assert "**2 messages are stored there now**" in shown
        assert "Channels that have a choice of their own keep it: #other." in shown
        await mira.press("Delete 2 messages, keep nothing")
        for channel in (world.channel, other):
            await world.ada.send(channel, f"{world.mention} hello")
        assert len(await history.recent(other.id, 9)) == 4 and await rows(database) == 4
        await mira.pick("channel", other)
        await mira.pick("what", "store")
        assert "**4 messages are stored there now**" in await mira.press("Take my choice back")
        await mira.press("Delete 4 messages, keep nothing")
        assert await rows(database) == 0

    async def test_members_are_told_and_a_fetch_ends(self, world: World, mira: Manager, history: History) -> None:
        await world.ada.send(world.channel, "before")
        await mira.open()
        await mira.pick("channel", world.channel)
        await mira.change("store", "Everything said")
        await mira.press("And the last 7 days")
        await mira.change("store", "Nothing")
        await mira.press("Delete 1 message, keep nothing")
        assert "I keep nothing of what is said in this channel any more" in world.said()[-1]
        notice = world.channel.last_message
        assert notice is not None
        told = (await world.ada.click(notice, label="What is kept")).response
        assert told is not None and "nothing, neither what is said to me nor what I say" in told.content
        shown = (await world.ada.slash(world.channel, "privacy show")).response
        assert shown is not None and "Here I keep nothing of what is said" in shown.content
        shown = (await world.ada.slash(world.channel, "help")).response
        assert shown is not None and "Here I keep nothing of what is said" in shown.content

    async def test_what_was_on_its_way_is_swept_up(self, world: World, database: Database, history: History) -> None:
        await switched_off(world, database)
        place = {"guild_id": world.guild.id, "channel_id": world.channel.id}
        await history.record([message(1, **place), message(2, guild_id=world.guild.id, channel_id=70)])
        await tidy_up(database, StorageSettings(retention_days=3000), datetime.now(UTC))
        assert await rows(database) == 1


class TestConversations:
    @pytest.fixture(autouse=True)
    async def off(self, world: World, database: Database) -> None:
        await switched_off(world, database)

    async def test_a_reply_chain_is_read_from_discord(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        engine.enqueue(reply("Green."), reply("You said green."))
        await world.grace.send(world.channel, f"{SECRET} is green")
        await world.ada.send(world.channel, f"{world.mention} which colour?", reply_to=world.channel.last_message)
        await world.ada.send(world.channel, "say again", reply_to=newest(world))
        assert engine.requests[1].texts[1:] == [
            f"Grace: {SECRET} is green\nAda: which colour?",
            "Green.",
            "Ada: say again",
        ]
        assert await rows(database) == 0 and await found(database, SECRET) == [] == await found(database, "Green")
        assert (await Usage(database).of_person(world.ada.id, world.env.now(), world.guild.id)).requests == 2

    async def test_what_was_edited_deleted_or_left_out_is_not_in_the_next_prompt(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        engine.enqueue(*[reply(f"{number}.") for number in range(3)])
        first = await world.grace.send(world.channel, f"{world.mention} {SECRET}")
        await world.ada.send(world.channel, "and?", reply_to=newest(world))
        assert SECRET in str(engine.requests[-1].body)
        await Choices(database).choose(world.grace.id, world.guild.id, Consent.OPT_OUT)
        await world.ada.send(world.channel, "and now?", reply_to=newest(world))
        assert SECRET not in str(engine.requests[-1].body)
        await Choices(database).withdraw(world.grace.id, world.guild.id, Consent.OPT_OUT)
        world.env.backend.delete_message(world.channel.id, first.id)
        engine.enqueue(reply("3."))
        await world.ada.send(world.channel, "and then?", reply_to=newest(world))
        assert SECRET not in str(engine.requests[-1].body)

    async def test_every_message_of_a_channel(self, world: World, engine: ScriptedEngine, database: Database) -> None:
        place = Place(world.guild.id, Scope.CHANNEL, world.channel.id)
        await GuildSettings(database).put(place, "answer_when", "everything", by=1)
        engine.enqueue(reply("Hello."), reply("Green."))
        await world.ada.send(world.channel, "I like green")
        await world.grace.send(world.channel, "what does Ada like?")
        assert engine.requests[1].texts[1:] == ["Ada: I like green", "Hello.", "Grace: what does Ada like?"]
        assert await rows(database) == 0

    async def test_a_thread_of_its_own(self, world: World, engine: ScriptedEngine, database: Database) -> None:
        place = Place(world.guild.id, Scope.CHANNEL, world.channel.id)
        await GuildSettings(database).put(place, "answer_in", "thread", by=1)
        engine.enqueue(reply("They dance."), reply("To tell where flowers are."))
        await world.ada.send(world.channel, f"{world.mention} what do bees do?")
        (made,) = [one for one in world.env.backend.channels.values() if one.owner_id == world.me and one.parent_id]
        thread = ChannelHandle(world.env, world.guild, made)
        await world.ada.send(thread, "why?")
        assert engine.requests[-1].texts[1:] == ["Ada: what do bees do?", "They dance.", "Ada: why?"]
        assert world.said(thread) == ["They dance.", "To tell where flowers are."]
        assert await rows(database) == 0

    async def test_alternatives_until_a_restart_and_going_on_after_it(
        self, world: World, engine: ScriptedEngine, database: Database, bot: Bot
    ) -> None:
        engine.enqueue(reply("One."), reply("Two.", finish_reason="length"), reply("Three."))
        await world.ada.send(world.channel, f"{world.mention} count")
        await press(world, "Regenerate")
        assert labels(newest(world)) == ["‹", "2/2", "›", "Continue", "Regenerate"]
        await press(world, "‹")
        assert world.said() == ["One."]
        await press(world, "›")
        await world.env.restart_bot(bot.client())
        assert await press(world, "‹") == PAGES_GONE
        await press(world, "Continue")
        assert world.said() == ["Two. Three."]
        assert await rows(database) == 0 and await found(database, "Two") == []

    async def test_commands_keep_nothing_either(self, world: World, engine: ScriptedEngine, database: Database) -> None:
        engine.enqueue(reply("Four."))
        result = await world.ada.slash(world.channel, "ask", question=SECRET)
        assert result.response is not None
        await world.ada.click(result.response, label="Post here")
        assert world.said()[-1].endswith("Four.")
        await Choices(database).choose(world.ada.id, world.guild.id, Consent.MEMORY)
        await world.ada.send(world.channel, f"{world.mention} remember that {SECRET}")
        assert world.said()[-1] == NOT_HERE
        assert await rows(database) == 0 and await found(database, SECRET) == []
        held = {name: count for name, count in (await Privacy(database).held(world.ada.id)).items() if count}
        assert held == {"uses": 1, "choices": 1}
