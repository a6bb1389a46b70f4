"""Discord's messages → stored ones; edits and deletions on Discord reach the stored copies.

It does not decide which messages are kept (`reception` and `transcript` do): what it is given, it stores, except of
places where nothing is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import discord

from bot.conversation.attachments import Attachments, has_text
from bot.conversation.reading import WRITTEN, text_of
from bot.conversation.rendering import without_remarks
from bot.conversation.said import File
from bot.errands import Errands
from storage.history import Edit, History, StoredMessage, StoredPerson

ORDINARY = WRITTEN

REMEMBERED_DELETIONS = 1000
"""Other bots delete within milliseconds, while the message itself still waits for its turn."""


Keeps = Callable[[discord.Guild | None, discord.abc.Snowflake | None], Awaitable[bool]]
"""Whether anything that is said in this place is stored (`Rulebook.keeps`)."""


class Intake:
    """Writes what was said into history. Every method raises StorageError."""

    def __init__(
        self,
        history: History,
        my_id: Callable[[], int],
        keeps: Keeps,
        attachments: Attachments | None = None,
        errands: Errands | None = None,
    ) -> None:
        self._history = history
        self._my_id = my_id
        self._keeps = keeps
        self._attachments = attachments or Attachments()
        self._errands = errands or Errands()
        self._reading: dict[int, asyncio.Event] = {}
        self._on_its_way: dict[int, discord.Message] = {}
        self._named: set[int] = set()
        self._named_at = 0
        self._deleted: dict[int, None] = {}

    @contextmanager
    def expected(self, message: discord.Message) -> Iterator[None]:
        """During the body the message is on its way: an edit of it that overtakes it counts."""
        self._on_its_way[message.id] = message
        try:
            yield
        finally:
            self._on_its_way.pop(message.id, None)

    def latest(self, message: discord.Message) -> discord.Message:
        """The message as it is now, if it was edited while it is on its way."""
        return self._on_its_way.get(message.id, message)

    async def record(self, messages: Sequence[discord.Message]) -> None:
        """Store these messages as they are now, and the names of the places they were said in.

        They are stored together with others a moment later, and at once when somebody reads."""
        for message in await self._collected(messages):
            await self._read_files(message)

    async def record_said(self, message: discord.Message) -> None:
        """The same, without waiting for the texts of its files, which are fetched from elsewhere: they follow, and
        whoever needs them waits by `has_read`."""
        for kept in await self._collected([message]):
            if self._has_files(kept) and kept.id not in self._reading:
                self._reading[kept.id] = asyncio.Event()
                self._errands.run(self._read_later(kept), "attached files")

    async def has_read(self, message_ids: Collection[int]) -> bool:
        """Return when the files of these messages are read; whether anything had to be waited for."""
        reading = [self._reading[number] for number in message_ids if number in self._reading]
        for one in reading:
            await one.wait()
        return bool(reading)

    async def record_texts(self, messages: Sequence[discord.Message]) -> None:
        """Store many messages of long ago, without looking into their files. Raises StorageError."""
        messages = await self._kept(messages)
        await self._history.record([self.stored(message) for message in messages])
        await self._delete_gone(messages)
        for message in messages:
            await self._record_place(message)

    async def edit(self, message: discord.Message) -> Edit:
        """The message was edited on Discord. Our own edits are no news, and link previews come without a time."""
        if message.author.id != self._my_id() and message.edited_at is not None:
            if message.id in self._on_its_way:
                self._on_its_way[message.id] = message
            text = text_of(message, await self._files(message))
            return await self._history.edit(message.id, text, message.edited_at, self._mentions(message))
        return Edit.SAME

    async def delete(self, message_ids: Collection[int]) -> None:
        """The messages were deleted on Discord: their content goes, even of those that are stored a moment later."""
        self._deleted |= dict.fromkeys(message_ids)
        while len(self._deleted) > REMEMBERED_DELETIONS:
            del self._deleted[next(iter(self._deleted))]
        await self._history.delete(list(message_ids))

    async def delete_channel(self, channel_id: int) -> None:
        """A channel or thread was deleted on Discord, and with it all that was said there."""
        self._named.discard(channel_id)
        await self._history.delete_channel(channel_id)

    def stored(self, message: discord.Message, files: Mapping[int, File] | None = None) -> StoredMessage:
        """A message as it is stored: all that it says, as text; one of Steward's own without the remarks under it."""
        mine = message.author.id == self._my_id()
        return StoredMessage(
            id=message.id,
            channel_id=message.channel.id,
            guild_id=message.guild.id if message.guild else None,
            author=StoredPerson(message.author.id, message.author.display_name, message.author.bot),
            content=without_remarks(message.content) if mine else text_of(message, files),
            created_at=message.created_at,
            reply_to=replied_to(message),
            edited_at=None if mine else message.edited_at,
            mentions={} if mine else self._mentions(message),
        )

    def _mentions(self, message: discord.Message) -> dict[int, str]:
        """Whom its text mentions, beside Steward: who is merely replied to is not named."""
        return {
            person.id: person.display_name
            for person in message.mentions
            if person.id != self._my_id() and _names(message.content, person.id)
        }

    async def said(self, message: discord.Message) -> StoredMessage:
        """A message as it would be stored, with the texts of its files; of nobody who opted out."""
        return self.stored(message, await self._attachments.of(message) if self._has_files(message) else None)

    async def _collected(self, messages: Sequence[discord.Message]) -> list[discord.Message]:
        """Store what was typed; those that are kept."""
        messages = [self.latest(message) for message in await self._kept(messages)]
        if messages:
            await self._history.collect([self.stored(message) for message in messages])
            await self._delete_gone(messages)
        for message in messages:
            await self._record_place(message)
        return messages

    async def _read_later(self, message: discord.Message) -> None:
        try:
            await self._read_files(message)
        finally:
            self._reading.pop(message.id).set()

    async def _read_files(self, message: discord.Message) -> None:
        """Store the message once more, with the texts of its files."""
        if files := await self._files(message):
            await self._history.collect([self.stored(self.latest(message), files)])

    async def _kept(self, messages: Sequence[discord.Message]) -> list[discord.Message]:
        """Those of places where something is stored."""
        return [message for message in messages if await self._keeps(message.guild, message.channel)]

    def _has_files(self, message: discord.Message) -> bool:
        return message.author.id != self._my_id() and message.id not in self._deleted and has_text(message)

    async def _files(self, message: discord.Message) -> Mapping[int, File]:
        """The texts of its files; of a message that is not kept, as of somebody who opted out, none is looked at."""
        if not self._has_files(message):
            return {}
        is_kept = message.id in await self._history.versions([message.id])
        return await self._attachments.of(message) if is_kept else {}

    async def _delete_gone(self, messages: Sequence[discord.Message]) -> None:
        """Some were deleted while they were still on their way here."""
        gone = [message.id for message in messages if message.id in self._deleted]
        if gone:
            await self._history.delete(gone)

    async def _record_place(self, message: discord.Message) -> None:
        if self._named_at != self._history.place_revision:
            self._named, self._named_at = set(), self._history.place_revision
        if message.channel.id in self._named:
            return
        self._named.add(message.channel.id)
        guild, channel = message.guild, message.channel
        if guild is not None:
            await self._history.record_guild(guild.id, guild.name)
        name = getattr(channel, "name", None) or "private"
        kind = channel.type.name if channel.type else "unknown"
        parent = channel.parent_id if isinstance(channel, discord.Thread) else None
        await self._history.record_channel(channel.id, guild.id if guild else None, name, kind, parent)


def _names(content: str, person_id: int) -> bool:
    return f"<@{person_id}>" in content or f"<@!{person_id}>" in content


def replied_to(message: discord.Message) -> int | None:
    """Id of the message that this one replies to; forwarding and pinning refer to messages without replying."""
    if message.type is not discord.MessageType.reply or message.reference is None:
        return None
    return message.reference.message_id
