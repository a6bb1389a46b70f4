"""Messages go, and with them everything that was made from them. Every removal of a message comes through here.

`wipe` leaves tombstones, so that reply chains hold; `erase` removes rows. Both follow the ids that derived rows store:
a running summary or a memory goes with any of its sources, and one of Steward's messages that repeats words of a source
is wiped with it. It does not know why something has to go. Runs inside its caller's transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from storage.database import Database
from storage.models import (
    AlternativeSource,
    Base,
    Channel,
    Memory,
    MemorySource,
    Mention,
    Message,
    OpenReply,
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
    await wipe(connection, await _with_memories_of(connection, [message_id]))
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


def in_guild(guild_id: int | None) -> ColumnElement[bool]:
    """Said in this server, or outside of all (None)."""
    place = Channel.guild_id.is_(None) if guild_id is None else Channel.guild_id == guild_id
    return Message.channel_id.in_(select(Channel.id).where(place))


async def _with_quotes(connection: AsyncConnection, ids: Sequence[int]) -> list[int]:
    """These messages, and Steward's that repeat words of them, and those that repeat words of these."""
    links = select(Quote.message_id.label("id")).where(Quote.source_id.in_(ids)).cte("quoting", recursive=True)
    links = links.union(select(Quote.message_id).join_from(Quote, links, Quote.source_id == links.c.id))
    return sorted({*ids, *await connection.scalars(select(links.c.id))})


async def _with_memories_of(connection: AsyncConnection, ids: Collection[int]) -> list[int]:
    """Answers that repeat words of a memory which was made from these messages."""
    made = select(MemorySource.memory_id).where(MemorySource.message_id.in_(ids))
    return await _repeating(connection, Memory.id.in_(made))


async def _repeating(connection: AsyncConnection, which: ColumnElement[bool]) -> list[int]:
    """Steward's messages, all parts of an answer, that repeat words of a memory that stood beside their question."""
    asked = select(Message.id, Memory.text).join_from(Recall, Memory, Memory.id == Recall.memory_id)
    asked = asked.join(Message, Message.reply_to == Recall.message_id).where(which)
    parts = asked.add_columns(Message.author_id).join(Person, Person.id == Message.author_id).where(Person.is_bot)
    answers = parts.cte("answers", recursive=True)
    part = aliased(Message)
    answers = answers.union(
        select(part.id, answers.c.text, part.author_id)
        .join_from(part, answers, part.reply_to == answers.c.id)
        .where(part.author_id == answers.c.author_id)
    )
    said = select(answers.c.id, answers.c.text, Message.content).join_from(answers, Message, Message.id == answers.c.id)
    found = (await connection.execute(said)).all()
    return sorted({row.id for row in found if pieces(row.text) & pieces(row.content)})


async def _drop_derived(connection: AsyncConnection, ids: Sequence[int], *, memories: bool = True) -> Counts:
    gone: Counts = Counter()
    for some in portions(ids):
        made = select(SummarySource.summary_id).where(SummarySource.message_id.in_(some))
        gone["summaries"] += await _delete(connection, Summary, Summary.id.in_(made))
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
