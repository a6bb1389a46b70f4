"""A channel is opted into storage: how much there is, the notice and its buttons, fetching what was said before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import discord
import pytest
from simcord.results import InteractionResult
from sqlalchemy import select

from bot.backfill import NAME
from bot.conversation.intake import Intake
from bot.conversation.pace import Pace
from bot.estimate import Estimate, _area, _rounded, duration_words
from bot.kept_notice import SURE
from bot.panel.storing import NO_HISTORY, NO_NOTICE
from bot.settings.rulebook import Rulebook
from bot.settings.rules import Rules
from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import History
from storage.models import Channel
from storage.retention import Retention
from storage.settings import GuildSettings, Place, Scope
from tests.bot.conftest import PACE, Bot, World
from tests.bot.panels import Manager, manager
from tests.fakes import ScriptedEngine, reply

PAUSE_S = 120.0
PAGES_S = 3 * PAUSE_S


@pytest.fixture
def mira(world: World) -> Manager:
    return manager(world)


async def asked(world: World, mira: Manager) -> str:
    """The page that asks from when on everything shall be kept."""
    await mira.open()
    await mira.pick("channel", world.channel)
    return await mira.change("store", "Everything said")


def told(result: InteractionResult) -> str:
    assert result.ephemeral and result.response is not None
    return str(result.response.content)


def chatter(world: World, count: int) -> None:
    for number in range(count):
        world.env.backend.create_message(world.channel.id, world.ada.id, f"message {number}")


class TestFromNowOn:
    async def test_people_are_told_once_and_what_they_say_is_kept(
        self, world: World, mira: Manager, history: History
    ) -> None:
        await world.ada.send(world.channel, "before")
        shown = await asked(world, mira)
        assert "It has 1 message so far." in shown
        assert "the last 7 days: 1 message, about 2 s" in shown
        shown = await mira.press("From now on")
        assert "**What I keep:** Everything said · *chosen here*" in shown
        (notice,) = world.said()
        assert (
            "From now on I keep what is said in this channel**, for 30 days. My database is on the same machine"
            in notice
        )
        await world.ada.send(world.channel, "after")
        assert [row.content for row in await history.recent(world.channel.id, 9)] == ["after"]
        other = world.guild.create_text_channel("other")
        await world.ada.send(other, "elsewhere")
        assert await history.recent(other.id, 9) == []

    async def test_a_second_notice_only_after_it_was_switched_off(self, world: World, mira: Manager) -> None:
        await asked(world, mira)
        await mira.press("From now on")
        await mira.change("store", "Everything said")
        await mira.press("From now on")
        assert len(world.said()) == 1
        await mira.change("store", "What is for me")
        assert "From now on I keep of this channel only messages to me" in world.said()[1]
        await mira.change("store", "Everything said")
        await mira.press("From now on")
        assert len([said for said in world.said() if "From now on I keep what is said in this channel" in said]) == 2

    async def test_other_days_are_told_where_there_is_a_notice(self, world: World, mira: Manager) -> None:
        await asked(world, mira)
        await mira.press("From now on")
        await mira.type("retention_days", "7")
        assert "What is said in this channel I keep for 7 days from now on." in world.said()[-1]
        await mira.press("Whole server")
        await mira.type("retention_days", "90")
        assert len(world.said()) == 2
        await mira.pick("channel", world.channel)
        await mira.pick("what", "retention_days")
        await mira.press("Take my choice back")
        assert "I keep for 90 days from now on." in world.said()[-1]
        await mira.type("retention_days", "5")
        shown = (await world.ada.slash(world.channel, "privacy show")).response
        assert shown is not None
        assert "Messages and answers go after 5 days. In other channels of this server it is 90." in shown.content
        assert "Figures of use go after 90 days" in shown.content

    async def test_not_where_nobody_can_be_told(self, world: World, mira: Manager, database: Database) -> None:
        await asked(world, mira)
        world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013)
        result = await mira.person.click(mira.shown, label="From now on")
        assert [one.content for one in result.followups] == [NO_NOTICE]
        assert await GuildSettings(database).chosen(world.guild.id) == {}

    async def test_where_the_past_may_not_be_read(self, world: World, mira: Manager) -> None:
        world.env.inject_error("GET", f"/channels/{world.channel.id}/messages", status=403, code=50013)
        assert NO_HISTORY in await asked(world, mira)
        assert [item["label"] for item in mira.components()] == ["From now on", "Back"]
        await mira.press("Back")

    async def test_the_whole_server_cannot_be_opted_in_at_once(self, mira: Manager) -> None:
        await mira.open()
        await mira.pick("what", "store")
        assert [option["label"] for option in mira.menu("value")["options"]] == ["What is for me", "Nothing"]


class TestTheNotice:
    @pytest.fixture
    async def notice(self, world: World, mira: Manager) -> discord.Message:
        await asked(world, mira)
        await mira.press("From now on")
        message = world.channel.last_message
        assert message is not None
        return message

    async def test_what_is_kept(self, world: World, notice: discord.Message) -> None:
        text = told(await world.ada.click(notice, label="What is kept"))
        assert "everything that people write here, for 30 days." in text

    async def test_leave_me_out_asks_once_more_and_works_after_a_restart(
        self, world: World, notice: discord.Message, bot: Bot, history: History, database: Database
    ) -> None:
        await world.ada.send(world.channel, "my secret")
        await world.grace.send(world.channel, "hello")
        await world.env.restart_bot(bot.client())
        question = await world.ada.click(notice, label="Leave me out")
        assert told(question) == SURE
        assert len(await history.recent(world.channel.id, 9)) == 2
        assert question.response is not None
        await world.ada.click(question.response, label="Yes, leave me out")
        assert question.response.content.startswith("Done: I leave you out from now on")
        assert await Choices(database).has(world.ada.id, world.guild.id, Consent.OPT_OUT)
        await world.ada.send(world.channel, "another one")
        assert [row.content for row in await history.recent(world.channel.id, 9)] == ["hello"]


class TestFetching:
    @pytest.fixture
    def pace(self) -> Pace:
        return replace(PACE, fetch_pause_s=PAUSE_S)

    async def test_in_the_background_with_progress(self, world: World, mira: Manager, history: History) -> None:
        chatter(world, 150)
        shown = await asked(world, mira)
        assert "It has about" in shown
        shown = await mira.press("And the last 7 days")
        assert "I fetch the last 7 days now" in shown
        assert "Messages of the last 7 days are kept as well." in world.said()[0]
        shown = await mira.pick("what", "store")
        assert "**Fetching older messages:** 100 of about" in shown
        await world.env.advance_time(PAGES_S)
        assert "**Older messages** are fetched: 151." in await mira.press("Look again")
        rows = await history.recent(world.channel.id, 1000)
        assert len(rows) == 150 and {row.author.name for row in rows} == {"Ada"}

    async def test_it_can_be_stopped(self, world: World, mira: Manager, history: History) -> None:
        chatter(world, 150)
        await asked(world, mira)
        await mira.press("And the last 7 days")
        await mira.pick("what", "store")
        assert "ended after 100: somebody stopped it" in await mira.press("Stop fetching")
        await world.env.advance_time(PAGES_S)
        assert len(await history.recent(world.channel.id, 1000)) == 99

    async def test_it_goes_on_after_a_restart(
        self, world: World, mira: Manager, history: History, bot: Bot, database: Database
    ) -> None:
        chatter(world, 150)
        await asked(world, mira)
        await mira.press("And the last 7 days")
        place = Place(world.guild.id, Scope.CHANNEL, world.channel.id)
        assert (await GuildSettings(database).remembered(NAME))[place]["done"] == 100
        before = len(world.env.http_requests)
        await world.env.restart_bot(bot.client())
        await world.env.advance_time(PAGES_S)
        assert len(await history.recent(world.channel.id, 1000)) == 150
        pages = [one for one in world.env.http_requests[before:] if "before" in (one.params or {})]
        assert len(pages) == 1
        assert await GuildSettings(database).remembered(NAME) == {}

    async def test_what_goes_wrong_is_said(self, world: World, mira: Manager, database: Database) -> None:
        chatter(world, 150)
        await asked(world, mira)
        world.env.inject_error("GET", f"/channels/{world.channel.id}/messages", status=403, code=50013, times=None)
        await mira.press("And the last 7 days")
        assert "ended after 0: I may not read the history of this channel" in await mira.pick("what", "store")
        assert await GuildSettings(database).remembered(NAME) == {}


class TestThreads:
    """What was said in a channel's public threads belongs to it: those that go on and those that were archived."""

    @pytest.fixture
    def pace(self) -> Pace:
        return replace(PACE, fetch_pause_s=PAUSE_S)

    @pytest.fixture
    def threads(self, world: World) -> list[int]:
        """One that goes on, one archived, one archived long ago, a private one; each with two messages."""
        backend, made = world.env.backend, []
        for name, kind in (("on", 11), ("archived", 11), ("old", 11), ("secret", 12)):
            thread = backend.create_thread(world.channel.id, name, world.ada.id, type=kind)
            for number in range(2):
                backend.create_message(thread.id, world.ada.id, f"{name} {number}")
            made.append(thread.id)
        return made

    async def test_they_are_estimated_and_fetched(
        self, world: World, mira: Manager, history: History, threads: list[int], database: Database, bot: Bot
    ) -> None:
        chatter(world, 2)
        for number in threads[1:3]:
            world.env.backend.edit_channel(number, {}, thread_metadata={"archived": True})
        shown = await asked(world, mira)
        assert "messages so far, those in 3 public threads among them." in shown
        await mira.press("And the last 7 days")
        await world.env.restart_bot(bot.client())
        await world.env.advance_time(6 * PAUSE_S)
        said = {number: [row.content for row in await history.recent(number, 9)] for number in threads}
        assert list(said.values()) == [["on 0", "on 1"], ["archived 0", "archived 1"], ["old 0", "old 1"], []]
        assert len(await history.recent(world.channel.id, 9)) == 2
        assert await GuildSettings(database).remembered(NAME) == {}
        await mira.open()
        await mira.pick("channel", world.channel)
        await mira.change("store", "Nothing")
        await mira.press("Delete 8 messages, keep nothing")
        assert [await history.recent(number, 9) for number in threads] == [[]] * 4


