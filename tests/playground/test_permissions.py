"""Discord's permission arithmetic, and what follows from it for mentions."""

from __future__ import annotations

import pytest

from playground.errors import DiscordError
from playground.mentions import allowed, find
from playground.models import Channel, ChannelType, Guild, Member, Overwrite, Payload, Role
from playground.permissions import EVERYTHING, Permission, in_channel, in_guild
from playground.seed import plant
from playground.state import World
from playground.store import Store

GUILD, HELPERS, ADMINS, OWNER, ADA, GRACE = 1, 2, 3, 10, 11, 12
VIEW, SEND = int(Permission.VIEW_CHANNEL), int(Permission.SEND_MESSAGES)
MANAGE, ADMINISTRATOR = int(Permission.MANAGE_MESSAGES), int(Permission.ADMINISTRATOR)


def guild() -> Guild:
    roles = [Role(GUILD, "@everyone", VIEW | SEND, 0), Role(HELPERS, "Helpers", MANAGE, 1)]
    roles.append(Role(ADMINS, "Admins", ADMINISTRATOR, 2))
    members = [Member(OWNER, "now"), Member(ADA, "now", [HELPERS]), Member(GRACE, "now", [ADMINS])]
    return Guild(GUILD, "G", OWNER, {one.id: one for one in roles}, {one.user_id: one for one in members})


def test_roles_add_up_and_owners_and_admins_hold_everything() -> None:
    place = guild()
    assert in_guild(place, place.members[ADA]) == VIEW | SEND | MANAGE
    assert in_guild(place, place.members[OWNER]) == EVERYTHING
    assert in_guild(place, place.members[GRACE]) == EVERYTHING


@pytest.mark.parametrize(
    ("overwrites", "expected"),
    [
        ([], VIEW | SEND | MANAGE),
        ([Overwrite(GUILD, 0, deny=SEND)], VIEW | MANAGE),
        ([Overwrite(GUILD, 0, deny=SEND), Overwrite(HELPERS, 0, allow=SEND)], VIEW | SEND | MANAGE),
        ([Overwrite(HELPERS, 0, allow=SEND), Overwrite(GUILD, 0, deny=SEND)], VIEW | SEND | MANAGE),
        ([Overwrite(HELPERS, 0, deny=SEND), Overwrite(ADA, 1, allow=SEND)], VIEW | SEND | MANAGE),
        ([Overwrite(ADA, 1, deny=MANAGE)], VIEW | SEND),
        ([Overwrite(ADMINS, 0, deny=SEND), Overwrite(GRACE, 1, deny=SEND)], VIEW | SEND | MANAGE),
        ([Overwrite(GUILD, 0, deny=VIEW)], 0),
        ([Overwrite(GUILD, 0, deny=VIEW), Overwrite(HELPERS, 0, allow=VIEW)], VIEW | SEND | MANAGE),
    ],
)
def test_overwrites_come_in_layers(overwrites: list[Overwrite], expected: int) -> None:
    place = guild()
    channel = Channel(5, ChannelType.TEXT, "c", GUILD, overwrites=overwrites)
    assert in_channel(place, place.members[ADA], channel) == expected
    assert in_channel(place, place.members[OWNER], channel) == EVERYTHING
    assert in_channel(place, place.members[GRACE], channel) == EVERYTHING


def world() -> World:
    made = World(Store(None))
    plant(made)
    return made


@pytest.mark.parametrize(
    ("rules", "users", "roles", "everyone"),
    [
        (None, ["Ada", "Grace"], ["Pingable"], True),
        ({}, [], [], False),
        ({"parse": []}, [], [], False),
        ({"parse": ["users"]}, ["Ada", "Grace"], [], False),
        ({"parse": ["roles", "everyone"]}, [], ["Pingable"], True),
        ({"users": ["Ada"]}, ["Ada"], [], False),
        ({"parse": ["everyone"], "roles": ["Pingable"]}, [], ["Pingable"], True),
    ],
)
def test_only_what_is_allowed_is_mentioned(
    rules: Payload | None, users: list[str], roles: list[str], everyone: bool
) -> None:
    place = world()
    home = next(iter(place.guilds.values()))
    role = home.roles[99] = Role(99, "Pingable", 0, 1, mentionable=True)
    ids = {one.name: one.id for one in place.users.values()} | {role.name: role.id}
    if rules is not None:
        rules = {key: [ids.get(one, one) for one in listed] for key, listed in rules.items()}
    content = f"@everyone <@{ids['Ada']}> <@!{ids['Grace']}> <@{ids['Ada']}> <@&99> <@&{home.id}> <@1>"
    channel = place.guild_channels(home.id)[0]
    found = find(place, channel, ids["Ada"], content, allowed(rules), None)
    assert (found.users, found.everyone) == ([ids[one] for one in users], everyone)
    assert [one for one in found.roles if one != home.id] == [ids[one] for one in roles]


def test_everyone_and_closed_roles_need_the_permission() -> None:
    place = world()
    home = next(iter(place.guilds.values()))
    home.roles[home.id].permissions &= ~int(Permission.MENTION_EVERYONE)
    home.roles[99] = Role(99, "Closed", 0, 1)
    grace = next(one.id for one in place.people if one.name == "Grace")
    channel = place.guild_channels(home.id)[0]
    found = find(place, channel, grace, "@here <@&99>", allowed(None), None)
    assert (found.everyone, found.roles) == (False, [])
    found = find(place, channel, home.owner_id, "@here <@&99>", allowed(None), None)
    assert (found.everyone, found.roles) == (True, [99])


def test_contradictions_are_refused() -> None:
    for rules in ({"parse": ["users"], "users": ["1"]}, {"parse": ["nobody"]}):
        with pytest.raises(DiscordError) as refused:
            allowed(rules)
        assert refused.value.code == 50035
