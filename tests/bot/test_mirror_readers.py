"""Who reads one channel and not another, by roles, overwrites and members of their own."""

from __future__ import annotations

from collections.abc import Mapping

import discord

from bot.mirrors.readers import names, read_only_one
from tests.bot.conftest import World

SEES, DENIED = discord.PermissionOverwrite(view_channel=True), discord.PermissionOverwrite(view_channel=False)
NAMED = {True: SEES, False: DENIED}
Rights = Mapping[str, bool]


CASES: list[tuple[Rights, Rights, list[str], list[str]]] = [
    ({}, {}, [], []),
    ({}, {"all": False}, ["everybody in this server"], []),
    ({"all": False, "Club": True}, {"all": False, "Club": True}, [], []),
    ({"all": False, "Club": True}, {"all": False, "Staff": True}, ["@Club"], ["@Staff"]),
    ({"all": False, "Club": True, "Staff": True}, {"all": False, "Staff": True}, ["@Club"], []),
    ({}, {"Club": False}, ["@Club"], []),
    ({"all": False, "ada": True}, {"all": False}, ["ada"], []),
    ({}, {"ada": False}, ["ada"], []),
    ({"all": False, "Club": True}, {"Staff": False}, ["@Club + @Staff"], ["everybody in this server"]),
    ({"all": False, "Club": True}, {"all": False, "Club": True, "Staff": False}, [], []),
    ({"all": False, "Club": True}, {"all": False, "Club": True, "ada": False}, ["ada"], []),
]  # fmt: skip
"""Two channels' overwrites, who reads only the first of them, and who only the second."""


def channel_of(world: World, rights: Rights) -> discord.TextChannel:
    every, club, staff = world.guild.default_role, world.guild.roles["Club"], world.guild.roles["Staff"]
    targets = {"all": every, "Club": club, "Staff": staff, "ada": world.ada}
    overwrites = {targets[who]: NAMED[sees] for who, sees in rights.items()}
    made = world.env.bot.get_channel(world.guild.create_text_channel("place", overwrites=overwrites).id)
    assert isinstance(made, discord.TextChannel)
    return made


async def test_who_reads_more(world: World) -> None:
    for name in ("Club", "Staff"):
        world.guild.create_role(name)
    for rights, others, *expected in CASES:
        one, other = channel_of(world, rights), channel_of(world, others)
        found = names(one.guild, read_only_one(one, other))
        told = [[who for where, who in found if where == channel.id] for channel in (one, other)]
        wanted = [[world.ada.mention if who == "ada" else who for who in some] for some in expected]
        assert told == wanted, (rights, others)


async def test_roles_of_one_kind_are_each_named(world: World) -> None:
    clubs, staffs = ([world.guild.create_role(f"{name} {one}") for one in range(3)] for name in ("Club", "Staff"))
    guests = {world.guild.default_role: DENIED, **dict.fromkeys(clubs, SEES)}
    one, other = [
        world.env.bot.get_channel(world.guild.create_text_channel("place", overwrites=overwrites).id)
        for overwrites in (guests, {**guests, **dict.fromkeys(staffs, DENIED)})
    ]
    assert read_only_one(one, other) == frozenset()
    one, other = [
        world.env.bot.get_channel(world.guild.create_text_channel("place", overwrites=overwrites).id)
        for overwrites in (guests, dict.fromkeys(staffs, DENIED))
    ]
    pairs = {f"{one.id}:{club.id}+{staff.id}" for club in clubs for staff in staffs}
    assert read_only_one(one, other) == pairs | {f"{other.id}:{world.guild.id}"}
