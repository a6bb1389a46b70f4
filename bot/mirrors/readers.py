"""Who reads one channel and not another, by Discord's own arithmetic of roles and overwrites. Asks nobody.

Who has which roles is not known, so every set of up to two roles stands for somebody who may have them: with overwrites
that is enough, for one role may let people in and another keep them out. Roles of bots do not count. Roles that do the
same in both channels are looked at as one kind, of which there are at most eighteen, however many roles a server has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations, product

import discord

from bot.language import _

Place = discord.abc.GuildChannel
AND = "+"
MOST_NAMED = 6

_Kind = tuple[bool, bool | None, bool | None]
"""Whether a role sees channels by itself, and what the first and the second channel say about it."""


def read_only_one(one: Place, other: Place) -> frozenset[str]:
    """Who reads only one of two channels of a server, as words without spaces that `names` can read.

    Each is the channel that they read, and the roles that they need for it ("everyone" is the server's own role), or
    the id of a member."""
    return frozenset(
        f"{read.id}:{who}" for read, unread in ((one, other), (other, one)) for who in _only_in(read, unread)
    )


def names(guild: discord.Guild, who: Iterable[str]) -> list[tuple[int, str]]:
    """For people: the channel that somebody reads beyond the other, and who that is. A member is named by a mention."""
    found = []
    for word in sorted(who):
        channel, _colon, readers = word.partition(":")
        found.append((int(channel), " + ".join(_name(guild, int(one)) for one in readers.split(AND))))
    return found


def _name(guild: discord.Guild, number: int) -> str:
    if number == guild.id:
        return _("everybody in this server")
    role = guild.get_role(number)
    return f"@{discord.utils.escape_markdown(role.name)}" if role is not None else f"<@{number}>"


def _only_in(read: Place, unread: Place) -> list[str]:
    kinds = _kinds(read, unread)
    found: list[frozenset[_Kind]] = []
    for some in _sets(kinds):
        is_known = any(known <= some for known in found)
        reads = _reads(read, [(sees, here) for sees, here, _there in some])
        if not is_known and reads and not _reads(unread, [(sees, there) for sees, _here, there in some]):
            found.append(some)
    sets = [roles for some in found for roles in product(*(kinds[kind] for kind in some))]
    by_role = [AND.join(map(str, sorted(roles or (read.guild.id,)))) for roles in sets]
    return by_role if frozenset() in found else by_role + [str(one) for one in _members(read, unread)]


def _sets(kinds: Collection[_Kind]) -> Iterable[frozenset[_Kind]]:
    """No role, one, or two of them; a second one of the same kind changes nothing."""
    return (frozenset(some) for count in range(3) for some in combinations(kinds, count))


def _kinds(one: Place, other: Place) -> Mapping[_Kind, list[int]]:
    """The roles that decide who reads there, by kind; whoever has all permissions reads everything."""
    here, there = _by_role(one), _by_role(other)
    base = one.guild.default_role.permissions
    found: dict[_Kind, list[int]] = defaultdict(list)
    for role in one.guild.roles:
        if role.is_default() or role.is_bot_managed() or role.permissions.administrator:
            continue
        is_named = role.id in here or role.id in there
        if is_named or (role.permissions.view_channel and not base.view_channel):
            found[role.permissions.view_channel, here.get(role.id), there.get(role.id)].append(role.id)
    return found


def _reads(channel: Place, roles: Collection[tuple[bool, bool | None]]) -> bool:
    """Whether somebody with such roles, and no others, sees the channel: of each whether it sees channels by itself,
    and what the channel says about it."""
    default = channel.guild.default_role
    everyone = channel.overwrites_for(default).view_channel
    sees = default.permissions.view_channel or any(by_itself for by_itself, _said in roles)
    sees = sees if everyone is None else everyone
    own = [said for _by_itself, said in roles]
    return True in own or (sees and False not in own)


def _members(read: Place, unread: Place) -> list[int]:
    """Members with overwrites of their own that let them read there and perhaps not in the other channel."""
    here, there = _by_member(read), _by_member(unread)
    found = []
    for member_id in (here.keys() | there.keys()) - {read.guild.me.id}:
        reads = here.get(member_id)
        reads_there = there.get(member_id)
        if reads is False or reads_there is True:
            continue
        if reads_there is False or not _reads(unread, []):
            found.append(member_id)
    return sorted(found)


def _by_member(channel: Place) -> dict[int, bool | None]:
    return {target.id: chosen.view_channel for target, chosen in channel.overwrites.items() if not _is_role(target)}


def _by_role(channel: Place) -> dict[int, bool | None]:
    return {target.id: chosen.view_channel for target, chosen in channel.overwrites.items() if _is_role(target)}


def _is_role(target: discord.Role | discord.Member | discord.Object) -> bool:
    """Members that are not at hand come as mere ids, with their kind."""
    return isinstance(target, discord.Role) or getattr(target, "type", None) is discord.Role
