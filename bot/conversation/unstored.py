"""Conversations where nothing is stored: read from Discord each time, as they are now, and forgotten with the answer.

It does not know who wants that (`bot.settings`), nor what conversations are made of (`transcript`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import discord
import structlog

from bot.conversation.intake import ORDINARY, Intake, replied_to
from bot.conversation.rendering import MOST_PARTS
from storage.choices import Choices
from storage.history import StoredMessage, StoredPerson
from storage.records import NOBODY

log = structlog.get_logger()

PAGE = 100
"""Messages that Discord gives at once."""
MOST_PAGES = 10
"""Requests for one reply chain. A page often holds several of its messages."""


class Unstored:
    """Reads what was said. Raises StorageError (who wants to be left out is stored); what Discord does not give is
    simply not read."""

    def __init__(self, intake: Intake, choices: Choices, my_id: Callable[[], int]) -> None:
        self._intake = intake
        self._choices = choices
        self._my_id = my_id

    async def recent(self, newest: discord.Message, longest: int, *, files: bool = True) -> list[StoredMessage]:
        """The last `longest` messages of a channel up to `newest`, oldest first, and Steward's answers after it; with
        the texts of their `files`, or without, which is quick."""
        page = await _page(newest.channel, longest)
        if all(message.id != newest.id for message in page):  # long ago
            page = [*page, *await _page(newest.channel, longest, newest.id)]
        wanted = {message.id: message for message in page if message.id <= newest.id or self._is_mine(message)}
        wanted.setdefault(newest.id, newest)  # where the history may not be read there is the question at least
        return await self._rows([wanted[number] for number in sorted(wanted)], files=files)

    async def starter(self, thread: discord.Thread) -> list[StoredMessage]:
        """The message from which a thread was started, if there is one."""
        parent = thread.parent
        if not isinstance(parent, discord.TextChannel):
            return []
        try:
            return await self._rows([await parent.fetch_message(thread.id)])
        except discord.HTTPException:
            return []

    async def chain(
        self, newest: discord.Message, longest: int, *, files: bool = True
    ) -> tuple[list[StoredMessage], int | None]:
        """The message and what it answers, oldest first, at most `longest`; and what the oldest of them answers."""
        known, found, pages = {newest.id: newest}, [newest], 0
        while (before := replied_to(found[-1])) is not None and len(found) < longest:
            resolved = found[-1].reference.resolved if found[-1].reference else None
            if isinstance(resolved, discord.Message):
                known.setdefault(resolved.id, resolved)
            if before not in known and pages < MOST_PAGES:
                pages += 1
                known |= {message.id: message for message in await _page(newest.channel, PAGE, before)}
            if before not in known:
                break
            found.append(known[before])
        return await self._rows(found[::-1], files=files), before

    async def parts(self, last: discord.Message) -> list[StoredMessage]:
        """Steward's own messages up to this one, each of which replies to the one before."""
        rows, _ = await self.chain(last, MOST_PARTS + 1)
        mine = self._my_id()
        others = [place for place, row in enumerate(rows) if row.author.id != mine]
        return rows[others[-1] + 1 :] if others else rows

    async def humans_in(self, thread: discord.Thread, longest: int) -> set[int]:
        """Who of the people wrote lately in a thread."""
        rows = await self._rows(await _page(thread, longest))
        return {row.author.id for row in rows if not row.author.is_bot and row.deleted_at is None}

    def _is_mine(self, message: discord.Message) -> bool:
        return message.author.id == self._my_id()

    async def _rows(self, messages: Sequence[discord.Message], *, files: bool = True) -> list[StoredMessage]:
        """As they would be stored: of people who want to be left out only an empty placeholder; they are not named."""
        written = [message for message in messages if message.type in ORDINARY or self._is_mine(message)]
        guild = written[0].guild if written else None
        people = {one.author.id for one in written} | {each.id for one in written for each in one.mentions}
        left_out = await self._choices.left_out(people, guild.id if guild else None)
        theirs = [one for one in written if one.author.id not in left_out]
        said = [await self._intake.said(one) if files else self._intake.stored(one) for one in theirs]
        rows = [replace(row, mentions=_without(row.mentions, left_out)) for row in said]
        empty = [_emptied(self._intake.stored(one)) for one in written if one.author.id in left_out]
        return sorted([*rows, *empty], key=lambda row: row.id)


def _emptied(row: StoredMessage) -> StoredMessage:
    return replace(row, author=StoredPerson(NOBODY, ""), content="", deleted_at=row.created_at, mentions={})


def _without(mentions: Mapping[int, str], left_out: Collection[int]) -> dict[int, str]:
    return {person: name for person, name in mentions.items() if person not in left_out}


async def _page(channel: discord.abc.Messageable, most: int, upto: int | None = None) -> list[discord.Message]:
    """The newest messages of a channel up to and with `upto`; none where Discord does not give them."""
    before = None if upto is None else discord.Object(upto + 1)
    try:
        return [message async for message in channel.history(limit=most, before=before)]
    except discord.HTTPException as error:
        log.info("channel not read", error=str(error))
        return []