def test_a_thread_counts_for_its_share_of_the_days() -> None:
    assert duration_words(100, threads=19) == "about 30 s"
    found = Estimate({7: 10, None: 50}, is_exact=False, threads={7: 0, None: 4})
    assert (found.duration(7), found.duration(None)) == ("about 2 s", "about 8 s")


NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def test_what_is_deleted_while_its_page_is_on_the_way_does_not_come_back(
    world: World, engine: ScriptedEngine, history: History, database: Database
) -> None:
    await world.grace.send(world.channel, "secret")
    intake = Intake(history, lambda: world.me, Rulebook(GuildSettings(database), Rules()).keeps)
    page = [one async for one in world.env.bot.get_channel(world.channel.id).history()]  # type: ignore[union-attr]
    await intake.delete([one.id for one in page])
    await intake.record_texts(page)
    assert await history.recent(world.channel.id, 9) == []


@pytest.mark.settings(bot={"direct_messages": "everyone"})
async def test_a_place_that_retention_forgot_is_recorded_again(
    world: World, engine: ScriptedEngine, database: Database
) -> None:
    """Else a thread would belong to no channel, and would not go with it."""
    engine.enqueue(reply("One."), reply("Two."))
    await world.ada.send_dm("hello")
    await Retention(database).run(datetime.now(UTC) + timedelta(days=40), 30, {}, 7)
    await world.ada.send_dm("hello again")
    async with database.session() as session:
        kinds = await session.scalars(select(Channel.kind).where(Channel.id == world.ada.user.dm_channel.id))
        assert list(kinds) == ["private"]


def test_an_estimate_is_the_area_under_the_densities() -> None:
    points = [(NOW, 0.2), (NOW - timedelta(seconds=1000), 0.0)]
    assert _area(points, NOW - timedelta(seconds=1000)) == 100
    assert _area(points, NOW - timedelta(seconds=9000)) == 100
    assert [_rounded(count) for count in (7, 47, 1234, 98765)] == [7, 47, 1200, 99000]
    assert Estimate({None: 1234}, is_exact=False).words(None) == "about 1,200 messages"
    assert Estimate({7: 1}, is_exact=True).words(7) == "1 message"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        (0, "about 2 s"),
        (100, "about 2 s"),
        (5_000, "about 75 s"),
        (50_000, "about 13 minutes"),
        (2_000_000, "about 9 hours"),
    ],
)
def test_how_long_it_takes(messages: int, words: str) -> None:
    assert duration_words(messages) == words
