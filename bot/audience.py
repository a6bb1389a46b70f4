"""Who reads what is said in a channel: everybody in the server, some, or one person. Asks nobody.

What was told where not everybody reads is used only there, or in an answer that its teller alone reads.
"""

from __future__ import annotations

import discord

from storage.memories import Hearers

Channel = discord.abc.Snowflake | None
"""Whatever Discord calls the place of a message or a command."""


def is_private(channel: Channel) -> bool:
    """Whether not everybody in the server reads there; what is not known is taken for private."""
    if isinstance(channel, discord.Thread):
        return channel.is_private() or is_private(channel.parent)
    if isinstance(channel, discord.abc.GuildChannel):
        return not channel.permissions_for(channel.guild.default_role).view_channel
    return True


def hearers_in(channel: Channel) -> Hearers:
    """Who reads an answer there: in private messages the asker alone."""
    if isinstance(channel, discord.DMChannel) or channel is None:
        return Hearers(is_private=True)
    ids = (channel.id, channel.parent_id) if isinstance(channel, discord.Thread) else (channel.id,)
    return Hearers(channel_ids=frozenset(ids))
