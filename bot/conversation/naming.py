"""What ids stand for in one server: its roles and channels, and the people who are known to the caller."""

from __future__ import annotations

from collections.abc import Mapping

import discord

from bot.conversation.markup import Names


def names_in(guild: discord.Guild | None, me: discord.ClientUser, people: Mapping[int, str]) -> Names:
    """The names for texts written in `guild` (None: in private)."""
    if guild is None:
        return Names(frozenset({me.id}), me.display_name, people)
    my_role = guild.self_role
    mine = frozenset({me.id, my_role.id} if my_role else {me.id})
    roles = {role.id: role.name for role in guild.roles}
    channels = {channel.id: channel.name for channel in guild.channels}
    return Names(mine, me.display_name, people, roles, channels)
