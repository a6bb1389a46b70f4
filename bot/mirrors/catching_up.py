"""Edits and deletions in mirrored channels that happened while nobody listened: found by reading the latest again.

It does not know what follows from them. What was said meanwhile is not carried: it would come late and out of order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import discord
import structlog

from bot.conversation.reconciling import may_read_history
from bot.conversation.streaming import TROUBLE
from bot.mirrors.pairs import Pairs
from bot.mirrors.taking_back import GetChannel
from storage.mirrors import Copies, StoredCopy

log = structlog.get_logger()

READ_AGAIN = 100
"""Messages of a channel that are compared: one request."""

Edited = Callable[[discord.Message], None]
Deleted = Callable[[int, Collection[int]], None]


async def catch_up(pairs: Pairs, copies: Copies, channels: GetChannel, *, edited: Edited, deleted: Deleted) -> None:
    """Tell what happened to the last messages that each pair carried. Raises StorageError."""
    for mirror in pairs.running():
        for side in (mirror.one, mirror.other):
            channel = channels(side.channel_id)
            rows = await copies.latest(mirror.id, mirror.beyond(side.channel_id).channel_id, READ_AGAIN)
            if rows and isinstance(channel, discord.TextChannel):
                await _compare(channel, rows, edited, deleted)


async def _compare(channel: discord.TextChannel, rows: Sequence[StoredCopy], edited: Edited, deleted: Deleted) -> None:
    if not may_read_history(channel):
        return
    try:
        there = {one.id: one async for one in channel.history(limit=READ_AGAIN)}
    except TROUBLE as error:
        log.warning("mirrored channel not read again", channel=channel.id, error=str(error))
        return
    oldest = min(there) if len(there) == READ_AGAIN else 0
    gone = {row.source_id for row in rows if row.source_id >= oldest and row.source_id not in there}
    if gone:
        deleted(channel.id, gone)
    for row in rows:
        message = there.get(row.source_id)
        if message is not None and message.edited_at is not None and message.edited_at > row.created_at:
            edited(message)
