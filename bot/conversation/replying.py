"""How a reply is posted: also to what is gone, and where what it replies to may not be read.

It does not know what is said.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import discord

from bot.conversation.shown import AnyMessage

CANNOT_REPLY_WITHOUT_HISTORY = 160002
"""Discord's error code for a reply where Read Message History is not granted."""

Send = Callable[[discord.MessageReference | None], Awaitable[discord.Message]]
"""Posts a message that refers to another one, or to none."""


async def replied(to: AnyMessage, send: Send) -> discord.Message:
    """Post a reply to a message; where its history may not be read, without pointing at it. Raises discord's errors."""
    try:
        return await send(to.to_reference(fail_if_not_exists=False))
    except discord.HTTPException as error:
        if error.code != CANNOT_REPLY_WITHOUT_HISTORY:
            raise
        return await send(None)


async def reply(to: discord.Message, content: str, view: discord.ui.View) -> discord.Message:
    """Say this to a message, without a ping. Raises discord's errors."""

    async def send(reference: discord.MessageReference | None) -> discord.Message:
        if reference is None:
            return await to.channel.send(content, view=view)
        return await to.channel.send(content, reference=reference, mention_author=False, view=view)

    return await replied(to, send)
