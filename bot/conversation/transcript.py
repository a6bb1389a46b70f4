"""What was said before: the conversation that a message belongs to, from SQL, and from Discord only where SQL lacks it.

In private and in Steward's own threads the conversation is everything said there; elsewhere it is the reply chain.
It does not know budgets or prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import discord

from bot.conversation.intake import ORDINARY, Intake, replied_to
from bot.settings.rulebook import Rulebook
from storage.history import History, StoredMessage

LONGEST_FETCH = 50
"""Messages asked from Discord, one request each for a chain, when SQL lacks them."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Its messages in order, the newest being the one asked about; `key` is the same for all its turns.

    `unseen`: 0 where these are all, None where more was said before them than is looked at."""

    key: int
    rows: list[StoredMessage]
    unseen: int | None = 0


class Transcript:
    """Finds conversations. Raises StorageError; what Discord does not give is simply not read."""

    def __init__(
        self, history: History, intake: Intake, my_id: Callable[[], int], longest: int, rulebook: Rulebook
    ) -> None:
        self._history = history
        self._intake = intake
        self._my_id = my_id
        self._longest = longest
        self._rulebook = rulebook
        self._caught_up: set[int] = set()

    async def of(self, message: discord.Message, longest: int | None = None) -> Conversation:
        """The conversation up to `message`, which must be stored already; its last `longest` messages."""
        longest = longest or self._longest
        if self.flows(message.channel):
            if self._is_mine(message.channel):
                await self._catch_up(message)
            rows = await self._history.recent(message.channel.id, longest)
            unseen = 0 if len(rows) < longest else None
            if unseen == 0 and isinstance(message.channel, discord.Thread):
                rows = await self._with_starter(message.channel, rows)
            return Conversation(message.channel.id, self._said_before(message, rows), unseen)
        rows, truncated = await self._chain(message, longest)
        return Conversation(rows[0].id if rows else message.id, rows, None if truncated else 0)

    async def _with_starter(self, thread: discord.Thread, rows: list[StoredMessage]) -> list[StoredMessage]:
        """A thread inherits the message that it was started from, which has its id and stands in the channel."""
        starter = (await self._history.chain(thread.id, 1)).messages
        known = {row.id for row in rows}
        return [*(row for row in starter if row.id not in known and row.channel_id == thread.parent_id), *rows]

    def flows(self, channel: discord.abc.MessageableChannel) -> bool:
        """Whether everything said in this channel is one conversation."""
        return self._is_mine(channel) or self._rulebook.answers_everything(channel)

    def _is_mine(self, channel: discord.abc.MessageableChannel) -> bool:
        is_own_thread = isinstance(channel, discord.Thread) and channel.owner_id == self._my_id()
        return is_own_thread or isinstance(channel, discord.DMChannel)

    async def humans_in(self, thread: discord.Thread, newest: discord.Message) -> int:
        """How many people wrote in a thread of Steward's lately, the author of `newest` among them."""
        await self._catch_up(newest)
        rows = await self._history.recent(thread.id, self._longest)
        return len({row.author.id for row in rows if not row.author.is_bot} | {newest.author.id})

    def _said_before(self, message: discord.Message, rows: Sequence[StoredMessage]) -> list[StoredMessage]:
        mine = self._my_id()
        return in_order([row for row in rows if row.id <= message.id or row.author.id == mine], mine)

    async def _catch_up(self, message: discord.Message) -> None:
        """Once per channel and run: what was said there before, while nobody listened."""
        if message.channel.id in self._caught_up:
            return
        try:
            earlier = [found async for found in message.channel.history(limit=LONGEST_FETCH, before=message)]
        except discord.HTTPException:
            return
        await self._intake.record([found for found in earlier if found.type in ORDINARY])
        self._caught_up.add(message.channel.id)

    async def _chain(self, message: discord.Message, longest: int) -> tuple[list[StoredMessage], bool]:
        """The chain, and whether it goes on beyond what is looked at."""
        chain = await self._history.chain(message.id, longest)
        fetched = 0
        while chain.missing is not None and fetched < LONGEST_FETCH:
            parent = await self._fetch(message, chain.missing)
            if parent is None:
                break
            await self._intake.record([parent])
            fetched += 1
            chain = await self._history.chain(message.id, longest)
        rows = _of_one_place(chain.messages, message.channel)
        return rows, chain.truncated and len(rows) == len(chain.messages)

    async def _fetch(self, message: discord.Message, message_id: int) -> discord.Message | None:
        """A message of the same channel: it comes with its reply often, else it is asked for."""
        known = message.reference.resolved if message.reference else None
        if replied_to(message) == message_id and isinstance(known, discord.Message):
            return known
        try:
            return await message.channel.fetch_message(message_id)
        except discord.HTTPException:
            return None


def _of_one_place(rows: Sequence[StoredMessage], channel: discord.abc.MessageableChannel) -> list[StoredMessage]:
    """The newest part of a chain that was said where everybody who reads `channel` can read it.

    That is the channel itself, and for a thread the channel that it was started in.
    """
    places = {channel.id, channel.parent_id} if isinstance(channel, discord.Thread) else {channel.id}
    begin = len(rows)
    while begin > 0 and rows[begin - 1].channel_id in places:
        begin -= 1
    return list(rows[begin:])


def in_order(rows: Sequence[StoredMessage], mine: int) -> list[StoredMessage]:
    """Each of Steward's answers right after its question, even when further questions came in between."""
    by_id = {row.id: row for row in rows}

    def place(row: StoredMessage) -> tuple[int, int]:
        question = row
        while question.author.id == mine and question.reply_to in by_id and question.reply_to < question.id:
            question = by_id[question.reply_to]
        return question.id, row.id

    return sorted(rows, key=place)
