"""What stands above a copy of a reply: to whom it is, and a link to that in the same channel.

None of the words: they would stay when their writer deletes or edits them, or leaves.
"""

from __future__ import annotations

import discord

from bot.conversation.intake import replied_to
from bot.conversation.streaming import TROUBLE
from bot.mirrors.wording import in_reply
from storage.choices import Choices
from storage.mirrors import Copies, StoredCopy, StoredMirror


class Quoting:
    """Finds what a message replies to on the other side. Methods raise StorageError."""

    def __init__(self, copies: Copies, choices: Choices) -> None:
        self._copies = copies
        self._choices = choices

    async def above(self, message: discord.Message, mirror: StoredMirror, to: discord.TextChannel) -> str:
        """A small line; empty where it is no reply, or to nobody who may be named."""
        replied = replied_to(message)
        if replied is None:
            return ""
        source = await self._copies.source(replied)
        if source is not None and source.mirror_id == mirror.id:
            return await self._from_there(to, source)
        return await self._from_here(message, replied, mirror, to)

    async def _from_there(self, to: discord.TextChannel, source: StoredCopy) -> str:
        """It replies to a copy of what was said on the other side."""
        if await self._choices.left_out([source.person_id], source.guild_id):
            return ""
        try:
            original = await to.fetch_message(source.source_id)
        except TROUBLE:
            return ""
        return in_reply(original.author.display_name, original.jump_url)

    async def _from_here(
        self, message: discord.Message, replied: int, mirror: StoredMirror, to: discord.TextChannel
    ) -> str:
        """It replies to something that was said on this side; a webhook's name may be somebody's of elsewhere."""
        original = message.reference.resolved if message.reference else None
        if not isinstance(original, discord.Message) or message.guild is None or original.webhook_id is not None:
            return ""
        if await self._choices.left_out([original.author.id], message.guild.id):
            return ""
        copies = [one.message_id for one in await self._copies.of([replied]) if one.mirror_id == mirror.id]
        link = to.get_partial_message(copies[0]).jump_url if copies else None
        return in_reply(original.author.display_name, link)
