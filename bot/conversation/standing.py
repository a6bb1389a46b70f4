"""An answer that stands on Discord, found again from one of its messages: history knows its text and its other parts.

It does not know what is to be done with it.
"""

from __future__ import annotations

from collections.abc import Callable

import discord

from bot.conversation.rendering import MOST_PARTS, Part, render, without_remarks
from bot.conversation.streaming import Shown, Standing
from bot.conversation.transcript import Transcript
from storage.history import History, StoredMessage


class StandingReplies:
    """Finds what stands. Raises StorageError."""

    def __init__(self, history: History, transcript: Transcript, my_id: Callable[[], int]) -> None:
        self._history = history
        self._transcript = transcript
        self._my_id = my_id

    def flows(self, channel: discord.abc.MessageableChannel) -> bool:
        """Whether everything said in this channel is one conversation."""
        return self._transcript.flows(channel)

    async def of(self, last: discord.Message) -> Standing:
        """The answer whose last message this is; one that history does not know is a sentence without an answer."""
        rows = await self._parts(last.id)
        text = "".join(row.content for row in rows)
        footer = last.content[len(without_remarks(last.content)) :].strip() if text else last.content
        rendered = render(text, footer)
        known = [part.shown for part in rendered] if len(rendered) == len(rows) else [""] * len(rows)
        earlier = [
            Shown(_partial(last, row.id), Part(row.content, shown))
            for row, shown in zip(rows[:-1], known[:-1], strict=True)
        ]
        raw = rows[-1].content if rows else ""
        return Standing([*earlier, Shown(last, Part(raw, last.content), None)], text, footer)

    async def _parts(self, last_id: int) -> list[StoredMessage]:
        """Steward's own messages up to this one, each of which replies to the one before."""
        parts: list[StoredMessage] = []
        for row in reversed((await self._history.chain(last_id, MOST_PARTS + 1)).messages):
            if row.author.id != self._my_id():
                break
            if row.deleted_at is None:
                parts.insert(0, row)
        return parts if parts and parts[-1].id == last_id else []


def _partial(last: discord.Message, message_id: int) -> discord.PartialMessage:
    """Another message of the same channel, which need not be fetched to be edited."""
    if isinstance(last.channel, discord.GroupChannel):
        raise TypeError("Discord lets no bot into a group of friends")
    return last.channel.get_partial_message(message_id)
