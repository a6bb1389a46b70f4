"""What was said before: the conversation that a message belongs to, from SQL, and from Discord only where SQL lacks it.

In private and in Steward's own threads the conversation is everything said there, in private since somebody called
Steward by name, which starts afresh; elsewhere it is the reply chain.
It does not know budgets or prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import discord

from bot.conversation.intake import Intake, replied_to
from bot.conversation.reconciling import Reconciling
from bot.conversation.said import written
from bot.conversation.streaming import TROUBLE
from bot.conversation.unstored import Unstored
from bot.settings.rulebook import Rulebook
from storage.history import History, StoredMessage

LONGEST_FETCH = 50
"""Messages asked from Discord, one request each for a chain, when SQL lacks them."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Its messages in order, the newest being the one asked about; `key` is the same for all its turns.

    `unseen`: 0 where these are all, None where more was said before them than is looked at. `missing`: the message
    before them that is not stored."""

    key: int
    rows: list[StoredMessage]
    unseen: int | None = 0
    missing: int | None = None


class Transcript:
    """Finds conversations. Raises StorageError; what Discord does not give is simply not read."""

    def __init__(
        self,
        history: History,
        intake: Intake,
        my_id: Callable[[], int],
        longest: int,
        rulebook: Rulebook,
        unstored: Unstored,
    ) -> None:
        self._history = history
        self._intake = intake
        self._my_id = my_id
        self._longest = longest
        self._rulebook = rulebook
        self._unstored = unstored
        self._reconciling = Reconciling(history, intake, my_id)

    async def of(
        self,
        message: discord.Message,
        longest: int | None = None,
        *,
        model: str | None = None,
        files: bool = True,
    ) -> Conversation:
        """The conversation up to `message`, which must be stored already, where anything is: its last `longest`
        messages. With `model`, its rows come with their tokens as that model counts them, and with their summaries;
        without `files` nobody waits for the texts of attached files, which may then be missing."""
        if not await self._rulebook.keeps(message.guild, message.channel):
            return await self._looked_up(message, longest or self._longest, files=files)
        conversation = await self._known(message, longest, model)
        if files and await self._intake.has_read([row.id for row in conversation.rows]):
            conversation = await self.stored(message.channel, message.id, longest, model=model)
        return conversation

    async def _known(self, message: discord.Message, longest: int | None, model: str | None) -> Conversation:
        """From storage, where that is not all of it completed from Discord."""
        if self._is_mine(message.channel):
            await self._catch_up(message)
        conversation = await self.stored(message.channel, message.id, longest, model=model)
        if await self._compared(message, conversation):
            conversation = await self.stored(message.channel, message.id, longest, model=model)
        for _ in range(LONGEST_FETCH):
            parent = await self._fetch(message, conversation.missing) if conversation.missing is not None else None
            if parent is None:
                break
            await self._intake.record([parent])
            self._reconciling.fetched(parent)
            conversation = await self.stored(message.channel, message.id, longest, model=model)
        return conversation

    async def _looked_up(self, message: discord.Message, longest: int, *, files: bool) -> Conversation:
        """The same from Discord alone."""
        channel = message.channel
        if not self.flows(channel):
            rows, missing = await self._unstored.chain(message, longest, files=files)
            is_cut_off = missing is not None and len(rows) >= longest
            return Conversation(rows[0].id if rows else message.id, rows, None if is_cut_off else 0, missing)
        rows = in_order(await self._unstored.recent(message, longest, files=files), self._my_id())
        unseen = 0 if len(rows) < longest else None
        if unseen == 0 and isinstance(channel, discord.Thread):
            rows = [*await self._unstored.starter(channel), *rows]
        return self._flowing(channel, rows, unseen)

    async def parts(self, last: discord.Message) -> list[StoredMessage]:
        """Steward's own messages up to this one, each of which replies to the one before, as Discord has them."""
        return await self._unstored.parts(last)

    async def stored(
        self,
        channel: discord.abc.MessageableChannel,
        newest_id: int,
        longest: int | None = None,
        *,
        model: str | None = None,
    ) -> Conversation:
        """The same as far as it is stored, up to the message `newest_id`: Discord is not asked."""
        longest = longest or self._longest
        if self.flows(channel):
            rows = await self._history.recent(channel.id, longest, model=model)
            unseen = 0 if len(rows) < longest else None
            if unseen == 0 and isinstance(channel, discord.Thread):
                rows = await self._with_starter(channel, rows, model)
            return self._flowing(channel, self._said_before(newest_id, rows), unseen)
        chain = await self._history.chain(newest_id, longest, model=model)
        rows = _of_one_place(chain.messages, channel)
        is_cut_off = chain.truncated and len(rows) == len(chain.messages)
        return Conversation(rows[0].id if rows else newest_id, rows, None if is_cut_off else 0, chain.missing)

    def _flowing(
        self, channel: discord.abc.MessageableChannel, rows: list[StoredMessage], unseen: int | None
    ) -> Conversation:
        """Everything said there; in private what was said since Steward was called by name."""
        if isinstance(channel, discord.DMChannel) and (begun := _begun(rows, self._my_id())):
            return Conversation(channel.id, begun)
        return Conversation(channel.id, rows, unseen)

    async def _with_starter(
        self, thread: discord.Thread, rows: list[StoredMessage], model: str | None
    ) -> list[StoredMessage]:
        """A thread inherits the message that it was started from, which has its id and stands in the channel."""
        starter = (await self._history.chain(thread.id, 1, model=model)).messages
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
        if not await self._rulebook.keeps(thread.guild, thread):
            return len(await self._unstored.humans_in(thread, self._longest) | {newest.author.id})
        await self._catch_up(newest)
        rows = await self._history.recent(thread.id, self._longest)
        return len({row.author.id for row in rows if not row.author.is_bot} | {newest.author.id})

    def _said_before(self, newest_id: int, rows: Sequence[StoredMessage]) -> list[StoredMessage]:
        mine = self._my_id()
        return in_order([row for row in rows if row.id <= newest_id or row.author.id == mine], mine)

    def heard(self, message: discord.Message) -> None:
        """Somebody said something: from here on events tell of everything in this channel."""
        self._reconciling.heard(message)

    def reconnected(self) -> None:
        """Events may have been missed."""
        self._reconciling.reconnected()

    async def compare(self, channel: discord.abc.MessageableChannel, upto: int) -> None:
        """Bring what is stored of a channel's last messages, up to this one, up to date."""
        await self._reconciling.compare(channel, channel.id, [upto])

    async def _catch_up(self, message: discord.Message) -> None:
        """What was said there before, while nobody listened."""
        await self._reconciling.catch_up(message.channel, message.channel.id, message.id, self._longest)

    async def _compared(self, message: discord.Message, conversation: Conversation) -> bool:
        """Bring the rows up to date that were stored before this connection began; whether there were any."""
        has_asked = False
        for channel in _places(message.channel):
            rows = [row.id for row in conversation.rows if row.channel_id == channel.id and row.id != message.id]
            has_asked |= await self._reconciling.compare(channel, channel.id, rows)
        return has_asked

    async def _fetch(self, message: discord.Message, message_id: int) -> discord.Message | None:
        """A message of the same channel: it comes with its reply often, else it is asked for."""
        known = message.reference.resolved if message.reference else None
        if replied_to(message) == message_id and isinstance(known, discord.Message):
            return known
        try:
            return await message.channel.fetch_message(message_id)
        except TROUBLE:
            return None


