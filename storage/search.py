"""What can be found: messages of channels that are stored whole, and documents. By their words and by their meaning.

Whoever asks says where it may be looked (`Within`): this file does not know who may read what. Passages and vectors go
with their messages (`storage.forgetting`); what went in the meantime is never found, whatever was read before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Double,
    Row,
    Select,
    and_,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    text,
)

from storage import indexing
from storage.database import Database
from storage.forgetting import portions
from storage.models import Channel, Document, Guild, Message, Passage, PassageVector, Person
from storage.shelves import Shelves
from storage.upserts import Values, upsert

AT_ONCE = 500
"""Messages that are indexed in one transaction."""
EMBEDDED_CHARACTERS = 1_500
"""Of a passage: more than small models read."""


@dataclass(frozen=True, slots=True)
class Within:
    """Where it is looked: in this server's channels, and in its documents or not."""

    guild_id: int
    channel_ids: frozenset[int] = frozenset()
    documents: bool = False


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """A channel or thread of which something is stored; of a thread `parent_id` is its channel."""

    id: int
    kind: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A passage: a message (with its author's name then), or a piece of the document `document`."""

    id: int
    text: str
    message_id: int | None = None
    channel_id: int | None = None
    author_id: int | None = None
    author: str = ""
    created_at: datetime | None = None
    document: str = ""
    number: int = 0


class Search:
    """The index. Every method raises StorageError."""

    def __init__(self, database: Database, shelves: Shelves | None = None) -> None:
        self._database = database
        self._shelves = shelves or Shelves(database)

    async def places(self, guild_id: int) -> list[StoredPlace]:
        """Where in this server something was said that is stored."""
        there = select(Channel.id, Channel.kind, Channel.parent_id).where(Channel.guild_id == guild_id, Channel.id > 0)
        async with self._database.session() as session:
            return [StoredPlace(row.id, row.kind, row.parent_id) for row in (await session.execute(there)).all()]

    async def guilds(self) -> list[int]:
        """Servers of which something is stored."""
        async with self._database.session(settled=False) as session:
            return list(await session.scalars(select(Guild.id).order_by(Guild.id)))

    async def leave(self, guild_id: int, channel_ids: Collection[int]) -> int:
        """Keep in the index only what was said in these channels of a server, and its documents; how many went."""
        stray = (Passage.guild_id == guild_id, Passage.message_id.is_not(None), Passage.channel_id.not_in(channel_ids))
        async with self._database.session(settled=False) as session:
            if await session.scalar(select(Passage.id).where(*stray).limit(1)) is None:
                return 0
        async with self._database.write(settled=False) as connection:
            return (await connection.execute(delete(Passage).where(*stray))).rowcount

    async def index(self, guild_id: int, channel_ids: Collection[int], *, most: int = AT_ONCE) -> int:
        """Take up to `most` messages of these channels into the index, the newest first; how many were taken."""
        if not channel_ids:
            return 0
        async with self._database.write() as connection:
            found = (await connection.execute(_unindexed(channel_ids).limit(most))).all()
            rows = [message_passage(guild_id, row.channel_id, row.id, row.content) for row in found]
            if rows:
                await connection.execute(insert(Passage), rows)
        return len(rows)

    async def waiting(self, guild_id: int, model: str, most: int) -> dict[int, str]:
        """The text of passages that have no vector by `model`, the newest first; of none that has no words."""
        has_one = exists().where(PassageVector.passage_id == Passage.id, PassageVector.model == model)
        bare = (
            select(Passage.id, func.coalesce(Message.content, Passage.text).label("said"))
            .join_from(Passage, Message, Message.id == Passage.message_id, isouter=True)
            .where(Passage.guild_id == guild_id, Passage.words != "", ~has_one)
            .order_by(Passage.id.desc())
            .limit(most)
        )
        async with self._database.session() as session:
            return {row.id: row.said[:EMBEDDED_CHARACTERS] for row in (await session.execute(bare)).all()}

    async def embed(self, guild_id: int, model: str, vectors: Mapping[int, NDArray[np.float32]]) -> None:
        """Give passages their vectors; one that went in the meantime stays gone."""
        async with self._database.write(settled=False) as connection:
            for some in portions(vectors):
                there = await connection.scalars(select(Passage.id).where(Passage.id.in_(some)))
                rows = [
                    {"passage_id": number, "guild_id": guild_id, "model": model, "vector": vectors[number]}
                    for number in there
                ]
                await upsert(connection, PassageVector, rows, update=("model", "vector"))

    async def by_words(self, wanted: Sequence[str], within: Within, most: int) -> list[int]:
        """Ids of passages with any of these words (as `indexing.words` makes them), the best first."""
        chosen = list(dict.fromkeys(wanted))[: indexing.MOST_WORDS]
        if not chosen:
            return []
        return await (self._by_fts5 if self._database.is_sqlite else self._by_tsvector)(chosen, within, most)

    async def by_meaning(
        self, vector: NDArray[np.float32], model: str, within: Within, most: int
    ) -> list[tuple[int, float]]:
        """Passages nearest to this vector, with their cosine similarity, the nearest first."""
        if self._database.is_sqlite:
            return await self._shelves.nearest(
                vector, model, within.guild_id, within.channel_ids, documents=within.documents, most=most
            )
        return await self._by_pgvector(vector, model, within, most)

    def forget(self, guild_id: int | None) -> None:
        """Hold no vectors of a server, or (None) of any, in memory, until somebody asks again."""
        self._shelves.forget(guild_id)

    async def passages(self, ids: Collection[int]) -> dict[int, Found]:
        """What these passages say, as far as they are still there."""
        found: dict[int, Found] = {}
        async with self._database.session() as session:
            for some in portions(ids):
                rows = (await session.execute(_passages().where(Passage.id.in_(some)))).all()
                found |= {row.passage_id: _found(row) for row in rows}
        return found

    async def around(self, message_id: int, each_way: int) -> list[Found]:
        """What people said in the same channel just before and after a message, without it, oldest first."""
        channel = select(Message.channel_id).where(Message.id == message_id).scalar_subquery()
        there = _said().where(Message.channel_id == channel, Message.deleted_at.is_(None), Person.is_bot.is_(False))
        before = there.where(Message.id < message_id).order_by(Message.id.desc()).limit(each_way)
        after = there.where(Message.id > message_id).order_by(Message.id).limit(each_way)
        async with self._database.session() as session:
            rows = [*reversed((await session.execute(before)).all()), *(await session.execute(after)).all()]
        return [_found(row) for row in rows]

    async def _by_fts5(self, wanted: Sequence[str], within: Within, most: int) -> list[int]:
        words = table(indexing.FTS, column("rowid"), column("rank"))
        matching = literal_column(indexing.FTS).op("MATCH")(indexing.either(wanted, sqlite=True))
        statement = (
            select(Passage.id)
            .join_from(words, Passage, Passage.id == words.c.rowid)
            .where(matching, _inside(within))
            .order_by(words.c.rank)
            .limit(most)
        )
        async with self._database.session() as session:
            return list(await session.scalars(statement))

    async def _by_tsvector(self, wanted: Sequence[str], within: Within, most: int) -> list[int]:
        said = func.to_tsvector(text("'english'"), Passage.words)
        asked = func.to_tsquery(text("'english'"), indexing.either(wanted, sqlite=False))
        statement = (
            select(Passage.id)
            .where(said.op("@@")(asked), _inside(within))
            .order_by(func.ts_rank(said, asked, 1).desc(), Passage.id.desc())
            .limit(most)
        )
        async with self._database.session() as session:
            return list(await session.scalars(statement))

    async def _by_pgvector(
        self, vector: NDArray[np.float32], model: str, within: Within, most: int
    ) -> list[tuple[int, float]]:
        far: ColumnElement[float] = PassageVector.vector.op("<=>", return_type=Double())(vector)
        statement = (
            select(Passage.id, far.label("far"))
            .join_from(Passage, PassageVector, PassageVector.passage_id == Passage.id)
            .where(PassageVector.guild_id == within.guild_id, PassageVector.model == model, _inside(within))
            .order_by(far)
            .limit(most)
        )
        async with self._database.session() as session:
            return [(row.id, 1.0 - float(row.far)) for row in (await session.execute(statement)).all()]


def message_passage(guild_id: int, channel_id: int, message_id: int, content: str) -> Values:
    """A message as a row of passages."""
    return {
        "guild_id": guild_id,
        "channel_id": channel_id,
        "message_id": message_id,
        "document_id": None,
        "number": 0,
        "text": "",
        "words": " ".join(indexing.words(content)),
    }


def _unindexed(channel_ids: Collection[int]) -> Select[int, str, int]:
    """What people said in these channels and nobody took into the index yet."""
    indexed = exists().where(Passage.message_id == Message.id)
    return (
        select(Message.id, Message.content, Message.channel_id)
        .join_from(Message, Person, Person.id == Message.author_id)
        .where(Message.channel_id.in_(channel_ids), Message.id > 0, Message.deleted_at.is_(None))
        .where(Message.content != "", Person.is_bot.is_(False), ~indexed)
        .order_by(Message.id.desc())
    )


def _inside(within: Within) -> ColumnElement[bool]:
    there: ColumnElement[bool] = Passage.channel_id.in_(within.channel_ids)
    if within.documents:
        there = or_(there, Passage.document_id.is_not(None))
    return and_(Passage.guild_id == within.guild_id, there)


def _said() -> Select[*tuple[Any, ...]]:
    """Messages by people."""
    columns = (Message.id.label("message_id"), Message.channel_id, Message.author_id, Message.author_name)
    return select(*columns, Message.content.label("said"), Message.created_at).join_from(
        Message, Person, Person.id == Message.author_id
    )


def _passages() -> Select[*tuple[Any, ...]]:
    """Passages with the message or the document that they are of."""
    return (
        select(
            Passage.id.label("passage_id"),
            Passage.number,
            Passage.message_id,
            Passage.channel_id,
            Message.author_id,
            Message.author_name,
            Message.created_at,
            Document.name.label("document"),
            func.coalesce(Message.content, Passage.text).label("said"),
        )
        .join_from(Passage, Message, Message.id == Passage.message_id, isouter=True)
        .join(Document, Document.id == Passage.document_id, isouter=True)
    )


def _found(row: Row[*tuple[Any, ...]]) -> Found:
    return Found(
        id=getattr(row, "passage_id", 0),
        text=row.said,
        message_id=row.message_id,
        channel_id=row.channel_id,
        author_id=row.author_id,
        author=row.author_name or "",
        created_at=row.created_at,
        document=getattr(row, "document", None) or "",
        number=getattr(row, "number", 0),
    )
