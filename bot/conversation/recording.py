"""Steward's own answers in storage: a part as soon as it stands, and at the end the whole text and how it came to be.

It does not know how an answer is made or shown. Where nothing is stored, it stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import discord
import structlog

from bot.conversation.answer import Answer
from bot.conversation.intake import Keeps
from bot.conversation.rendering import Part
from bot.conversation.shown import AnyMessage, Shown
from storage.errors import StorageError
from storage.history import History, StoredMessage, StoredPerson

log = structlog.get_logger()


class Recording:
    """Records what Steward says."""

    def __init__(self, history: History, me: Callable[[], discord.ClientUser], keeps: Keeps) -> None:
        self._history = history
        self._keeps = keeps
        self._me = me

    async def begun(self, message: AnyMessage, part: Part, before: AnyMessage) -> None:
        """Store a part as soon as it is posted, so that a reply to it finds its conversation; its text follows."""
        try:
            if await self._keeps(message.guild, message.channel):
                await self._history.record([self._own(message, part, before.id)])
        except StorageError as error:
            log.error("reply not stored", message=message.id, error=str(error))

    async def forget(self, message_ids: Sequence[int]) -> None:
        """Keep nothing of these parts."""
        try:
            await self._history.delete(message_ids)
        except StorageError as error:
            log.error("reply stays stored", messages=len(message_ids), error=str(error))

    async def whole(self, question_id: int, answer: Answer, parts: Sequence[Shown]) -> bool:
        """Keep what was said and how it came to be; whether it is kept. The answer stands on Discord, so a failure is
        only logged."""
        try:
            if not await self.shown(question_id, parts):
                return False
            await self._history.record_reply(answer.as_stored(parts[0].message.id, question_id), answer.read)
        except StorageError as error:
            log.error("reply not stored", message=question_id, error=str(error))
            return False
        return True

    async def turned_to(self, question_id: int, parts: Sequence[Shown]) -> None:
        """Keep another of the answers in the place of the one that stood there. Raises StorageError."""
        if await self.shown(question_id, parts):
            await self._history.relink(parts[0].message.id)

    async def shown(self, question_id: int, parts: Sequence[Shown]) -> bool:
        """Keep what stands there now; whether it is kept. Raises StorageError."""
        if not parts or not await self._keeps(parts[0].message.guild, parts[0].message.channel):
            return False
        before, rows = question_id, []
        for shown in parts:
            rows.append(self._own(shown.message, shown.part, before))
            before = shown.message.id
        await self._history.record(rows)
        return True

    def _own(self, message: AnyMessage, part: Part, before_id: int) -> StoredMessage:
        me = self._me()
        return StoredMessage(
            id=message.id,
            channel_id=message.channel.id,
            guild_id=message.guild.id if message.guild else None,
            author=StoredPerson(me.id, me.display_name, is_bot=True),
            content=part.raw,
            created_at=message.created_at,
            reply_to=before_id,
        )
