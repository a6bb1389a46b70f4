"""Fetches a range of messages from Discord, a hundred at a time, and makes of it what a task reads. Stores nothing.

What people opted out of is skipped, and so are bots; how many that were is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import discord

from bot.commands.ranges import Range, ReadableChannel
from bot.conversation.intake import ORDINARY
from bot.conversation.markup import readable
from bot.conversation.naming import names_in
from bot.errors import Refusal
from bot.language import N_
from llm.tasks.summary import SourceMessage
from storage.choices import Choices

PAGE = 100
GONE = N_("That message is no longer there: it was deleted, or it is not in this channel.")


@dataclass(frozen=True, slots=True)
class Read:
    """What was found in a range: `found` messages, of which `sources` have words by people that may be read.

    `is_partial`: some of those who wrote do not want to be read; `is_cut`: the range has older ones than these;
    `written_at`: when each of the messages got the text that was read."""

    sources: list[SourceMessage]
    found: int
    is_partial: bool
    is_cut: bool = False
    written_at: dict[int, datetime] = field(default_factory=dict)


class Fetching:
    """Reads ranges for one command. Methods raise discord's errors and StorageError."""

    def __init__(self, choices: Choices, me: Callable[[], discord.ClientUser]) -> None:
        self._choices = choices
        self._me = me

    async def read(self, wanted: Range, progress: Callable[[int], None] = lambda count: None) -> Read:
        """The range as sources, oldest first; `progress` gets the number of messages so far. Raises Refusal where a
        message that was named is gone."""
        found = await self.messages(wanted, progress)
        is_cut = len(found) >= wanted.limit and wanted.after is not None
        return replace(await self.sources(found, wanted.channel), is_cut=is_cut)

    async def messages(
        self, wanted: Range, progress: Callable[[int], None] = lambda count: None
    ) -> list[discord.Message]:
        """The range as it is on Discord, oldest first. Raises as `read` does."""
        found: list[discord.Message] = []
        history = wanted.channel.history(
            limit=wanted.limit, after=wanted.after, before=wanted.before, oldest_first=False
        )
        async for message in history:
            found.append(message)
            if len(found) % PAGE == 0:
                progress(len(found))
        there = {message.id for message in found}
        if len(found) < wanted.limit and not there.issuperset(wanted.needed):
            raise Refusal(GONE)
        found.reverse()
        return found

    async def left_out(self, messages: Sequence[discord.Message], channel: ReadableChannel) -> set[int]:
        """Who of those who wrote them does not want to be read."""
        return await self._choices.left_out({message.author.id for message in messages}, channel.guild.id)

    async def of_people(self, messages: Sequence[discord.Message], channel: ReadableChannel) -> list[discord.Message]:
        """Those that people wrote who may be read."""
        left_out = await self.left_out(messages, channel)
        return [one for one in messages if _is_by_person(one) and one.author.id not in left_out]

    async def sources(self, found: Sequence[discord.Message], channel: ReadableChannel) -> Read:
        """What of these messages may be read, as words."""
        left_out = await self.left_out(found, channel)
        told = [self._source(message) for message in found if message.author.id not in left_out]
        written_at = {message.id: message.edited_at or message.created_at for message in found}
        return Read([one for one in told if one.text], len(found), bool(left_out), written_at=written_at)

    async def still_true(
        self, channel: ReadableChannel, cited: Collection[int], written_at: Mapping[int, datetime] | None = None
    ) -> set[int]:
        """Those of the messages that are there still, and may be read; with `written_at`, with the text of then."""
        there = await self._there(channel, cited)
        if written_at is None:
            return set(there)
        return {number for number, one in there.items() if (one.edited_at or one.created_at) <= written_at[number]}

    async def unchanged(self, channel: ReadableChannel, said: Mapping[int, str]) -> set[int]:
        """Those of the messages that are there still, and say the same."""
        there = await self._there(channel, said)
        return {number for number, one in there.items() if said[number] == one.content}

    async def _there(self, channel: ReadableChannel, wanted: Collection[int]) -> dict[int, discord.Message]:
        """Those of the messages that are there still, by people who do not want to be left out."""
        there: dict[int, discord.Message] = {}
        left = sorted(wanted)
        while left:
            after = discord.Object(left[0] - 1)
            page = {one.id: one async for one in channel.history(limit=PAGE, after=after, oldest_first=True)}
            there |= {number: page[number] for number in left if number in page}
            reached = max(page, default=left[-1]) if len(page) == PAGE else left[-1]
            left = [number for number in left if number > reached]
        left_out = await self.left_out(list(there.values()), channel)
        return {number: one for number, one in there.items() if one.author.id not in left_out}

    def _source(self, message: discord.Message) -> SourceMessage:
        """The message as words; without any where a bot or Discord itself wrote it."""
        people = {person.id: person.display_name for person in message.mentions}
        text = readable(message.content, names_in(message.guild, self._me(), people)) if _is_by_person(message) else ""
        return SourceMessage(message.id, message.author.display_name, text, message.created_at, message.channel.id)


def _is_by_person(message: discord.Message) -> bool:
    """Whether neither a bot nor Discord itself wrote it."""
    return message.type in ORDINARY and not message.author.bot and message.webhook_id is None
