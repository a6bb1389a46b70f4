"""The public threads of a channel, those that still go on and those that were archived: where else was said something.

It does not know what they are looked for.
"""

from __future__ import annotations

from datetime import datetime

import discord

MOST_ARCHIVED = 1_000
"""The latest ones; Discord gives a hundred at a time."""

Channel = discord.TextChannel | discord.VoiceChannel | discord.StageChannel
"""Channels whose messages can be fetched; a forum has none of its own."""


async def public_threads(channel: Channel, since: datetime) -> list[discord.Thread]:
    """Those in which something may have been said since then, the latest first.

    Discord tells of those that go on by itself, and is asked for the others, which it gives by when they were archived.
    Raises discord's errors where that may not be read.
    """
    if not isinstance(channel, discord.TextChannel):
        return []
    found = {thread.id: thread for thread in channel.threads if not thread.is_private()}
    async for thread in channel.archived_threads(limit=MOST_ARCHIVED):
        if thread.archive_timestamp < since:
            break
        found.setdefault(thread.id, thread)
    return sorted((one for one in found.values() if last_said(one) >= since), key=last_said, reverse=True)


def last_said(thread: discord.Thread) -> datetime:
    """When the last message was written, as far as Discord tells."""
    return discord.utils.snowflake_time(thread.last_message_id or thread.id)
