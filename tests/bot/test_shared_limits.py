"""What all people with one role may use together: who is held to it, who counts for it, and what /usage says of it."""

from __future__ import annotations

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import RoleHandle

from bot.settings import catalogue
from bot.settings.resolving import Where
from bot.settings.rules import Rules
from bot.settings.sharing import Share, all_shares, counted_roles, shares_of
from storage.settings import Place, Scope
from storage.usage import Used
from tests.bot.conftest import World
from tests.bot.panels import manager
from tests.bot.test_commands import text_of
from tests.fakes import ScriptedEngine, reply

REQUESTS, TOKENS = catalogue.ROLE_REQUESTS_PER_DAY.name, catalogue.ROLE_TOKENS_PER_DAY.name
HERE = Where(7, channels=(70,), roles=(3, 2, 7))


def role(number: int) -> Place:
    return Place(7, Scope.ROLE, number)


def test_the_highest_role_with_a_limit_holds_and_all_of_them_are_counted() -> None:
    chosen = {(role(2), REQUESTS): 5, (role(7), REQUESTS): 9, (role(7), TOKENS): 100, (role(8), TOKENS): 500}
    assert shares_of(HERE, chosen, Rules()) == [Share(2, 5, "requests"), Share(7, 100, "tokens")]
    assert counted_roles(HERE, chosen) == [2, 7]
    assert [share.role_id for share in all_shares(7, chosen, Rules())] == [2, 7, 7, 8]
    assert shares_of(HERE, {**chosen, (role(3), REQUESTS): 0}, Rules()) == [Share(7, 100, "tokens")]
    assert shares_of(Where(7), chosen, Rules()) == [] == counted_roles(Where(7), chosen)


def test_what_is_used_of_a_limit() -> None:
    used = Used(3, 10, 20)
    assert (Share(2, 5, "requests").used(used), Share(2, 5, "tokens").used(used)) == (3, 30)
    assert Share(2, 1000, "requests").words == "1,000 requests"


@pytest.fixture
def club(world: World) -> RoleHandle:
    return world.guild.create_role("Club")


@pytest.fixture
def members(world: World, club: RoleHandle) -> list[MemberActor]:
    return [world.guild.add_member(world.env.create_user(name), roles=[club]) for name in ("Cleo", "Carl")]


async def test_everybody_of_the_role_together(
    world: World, engine: ScriptedEngine, club: RoleHandle, members: list[MemberActor]
) -> None:
    mira = manager(world)
    await mira.open()
    await mira.pick("role", club)
    shown = await mira.type(REQUESTS, "2")
    assert "**Requests a day, all together:** 2 requests · *chosen here*" in shown
    engine.enqueue(*[reply(f"{number}.") for number in range(3)])
    cleo, carl = members
    for person in (cleo, carl, cleo, world.ada):
        await person.send(world.channel, f"{world.mention} hello")
    said = world.said()
    assert [said[index] for index in (0, 1, 3)] == ["0.", "1.", "2."]
    assert said[2].startswith("People with the role *Club* together have used their 2 requests for today.")
    told = text_of(await carl.slash(world.channel, "usage"))
    assert "- People with the role *Club*: 2 requests a day together; 2 used today" in told
    assert "Club" not in text_of(await world.ada.slash(world.channel, "usage"))
    mods = world.guild.create_role("Mods", permissions=discord.Permissions(manage_messages=True))
    mo = world.guild.add_member(world.env.create_user("Mo"), roles=[mods])
    assert "**Limits that people share**\n- People with the role *Club*: 2 requests a day together; 2 used" in text_of(
        await mo.slash(world.channel, "usage", of="server")
    )
