"""Messages go, and with them everything that was made from them. Every removal of a message comes through here.

`wipe` leaves tombstones, so that reply chains hold; `erase` removes rows. Both follow the ids that derived rows store:
a summary or a memory goes with any of its sources, and one of Steward's messages that repeats words of a source
is wiped with it. It does not know why something has to go. Runs inside its caller's transaction.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, Row, Select, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from storage.database import Database
from storage.models import (
    Alternative,
    AlternativeSource,
    Base,
    Channel,
    Memory,
    MemorySource,
    Mention,
    Message,
    OpenReply,
    PartNotes,
    PartNotesSource,
    Passage,
    Person,
    Quote,
    Recall,
    Reply,
    Summary,
    SummarySource,
    TokenCount,
)
from storage.quoting import pieces
from storage.records import utc_now

IDS_PER_STATEMENT = 500
"""Both databases bound the parameters of one statement, and so many rows are a short transaction."""

Counts = Counter[str]
"""Rows that are gone or emptied, by table."""


async def wipe(connection: AsyncConnection, message_ids: Collection[int]) -> Counts:
    """Take the content of messages and of what was made from them; "messages" counts these messages alone."""
    gone: Counts = Counter()
    for some in portions(message_ids):
        everything = await _with_quotes(connection, [*some, *await _with_memories_of(connection, some)])
        gone += await _drop_derived(connection, everything)
        gone += await _drop_open(connection, everything)
        gone["messages"] += await _empty(connection, some)
        gone["quoting messages"] += await _empty(connection, sorted(set(everything) - set(some)))
    return gone


async def erase(connection: AsyncConnection, message_ids: Collection[int], *, memories: bool = True) -> Counts:
    """Remove messages, how they came to be, and what was made from them; `memories=False` lets those outlive them."""
    gone: Counts = Counter()
    for some in portions(message_ids):
        answers = await _with_memories_of(connection, some) if memories else []
        everything = await _with_quotes(connection, [*some, *answers])
        gone += await _drop_derived(connection, everything, memories=memories)
        gone += await _drop_open(connection, everything)
        gone["quoting messages"] += await _empty(connection, sorted(set(everything) - set(some)))
        gone["replies"] += await _delete(connection, Reply, Reply.message_id.in_(some))
        await _delete(connection, Quote, Quote.source_id.in_(some))
        gone["messages"] += await _delete(connection, Message, Message.id.in_(some))
    return gone


async def erase_where(database: Database, chosen: ColumnElement[bool], *, memories: bool = True) -> Counts:
    """`erase` all messages of which `chosen` holds, in many short transactions, so that writers get their turns."""
    gone: Counts = Counter()
    while True:
        async with database.write() as connection:
            found = list(await connection.scalars(select(Message.id).where(chosen).limit(IDS_PER_STATEMENT)))
            gone += await erase(connection, found, memories=memories)
        if len(found) < IDS_PER_STATEMENT:
            return gone


async def changed(connection: AsyncConnection, message_id: int, old: str, new: str) -> None:
    """A message's content is another one: what was made from the old one goes, except quotes that the new one has."""
    await wipe(connection, await _with_memories_of(connection, [message_id], still=pieces(new)))
    await _drop_derived(connection, [message_id])
    lost = pieces(old) - pieces(new)
    quoting = select(Message.id, Message.content).join_from(Quote, Message, Message.id == Quote.message_id)
    found = (await connection.execute(quoting.where(Quote.source_id == message_id))).all()
    await wipe(connection, [row.id for row in found if lost & pieces(row.content)])


async def forgotten(connection: AsyncConnection, which: ColumnElement[bool]) -> int:
    """Memories go, and with them the answers that repeat words of them; how many memories."""
    await wipe(connection, await _repeating(connection, which))
    return await _delete(connection, Memory, which)


def in_channels(channel_ids: Sequence[int]) -> ColumnElement[bool]:
    """Said in these channels, or asked there in private: that is kept under the negative id."""
    return Message.channel_id.in_([sign * channel_id for channel_id in channel_ids for sign in (1, -1)])


def in_places(channel_ids: Collection[int]) -> ColumnElement[bool]:
    """Said in these channels or in their threads, or asked there in private."""
    signed = [sign * channel_id for channel_id in channel_ids for sign in (1, -1)]
    thread = aliased(Channel)
    threads = select(thread.id).where(thread.parent_id.in_(signed))
    family = or_(Channel.id.in_(signed), Channel.parent_id.in_(signed), (-Channel.id).in_(threads))
    return Message.channel_id.in_(select(Channel.id).where(family))


def in_guild(guild_id: int | None) -> ColumnElement[bool]:
    """Said in this server, or outside of all (None)."""
    place = Channel.guild_id.is_(None) if guild_id is None else Channel.guild_id == guild_id
    return Message.channel_id.in_(select(Channel.id).where(place))


async def _with_quotes(connection: AsyncConnection, ids: Sequence[int]) -> list[int]:
    """These messages, and Steward's that repeat words of them, and those that repeat words of these."""
    links = select(Quote.message_id.label("id")).where(Quote.source_id.in_(ids)).cte("quoting", recursive=True)
    links = links.union(select(Quote.message_id).join_from(Quote, links, Quote.source_id == links.c.id))
    return sorted({*ids, *await connection.scalars(select(links.c.id))})


