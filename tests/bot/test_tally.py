"""Limits of a day hold for what is asked at once, and for who has everything deleted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bot.conversation.leaving import LIMITS_HOLD
from bot.gate import ALL_IN_WORK, IN_WORK
from bot.tally import Tally
from storage.database import Database
from storage.settings import GuildSettings, Place, Scope
from storage.usage import Usage, Used
from tests.bot.conftest import World
from tests.bot.test_commands import text_of
from tests.bot.test_privacy import DELETE, shown
from tests.fakes import ScriptedEngine, reply
from tests.waiting import until

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("setting", "limit", "then"), [("requests_per_day", 1, "You have"), ("tokens_per_day", 500, "Third")]
)
async def test_nobody_passes_a_limit_by_asking_twice_at_once(
    world: World, engine: ScriptedEngine, database: Database, setting: str, limit: int, then: str
) -> None:
    await GuildSettings(database).put(Place(world.guild.id), setting, limit, by=1)
    engine.enqueue(reply(pieces=["First sentence. ", hold := asyncio.Event(), "End."]), reply("Third."))
    world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} one")
    await until(lambda: world.said() == ["First sentence."])
    world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} two")
    await until(lambda: len(world.said()) == 2)
    assert world.said()[1] == IN_WORK
    hold.set()
    await world.env.settle()
    told = text_of(await world.ada.slash(world.channel, "ask", question="three"))
    assert world.said()[0] == "First sentence. End." and told.startswith(then)


async def test_nor_do_two_people_who_share_one(world: World, engine: ScriptedEngine, database: Database) -> None:
    club = world.guild.create_role("Club")
    cleo, carl = (world.guild.add_member(world.env.create_user(name), roles=[club]) for name in ("Cleo", "Carl"))
    place = Place(world.guild.id, Scope.ROLE, club.id)
    await GuildSettings(database).put(place, "role_requests_per_day", 1, by=1)
    engine.enqueue(reply(pieces=["First sentence. ", hold := asyncio.Event(), "End."]))
    world.env.backend.create_message(world.channel.id, cleo.id, f"{world.mention} one")
    await until(lambda: world.said() == ["First sentence."])
    world.env.backend.create_message(world.channel.id, carl.id, f"{world.mention} two")
    await until(lambda: len(world.said()) == 2)
    assert world.said()[1] == ALL_IN_WORK.format(people="People with the role *Club*")
    hold.set()
    await world.env.settle()


async def test_what_is_deleted_still_counts_until_midnight(
    world: World, engine: ScriptedEngine, database: Database
) -> None:
    await GuildSettings(database).put(Place(world.guild.id), "requests_per_day", 1, by=1)
    engine.enqueue(reply("One."), reply("Never."))
    await world.ada.send(world.channel, f"{world.mention} one")
    asked = shown(await world.ada.slash(world.channel, "privacy delete", where="here"))
    receipt = await world.ada.click(asked, custom_id=DELETE.format("here"))
    assert receipt.response is not None and LIMITS_HOLD in receipt.response.content
    assert "1 used today" in text_of(await world.ada.slash(world.channel, "usage"))
    await world.ada.send(world.channel, f"{world.mention} two")
    assert world.said()[-1].startswith("You have used your 1 request for today.")
    assert await Usage(database).of_person(world.ada.id, world.env.now(), None) == Used()


async def test_work_counts_until_its_task_has_ended() -> None:
    tally, goes_on = Tally(lambda: NOON), asyncio.Event()

    async def work() -> None:
        tally.begin(1, 7, [3], tokens=50)
        await goes_on.wait()

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    assert tally.in_work(1, 7) == tally.in_work(1, None) == tally.in_work_for(7, 3) == Used(1, 0, 50)
    assert tally.in_work(1, 8) == tally.in_work(2, 7) == tally.in_work_for(7, 4) == Used()
    goes_on.set()
    await working
    await asyncio.sleep(0)
    assert tally.in_work(1, 7) == Used()


def test_what_was_deleted_is_summed_up_and_forgotten_the_next_day() -> None:
    today = [NOON]
    tally = Tally(lambda: today[0])
    tally.deleted(1, {7: Used(2, 1, 1), 0: Used(1)})
    tally.deleted(1, {7: Used(1)})
    assert (tally.used_before(1, 7), tally.used_before(1, None)) == (Used(3, 1, 1), Used(4, 1, 1))
    assert tally.used_before(2, 7) == Used()
    today[0] = NOON.replace(day=23)
    assert tally.used_before(1, None) == Used()