def _places(channel: discord.abc.MessageableChannel) -> list[discord.abc.MessageableChannel]:
    """The channel, and the one that it was started in, if it is a thread."""
    parent = channel.parent if isinstance(channel, discord.Thread) else None
    return [channel, parent] if isinstance(parent, discord.TextChannel) else [channel]


def _of_one_place(rows: Sequence[StoredMessage], channel: discord.abc.MessageableChannel) -> list[StoredMessage]:
    """The newest part of a chain that was said where everybody who reads `channel` can read it.

    That is the channel itself, and for a thread the channel that it was started in.
    """
    places = {channel.id, channel.parent_id} if isinstance(channel, discord.Thread) else {channel.id}
    begin = len(rows)
    while begin > 0 and rows[begin - 1].channel_id in places:
        begin -= 1
    return list(rows[begin:])


def _begun(rows: Sequence[StoredMessage], mine: int) -> list[StoredMessage]:
    """What was said since somebody called Steward by name, and before it only what they replied to; empty where nobody
    did."""
    calls = (f"<@{mine}>", f"<@!{mine}>")
    named = [
        index
        for index, row in enumerate(rows)
        if row.author.id != mine and any(call in written(row.content) for call in calls)
    ]
    if not named:
        return []
    replied = [row for row in rows[: named[-1]] if row.id == rows[named[-1]].reply_to]
    return [*replied, *rows[named[-1] :]]


def in_order(rows: Sequence[StoredMessage], mine: int) -> list[StoredMessage]:
    """Each of Steward's answers right after its question, even when further questions came in between."""
    by_id = {row.id: row for row in rows}

    def place(row: StoredMessage) -> tuple[int, int]:
        question = row
        while question.author.id == mine and question.reply_to in by_id and question.reply_to < question.id:
            question = by_id[question.reply_to]
        return question.id, row.id

    return sorted(rows, key=place)