async def _with_memories_of(
    connection: AsyncConnection, ids: Collection[int], still: Collection[str] = ()
) -> list[int]:
    """Answers that repeat words of a memory which was made from these messages, and that are not `still` said."""
    made = select(MemorySource.memory_id).where(MemorySource.message_id.in_(ids))
    return await _repeating(connection, Memory.id.in_(made), still)


async def _repeating(connection: AsyncConnection, which: ColumnElement[bool], still: Collection[str] = ()) -> list[int]:
    """Steward's messages to the memories' person there that repeat words of these memories, but for those `still` said:
    a memory may enter any answer to that person. Alternatives that repeat them, shown or not, go right here."""
    told = await connection.execute(select(Memory.person_id, Memory.guild_id, Memory.text).where(which))
    wanted: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for memory in told.all():
        wanted[memory.person_id, memory.guild_id] |= pieces(memory.text).difference(still)
    found: set[int] = set()
    for (person_id, guild_id), words in wanted.items():
        said = (await connection.execute(_answers(person_id, guild_id or None))).all()
        found |= await asyncio.to_thread(_with_any, said, words)
        shown = select(Alternative.message_id.label("id"), Alternative.text.label("content")).join(OpenReply)
        pages = (await connection.execute(shown.where(OpenReply.person_id == person_id))).all()
        await _delete(connection, OpenReply, OpenReply.message_id.in_(_with_any(pages, words)))
    return sorted(found)


def _answers(person_id: int, guild_id: int | None) -> Select[int, str]:
    """Ids and texts of Steward's messages to a person, in private and in public, all parts."""
    asked, part = aliased(Message), aliased(Message)
    mine = select(Message.id, Message.author_id).join(Person, Person.id == Message.author_id).where(Person.is_bot)
    mine = mine.where(in_guild(guild_id))
    to_them = mine.join(asked, asked.id == Message.reply_to).where(asked.author_id == person_id)
    for_them = mine.join(Reply, Reply.message_id == Message.id).where(Reply.person_id == person_id)
    both = to_them.union(for_them).subquery()
    answers = select(both.c.id, both.c.author_id).cte("answers", recursive=True)
    answers = answers.union(
        select(part.id, part.author_id)
        .join_from(part, answers, part.reply_to == answers.c.id)
        .where(part.author_id == answers.c.author_id)
    )
    return select(Message.id, Message.content).where(Message.id.in_(select(answers.c.id)))


def _with_any(said: Sequence[Row[int, str]], wanted: set[str]) -> set[int]:
    """Which of these texts repeat something that is wanted."""
    return {row.id for row in said if wanted & pieces(row.content)}


async def _drop_derived(connection: AsyncConnection, ids: Sequence[int], *, memories: bool = True) -> Counts:
    gone: Counts = Counter()
    for some in portions(ids):
        made = select(SummarySource.summary_id).where(SummarySource.message_id.in_(some))
        gone["summaries"] += await _delete(connection, Summary, Summary.id.in_(made))
        noted = select(PartNotesSource.notes_id).where(PartNotesSource.message_id.in_(some))
        gone["summaries"] += await _delete(connection, PartNotes, PartNotes.id.in_(noted))
        remembered = select(MemorySource.memory_id).where(MemorySource.message_id.in_(some))
        if memories:
            gone["memories"] += await _delete(connection, Memory, Memory.id.in_(remembered))
        await _delete(connection, MemorySource, MemorySource.message_id.in_(some))
        await _delete(connection, Recall, Recall.message_id.in_(some))
        await _delete(connection, TokenCount, TokenCount.message_id.in_(some))
        await _delete(connection, Mention, Mention.message_id.in_(some))
        await _delete(connection, Passage, Passage.message_id.in_(some))
        repeating = select(AlternativeSource.message_id).where(AlternativeSource.source_id.in_(some))
        gone["open_replies"] += await _delete(connection, OpenReply, OpenReply.message_id.in_(repeating))
    return gone


async def _drop_open(connection: AsyncConnection, ids: Sequence[int]) -> Counts:
    """Alternatives of answers of which a part is among these messages."""
    gone: Counts = Counter()
    for some in portions(ids):
        mine = or_(OpenReply.message_id.in_(some), OpenReply.last_id.in_(some))
        gone["open_replies"] += await _delete(connection, OpenReply, mine)
    return gone


async def _empty(connection: AsyncConnection, ids: Sequence[int]) -> int:
    emptied = 0
    for some in portions(ids):
        statement = update(Message).where(Message.id.in_(some), Message.deleted_at.is_(None))
        emptied += (await connection.execute(statement.values(content="", deleted_at=utc_now()))).rowcount
    return emptied


async def _delete(connection: AsyncConnection, table: type[Base], where: ColumnElement[bool]) -> int:
    return (await connection.execute(delete(table).where(where))).rowcount


def portions(ids: Collection[int]) -> Iterator[list[int]]:
    """Lists of at most IDS_PER_STATEMENT of these ids."""
    every = list(ids)
    return (every[start : start + IDS_PER_STATEMENT] for start in range(0, len(every), IDS_PER_STATEMENT))
