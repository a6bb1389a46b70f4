"""The threads of a channel in which somebody may have missed something: those that they may read, archived ones too.

A private thread is read by who is in it and by who manages threads; Discord is asked who is in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

import discord

from bot.commands.ranges import ReadableChannel, may_read
from bot.public_threads import MOST_ARCHIVED, last_said, public_threads


async def missed_threads(
    interaction: discord.Interaction, channel: ReadableChannel, since: datetime
) -> list[discord.Thread]:
    """Those in which something may have been said since then, as far as the person and Steward may read them."""
    if not isinstance(channel, discord.TextChannel):
        return []
    found = [one for one in await public_threads(channel, since) if may_read(interaction, one)]
    async for thread in _private(channel):
        if last_said(thread) >= since and await _may_read(interaction, thread):
            found.append(thread)
    return sorted(found, key=last_said, reverse=True)


async def _private(channel: discord.TextChannel) -> AsyncIterator[discord.Thread]:
    """The private threads that Steward is in: Discord tells of those that go on, and is asked for the others."""
    known = [thread for thread in channel.threads if thread.is_private()]
    for thread in known:
        yield thread
    ids = {thread.id for thread in known}
    with contextlib.suppress(discord.Forbidden):
        async for thread in channel.archived_threads(private=True, joined=True, limit=MOST_ARCHIVED):
            if thread.id not in ids:
                yield thread


async def _may_read(interaction: discord.Interaction, thread: discord.Thread) -> bool:
    if may_read(interaction, thread):
        return True
    if not isinstance(thread.parent, discord.TextChannel) or not may_read(interaction, thread.parent):
        return False
    try:
        await thread.fetch_member(interaction.user.id)
    except discord.NotFound:
        return False
    return True
