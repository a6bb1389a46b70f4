"""Steward's webhooks: one in each channel into which it mirrors, found again or made anew, and what is done by them.

Their tokens are never stored: Discord tells them to whom made the webhook. It does not know what is posted.
"""

from __future__ import annotations

from collections.abc import Callable

import discord

from bot.language import _
from bot.mirrors.wording import Face

NAME = "Steward mirror"
UNKNOWN_MESSAGE = 10008
TOO_MANY = 30007
"""Discord's code for a channel that has as many webhooks as it may."""


class NoWebhook(Exception):
    """There is no way into this channel: `str(error)` says what is missing, for people."""


class Hooks:
    """Posts under other names. Methods raise NoWebhook, and discord's errors for what may work another time."""

    def __init__(self, me: Callable[[], discord.ClientUser]) -> None:
        self._me = me
        self._known: dict[int, discord.Webhook] = {}

    async def post(self, channel: discord.TextChannel, text: str, face: Face) -> discord.WebhookMessage:
        """Say this there under that name; a webhook that somebody deleted is made anew, once."""
        hook = await self.of(channel)
        try:
            return await self._send(hook, text, face)
        except discord.NotFound:
            self._known.pop(channel.id, None)
            return await self._send(await self.of(channel), text, face)

    async def edit(self, channel: discord.TextChannel, message_id: int, text: str) -> None:
        """Say something else there instead. Raises discord.NotFound where it is gone, or its webhook is."""
        hook = await self.of(channel)
        await hook.edit_message(message_id, content=text, allowed_mentions=discord.AllowedMentions.none())

    async def delete(self, channel: discord.TextChannel, message_id: int) -> None:
        """Take it back; what is gone is gone, and what a deleted webhook said is deleted as a moderator does it."""
        try:
            await (await self.of(channel)).delete_message(message_id)
        except discord.NotFound as error:
            if error.code != UNKNOWN_MESSAGE:
                self._known.pop(channel.id, None)
            await self._delete_as_moderator(channel, message_id)
        except NoWebhook:
            await self._delete_as_moderator(channel, message_id)

    async def of(self, channel: discord.TextChannel) -> discord.Webhook:
        """The webhook of this channel."""
        if channel.id in self._known:
            return self._known[channel.id]
        try:
            found = [hook for hook in await channel.webhooks() if self._is_mine(hook)]
            hook = found[0] if found else await channel.create_webhook(name=NAME, reason="Mirrors a channel")
        except discord.Forbidden:
            lacking = _("I lack {permission} in {channel}", permission="*Manage Webhooks*", channel=channel.mention)
            raise NoWebhook(lacking) from None
        except discord.HTTPException as error:
            if error.code == TOO_MANY:
                full = _("{channel} has as many webhooks as Discord allows", channel=channel.mention)
                raise NoWebhook(full) from None
            raise
        self._known[channel.id] = hook
        return hook

    def _is_mine(self, hook: discord.Webhook) -> bool:
        return hook.name == NAME and hook.token is not None and hook.user is not None and hook.user.id == self._me().id

    @staticmethod
    async def _send(hook: discord.Webhook, text: str, face: Face) -> discord.WebhookMessage:
        return await hook.send(
            text,
            username=face.name,
            avatar_url=face.picture,
            allowed_mentions=discord.AllowedMentions.none(),
            wait=True,
        )

    @staticmethod
    async def _delete_as_moderator(channel: discord.TextChannel, message_id: int) -> None:
        """Needs Manage Messages; where that is lacking it stays, and the log has it."""
        try:
            await channel.get_partial_message(message_id).delete()
        except discord.NotFound:
            return
