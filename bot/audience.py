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


def reaches_no_further(source: discord.abc.GuildChannel | discord.Thread, destination: Channel) -> bool:
    """Whether everyone who reads in `destination` may also read what was said in `source`.

    Who has which roles is not known: so it is true within one channel and its public threads, and of what the whole
    server reads; else it is taken for false."""
    place = source.parent if isinstance(source, discord.Thread) and not source.is_private() else source
    if not isinstance(destination, discord.Thread | discord.abc.GuildChannel) or place is None:
        return False
    inside = destination.parent_id if isinstance(destination, discord.Thread) else None
    return place.id in (destination.id, inside) or source.id == destination.id or _read_by_all(place)


def _read_by_all(place: discord.abc.GuildChannel | discord.Thread) -> bool:
    """Whether the whole server reads there: everybody may, and nobody is kept out."""
    if isinstance(place, discord.Thread):
        return False
    granted = place.permissions_for(place.guild.default_role)
    kept_out = any(
        allowed.view_channel is False or allowed.read_message_history is False for allowed in place.overwrites.values()
    )
    return granted.view_channel and granted.read_message_history and not kept_out
