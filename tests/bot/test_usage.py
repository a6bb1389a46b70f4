"""/usage: one's own figures, the server's for moderators with a chart, and a sentence for everybody else."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, timedelta

import discord
import pytest
from simcord.actors import MemberActor
from sqlalchemy import text as sql

from bot.charting import Chart, ChartFailed, Charts
from bot.commands.usage import DAYS, NO_SERVER, NO_USE, NOT_ALLOWED, Window, chart, sums, table
from bot.errors import explain
from storage.database import Database
from storage.errors import DatabaseUnavailable
from storage.privacy import Privacy
from storage.usage import Usage, Used
from tests.bot.conftest import World
from tests.bot.test_commands import text_of, was_deferred
from tests.fakes import ScriptedEngine, count_tokens, failure, reply
from tests.waiting import until

TODAY = date(2026, 11, 22)
PNG = b"\x89PNG\r\n"


async def used(database: Database, world: World, person: int, days_ago: int, tokens: int) -> None:
    """One answer to this person, so many days ago."""
    moment = world.env.now() - timedelta(days=days_ago)
    await Usage(database).count(person, world.guild.id, Used(1, tokens, 5), moment)


@pytest.fixture
async def figures(world: World, database: Database) -> None:
    await used(database, world, world.ada.id, 0, 100)
    await used(database, world, world.ada.id, 3, 1000)
    await used(database, world, world.ada.id, 20, 10_000)
    await used(database, world, world.grace.id, 0, 7)
    await used(database, world, world.ada.id, 40, 1)


@pytest.fixture
def mo(world: World) -> MemberActor:
    role = world.guild.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("Mo"), roles=[role])


class TestMine:
    async def test_figures_and_limits(self, world: World, figures: None) -> None:
        told = text_of(await world.ada.slash(world.channel, "usage"))
        assert was_deferred(world)
        assert "- today: 1 request · 105 tokens (100 read, 5 written)" in told
        assert "- 7 days: 2 requests · 1,110 tokens" in told
        assert "- 30 days: 3 requests · 11,115 tokens" in told
        assert "12 requests a minute" in told

    async def test_in_private_it_is_everywhere(self, world: World, figures: None) -> None:
        told = text_of(await world.ada.user.slash("usage"))
        assert "**What you used everywhere**" in told and "30 days: 3 requests" in told
        assert text_of(await world.ada.user.slash("usage", of="server")) == NO_SERVER

    async def test_a_database_that_is_gone_is_said(self, world: World, database: Database) -> None:
        async with database.write() as connection:
            await connection.execute(sql("ALTER TABLE uses RENAME TO elsewhere"))
        assert text_of(await world.ada.slash(world.channel, "usage")) == explain(DatabaseUnavailable()).sentence


class TestWhatCounts:
    """The rows of `uses` are all that quotas and /usage know."""

    async def sums(self, database: Database, world: World, person: int) -> Used:
        return await Usage(database).of_person(person, world.env.now(), world.guild.id)

    async def test_a_further_answer_counts_beside_the_one_it_replaces(
        self, world: World, engine: ScriptedEngine, database: Database, mo: MemberActor
    ) -> None:
        engine.enqueue(reply("One two."), reply("Three."), reply("Four."))
        await world.ada.send(world.channel, f"{world.mention} hello")
        answer = world.channel.last_message
        assert answer is not None
        await world.ada.click(answer, label="Regenerate")
        asked = [count_tokens(request.body["messages"]) for request in engine.requests]
        assert await self.sums(database, world, world.ada.id) == Used(2, sum(asked), 3)
        await mo.click(answer, label="Regenerate")  # a moderator's wish is the moderator's use
        assert (await self.sums(database, world, world.ada.id)).requests == 2
        assert await self.sums(database, world, mo.id) == Used(1, asked[0], 1)

    async def test_what_was_stopped_counts_as_far_as_it_came(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        """The engine does not tell what an answer took that was not finished."""
        engine.enqueue(reply(pieces=["First sentence. ", asyncio.Event()]))
        question = world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} hello")
        await until(lambda: world.said() == ["First sentence."])
        world.env.backend.delete_message(world.channel.id, question.id)
        await world.env.settle()
        used = await self.sums(database, world, world.ada.id)
        assert used.requests == 1 and used.completion_tokens >= 1
        assert used.prompt_tokens >= count_tokens(engine.requests[0].body["messages"])

    async def test_a_failure_and_an_empty_question_do_not(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        engine.enqueue(failure(400))
        await world.ada.send(world.channel, f"{world.mention} hello")
        await world.ada.send(world.channel, world.mention)
        assert await self.sums(database, world, world.ada.id) == Used()

    async def test_commands_count_and_so_does_who_opted_out(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        await world.ada.send(world.channel, "We meet on Monday.")
        await world.grace.send(world.channel, "I bring the cake.")
        engine.enqueue(reply("- Grace brings cake [2]"), reply("Four."))
        await world.ada.slash(world.channel, "summarize")
        asked = count_tokens(engine.requests[0].body["messages"])
        assert await self.sums(database, world, world.ada.id) == Used(1, asked, 5)
        await Privacy(database).opt_out(world.ada.id)
        assert await self.sums(database, world, world.ada.id) == Used()
        await world.ada.slash(world.channel, "ask", question="two and two?")
        assert (await self.sums(database, world, world.ada.id)).requests == 1
        held = await Privacy(database).held(world.ada.id)
        assert {table: count for table, count in held.items() if count} == {"uses": 1, "choices": 1}
        assert "- today: 1 request" in text_of(await world.ada.slash(world.channel, "usage"))


class TestServers:
    async def test_only_moderators_see_them(self, world: World) -> None:
        assert text_of(await world.ada.slash(world.channel, "usage", of="server")) == NOT_ALLOWED
        assert not was_deferred(world)

    async def test_without_any_use_there_is_no_chart(self, world: World, mo: MemberActor) -> None:
        assert NO_USE in text_of(await mo.slash(world.channel, "usage", of="server"))

    @pytest.mark.simcord(settle_timeout=90)  # a process that starts matplotlib, on a busy machine
    async def test_a_chart_with_its_numbers_in_words(self, world: World, mo: MemberActor, figures: None) -> None:
        result = await mo.slash(world.channel, "usage", of="server")
        told = text_of(result)
        assert "**What Garden used**" in told and "- 30 days: 4 requests · 11,127 tokens" in told
        assert f"{world.env.now():%Y-%m-%d}         2           117" in told
        assert f"- <@{world.ada.id}>: 3 requests · 11,115 tokens\n- <@{world.grace.id}>: 1 request" in told
        assert result.response is not None
        (picture,) = result.response.attachments
        assert picture.description and "requests (4 in all" in picture.description
        assert (await picture.read()).startswith(PNG)

    async def test_who_manages_the_server_sees_them_too(self, world: World) -> None:
        role = world.guild.create_role("Staff", permissions=discord.Permissions(manage_guild=True))
        staff = world.guild.add_member(world.env.create_user("Sam"), roles=[role])
        assert NO_USE in text_of(await staff.slash(world.channel, "usage", of="server"))

    async def test_who_moderates_one_channel_alone_does_not(self, world: World) -> None:
        channel = world.guild.create_text_channel(
            "corner", overwrites={world.guild.default_role: discord.PermissionOverwrite(manage_messages=True)}
        )
        assert text_of(await world.ada.slash(channel, "usage", of="server")) == NOT_ALLOWED


class TestFigures:
    def test_all_days_fit_one_message(self) -> None:
        many = Used(1234, 10_000_000, 1_000_000)
        window = Window(TODAY, {TODAY - timedelta(days=back): many for back in range(DAYS)})
        assert len(table(window)) + len(sums(window)) < 1500
        drawn = chart(window)
        assert len(drawn.labels) == DAYS and len(drawn.alt) <= 1024

    async def test_what_cannot_be_drawn_is_an_error(self) -> None:
        with pytest.raises(ChartFailed, match="took longer"):
            await Charts(longest_s=0.0).draw(Chart(("a",), {"b": [1]}, "one"))
        one = Chart(("a",), {"b": [1]}, "one")
        with pytest.raises(ChartFailed, match="no fonts"):
            await Charts(program=(sys.executable, "-S", "-c", "raise SystemExit('no fonts')")).draw(one)
        with pytest.raises(ChartFailed, match="no process"):
            await Charts(program=("/nowhere",)).draw(one)
