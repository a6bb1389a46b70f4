"""What stands above a copy of a reply: to whom, the first words of that, and a link to it in the same channel."""

from __future__ import annotations

import discord

from bot.conversation.intake import replied_to
from bot.conversation.streaming import TROUBLE
from bot.mirrors.rewording import Rewording, Wish
from bot.mirrors.wording import LONGEST_QUOTE, quoted
from llm.errors import LLMError
from storage.choices import Choices
from storage.mirrors import Copies, StoredMirror


class Quoting:
    """Finds what a message replies to on the other side. Methods raise StorageError."""

    def __init__(self, copies: Copies, choices: Choices, rewording: Rewording) -> None:
        self._copies = copies
        self._choices = choices
        self._rewording = rewording

    async def above(self, message: discord.Message, mirror: StoredMirror, to: discord.TextChannel, wish: Wish) -> str:
        """A small line; empty where it is no reply, or to nothing that may be shown."""
        replied = replied_to(message)
        if replied is None:
            return ""
        source = await self._copies.source(replied)
        if source is not None and source.mirror_id == mirror.id:
            return await self._from_there(to, source.source_id)
        return await self._from_here(message, replied, mirror, to, wish)

    async def _from_there(self, to: discord.TextChannel, message_id: int) -> str:
        """It replies to a copy of what was said on the other side: that is shown in its own words."""
        try:
            original = await to.fetch_message(message_id)
        except TROUBLE:
            return ""
        return quoted(original.author.display_name, original.content[: 2 * LONGEST_QUOTE], original.jump_url)

    async def _from_here(
        self, message: discord.Message, replied: int, mirror: StoredMirror, to: discord.TextChannel, wish: Wish
    ) -> str:
        """It replies to something that was said on this side: what is shown is translated, and links to its copy."""
        original = message.reference.resolved if message.reference else None
        if not isinstance(original, discord.Message) or message.guild is None:
            return ""
        if await self._choices.left_out([original.author.id], message.guild.id):
            return ""
        copies = [one.message_id for one in await self._copies.of([replied]) if one.mirror_id == mirror.id]
        link = to.get_partial_message(copies[0]).jump_url if copies else None
        words = original.content[: 2 * LONGEST_QUOTE]
        try:
            (found,) = await self._rewording.translated(message, [words], wish)
            words = found.text
        except LLMError:  # said under the message itself, which fails then, too
            pass
        return quoted(original.author.display_name, words, link)
