"""An answer that stands on Discord, found again from one of its messages: history knows its text and its other parts.

It does not know what is to be done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import discord

from bot.conversation.intake import Keeps
from bot.conversation.layout import UNKNOWN, Wanted
from bot.conversation.long_answers import without_file_remark
from bot.conversation.newest import Finished
from bot.conversation.pace import Pace
from bot.conversation.rendering import MOST_PARTS, Part, render, without_remarks
from bot.conversation.shown import Shown, Standing
from bot.conversation.transcript import Transcript
from storage.history import History, StoredMessage

SEARCHED = 100
"""Messages after a reply of an earlier run among which an answer to it is looked for."""


class StandingReplies:
    """Finds what stands. Raises StorageError, and discord's errors where it asks Discord."""

    def __init__(
        self, history: History, transcript: Transcript, my_id: Callable[[], int], pace: Pace, keeps: Keeps
    ) -> None:
        self._history = history
        self._keeps = keeps
        self._transcript = transcript
        self._my_id = my_id
        self._pace = pace

    async def recall(self, finished: Finished, last: discord.Message) -> None:
        """Find out what is not known of a reply of an earlier run, whose last message this is."""
        if finished.is_restored:
            finished.is_answered = finished.is_answered or not await self.was_newest(last)
            finished.standing = await self.of(last)
            finished.is_restored = False

    async def was_newest(self, last: discord.Message) -> bool:
        """Whether a reply of an earlier run is still young, and nobody has said anything to it since."""
        age = self._pace.clock.utc() - (last.edited_at or last.created_at)
        if age > timedelta(seconds=self._pace.controls_s):
            return False
        if self._transcript.flows(last.channel):
            return not [later async for later in last.channel.history(limit=1, after=last)]
        later = [one async for one in last.channel.history(limit=SEARCHED, after=last)]
        return not any(one.reference and one.reference.message_id == last.id for one in later)

    async def of(self, last: discord.Message) -> Standing:
        """The answer whose last message this is; one that history does not know is a sentence without an answer."""
        rows = await self._parts(last)
        text = "".join(row.content for row in rows)
        footer = last.content[len(without_remarks(last.content)) :].strip() if text else last.content
        footer = without_file_remark(footer)
        rendered = render(text, footer)
        known = [part.shown for part in rendered] if len(rendered) == len(rows) else [""] * len(rows)
        earlier = [
            Shown(_partial(last, row.id), Wanted(Part(row.content, shown)))
            for row, shown in zip(rows[:-1], known[:-1], strict=True)
        ]
        raw = rows[-1].content if rows else ""
        state = Wanted(Part(raw, last.content), None, UNKNOWN if last.attachments else None)
        return Standing([*earlier, Shown(last, state)], text, footer)

    async def is_deleted(self, standing: Standing) -> bool:
        """Whether a part of it is no longer kept, since what it repeats was deleted."""
        for shown in standing.messages:
            if any(row.deleted_at for row in (await self._history.chain(shown.message.id, 1)).messages):
                return True
        return False

    async def _parts(self, last: discord.Message) -> list[StoredMessage]:
        """Steward's own messages up to this one, each of which replies to the one before; none where the text stands in
        a file that is not kept."""
        if not await self._keeps(last.guild, last.channel):
            return [] if last.attachments else await self._transcript.parts(last)
        parts: list[StoredMessage] = []
        for row in reversed((await self._history.chain(last.id, MOST_PARTS + 1)).messages):
            if row.author.id != self._my_id():
                break
            if row.deleted_at is None:
                parts.insert(0, row)
        return parts if parts and parts[-1].id == last.id else []


def _partial(last: discord.Message, message_id: int) -> discord.PartialMessage:
    """Another message of the same channel, which need not be fetched to be edited."""
    if isinstance(last.channel, discord.GroupChannel):
        raise TypeError("Discord lets no bot into a group of friends")
    return last.channel.get_partial_message(message_id)
