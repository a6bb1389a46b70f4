"""Copies that must not stand any longer are deleted from Discord, and forgotten when they are gone there.

It does not know why they must go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import discord
import structlog

from bot.conversation.streaming import TROUBLE
from bot.mirrors.hooks import Hooks
from storage.mirrors import Copies, StoredCopy

log = structlog.get_logger()

GetChannel = Callable[[int], object]
FetchChannel = Callable[[int], Awaitable[object]]


class TakingBack:
    """Deletes copies, those of webhooks and Steward's own."""

    def __init__(self, copies: Copies, hooks: Hooks) -> None:
        self._copies = copies
        self._hooks = hooks
        self._channel: GetChannel = lambda channel_id: None
        self._fetch: FetchChannel = _not_connected

    def begin(self, channel: GetChannel, fetch: FetchChannel) -> None:
        """`channel` finds one of Discord's by its id among those at hand (no archived threads, none of a server that is
        away), `fetch` asks Discord for it and raises its errors."""
        self._channel, self._fetch = channel, fetch

    async def these(self, rows: Iterable[StoredCopy]) -> None:
        """What could not be deleted is still known afterwards. Raises StorageError."""
        gone: list[int] = []
        for row in rows:
            try:
                await self._delete(row)
            except discord.NotFound:
                pass
            except (*TROUBLE, discord.ClientException) as error:
                log.warning("copy not deleted", message=row.source_id, error=str(error))
                continue
            gone.append(row.message_id)
        await self._copies.forget(gone)

    async def _delete(self, row: StoredCopy) -> None:
        """Raises discord's errors: NotFound where it is gone, or its channel is."""
        channel = self._channel(row.channel_id) or await self._fetch(row.channel_id)
        if row.mirror_id is not None and isinstance(channel, discord.TextChannel):
            await self._hooks.delete(channel, row.message_id)
        elif isinstance(channel, discord.TextChannel | discord.Thread):
            await channel.get_partial_message(row.message_id).delete()


async def _not_connected(channel_id: int) -> object:
    raise discord.ClientException("Discord is not connected yet")
