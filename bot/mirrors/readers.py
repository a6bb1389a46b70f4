"""Who reads one channel and not another, by Discord's own arithmetic of roles and overwrites. Asks nobody.

Who has which roles is not known, so every set of up to two roles stands for somebody who may have them: with overwrites
that is enough, for one role may let people in and another keep them out. Roles of bots do not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import combinations

import discord

from bot.language import _

Place = discord.abc.GuildChannel
AND = "+"
MOST_NAMED = 6


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
    found: list[frozenset[int]] = []
    for roles in _sets(_relevant(read, unread)):
        is_known = any(known <= roles for known in found)
        if not is_known and _reads(read, roles) and not _reads(unread, roles):
            found.append(roles)
    by_role = [AND.join(map(str, sorted(roles or {read.guild.id}))) for roles in found]
    return by_role if frozenset() in found else by_role + [str(one) for one in _members(read, unread)]


def _sets(roles: Collection[int]) -> Iterable[frozenset[int]]:
    """No role, one, or two of them."""
    return (frozenset(some) for count in range(3) for some in combinations(sorted(roles), count))


def _relevant(*channels: Place) -> set[int]:
    """Roles that decide who reads there; whoever has all permissions reads everything."""
    guild = channels[0].guild
    named = {target.id for channel in channels for target in channel.overwrites if _is_role(target)}
    base = guild.default_role.permissions
    return {
        role.id
        for role in guild.roles
        if not role.is_default()
        and not role.is_bot_managed()
        and not role.permissions.administrator
        and (role.id in named or (role.permissions.view_channel and not base.view_channel))
    }


def _reads(channel: Place, role_ids: frozenset[int]) -> bool:
    """Whether somebody with these roles, and no others, sees the channel."""
    guild = channel.guild
    roles = [role for role in guild.roles if role.id in role_ids]
    sees = any(role.permissions.view_channel for role in (guild.default_role, *roles))
    everyone = channel.overwrites_for(guild.default_role).view_channel
    sees = sees if everyone is None else everyone
    own = [channel.overwrites_for(role).view_channel for role in roles]
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
        if reads_there is False or not _reads(unread, frozenset()):
            found.append(member_id)
    return sorted(found)


def _by_member(channel: Place) -> dict[int, bool | None]:
    return {target.id: chosen.view_channel for target, chosen in channel.overwrites.items() if not _is_role(target)}


def _is_role(target: discord.Role | discord.Member | discord.Object) -> bool:
    """Members that are not at hand come as mere ids, with their kind."""
    return isinstance(target, discord.Role) or getattr(target, "type", None) is discord.Role
