"""Answers that a sudden end of the process broke off: after the next start they say so, and can be tried again; those
that had not begun are begun (`unanswered`).

Such an answer still has its *Stop*, which nobody else would take away; whether it was stored before the end does not
matter. It does not know how answers are written.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import discord
import structlog

from bot.clock import Clock
from bot.conversation.buttons import TEMPLATE, Action, Target, after_failure, view_of
from bot.conversation.rendering import DISCORD_LIMIT, length, small, without_remarks
from bot.conversation.running import Replies
from bot.conversation.streaming import TROUBLE
from bot.conversation.unanswered import Unanswered
from storage.history import History

log = structlog.get_logger()

STOPPED = "stopped here: I was restarted"
NOT_BEGUN = "I was restarted before I could answer this. *Retry* asks me again."
LOOKED_BACK = timedelta(hours=1)
"""Nobody waits longer for an answer; what is older becomes *Retry* when somebody presses *Stop*."""
CHANNELS = 25
"""Those that are looked through, one request each: the ones in which somebody spoke last."""
PAGE = 100


ChannelOf = Callable[[int], Awaitable["discord.abc.MessageableChannel | None"]]
"""A channel by its id; None where that is none in which people write."""


class BrokenOff:
    """Settles them. Raises StorageError."""

    def __init__(
        self, history: History, unanswered: Unanswered, replies: Replies, my_id: Callable[[], int], clock: Clock
    ) -> None:
        self._history = history
        self._unanswered = unanswered
        self._is_first = True
        self._replies = replies
        self._my_id = my_id
        self._clock = clock

    async def settle(self, channel_of: ChannelOf) -> None:
        """Look for them where somebody spoke lately, once connected."""
        since = self._clock.utc() - LOOKED_BACK
        is_first, self._is_first = self._is_first, False  # later on messages are heard, or read again (`hearing`)
        for channel_id, _ in await self._history.active(since, CHANNELS):
            try:
                channel = await channel_of(channel_id)
                if channel is not None:
                    await self._settle_in(channel, is_first=is_first)
            except TROUBLE as error:
                log.info("channel not looked through", channel=channel_id, error=str(error))

    async def _settle_in(self, channel: discord.abc.MessageableChannel, *, is_first: bool) -> None:
        page = [message async for message in channel.history(limit=PAGE)]
        if is_first:
            await self._unanswered.hear(channel, page, self._my_id())
        for message in page:
            target = stopped_by(message) if message.author.id == self._my_id() else None
            if target is not None and self._replies.to(target.question_id) is None:
                await self._settle(message, target)

    @staticmethod
    async def _settle(message: discord.Message, target: Target) -> None:
        text = without_remarks(message.content)
        told = f"{text}\n{small(STOPPED)}" if text else small(NOT_BEGUN)
        shown = told if length(told) <= DISCORD_LIMIT else text
        await message.edit(content=shown, view=view_of(after_failure(target)))
        log.info("answer was broken off", message=message.id)


def stopped_by(message: discord.Message) -> Target | None:
    """What the *Stop* under a message would stop; None where there is no such button."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    for button in (one for row in rows for one in row.children if isinstance(one, discord.Button)):
        match = re.fullmatch(TEMPLATE, button.custom_id or "")
        if match is not None and Action(match["action"]) is Action.STOP:
            return Target(int(match["question"]), int(match["asker"]), int(match["number"]))
    return None
