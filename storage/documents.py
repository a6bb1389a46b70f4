"""Documents that a server's managers gave, cut into pieces that can be found. It does not know how a text is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from storage import indexing
from storage.database import Database
from storage.errors import StorageError
from storage.forgetting import portions
from storage.models import Document, Passage
from storage.records import utc_now

MOST = 50
"""Documents of one server."""
MOST_PIECES = 5_000
"""Of all documents of one server together."""


class ShelfFull(StorageError):
    """This server has as many documents, or as much text in them, as is kept."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document: its size in bytes as it was given, and into how many pieces it was cut."""

    id: int
    name: str
    size: int
    pieces: int
    created_at: datetime


class Documents:
    """The documents of each server. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, guild_id: int, name: str, pieces: Sequence[str], *, size: int, by: int) -> bool:
        """Keep a document; whether it replaced another one of that name. Raises ShelfFull when there is no room."""
        mine = (Document.guild_id == guild_id, Document.name == name)
        row = {"guild_id": guild_id, "name": name, "size": size, "person_id": by, "created_at": utc_now()}
        async with self._database.write(settled=False) as connection:
            replaced = (await connection.execute(delete(Document).where(*mine))).rowcount
            held = select(func.count()).where(Document.guild_id == guild_id)
            others = select(func.count()).where(Passage.guild_id == guild_id, Passage.document_id.is_not(None))
            if (await connection.scalar(held) or 0) >= MOST:
                raise ShelfFull(f"This server has {MOST} documents, the most that are kept.")
            if (await connection.scalar(others) or 0) + len(pieces) > MOST_PIECES:
                raise ShelfFull("This server's documents together have more text than is kept.")
            document = (await connection.execute(insert(Document).values(row).returning(Document.id))).scalar_one()
            rows = [
                {
                    "guild_id": guild_id,
                    "channel_id": None,
                    "message_id": None,
                    "document_id": document,
                    "number": number,
                    "text": piece,
                    "words": " ".join(indexing.words(piece)),
                }
                for number, piece in enumerate(pieces, 1)
            ]
            for places in portions(range(len(rows))):
                await connection.execute(insert(Passage), [rows[place] for place in places])
        if replaced:
            await self._database.forget_journal()
        return bool(replaced)

    async def of(self, guild_id: int) -> list[StoredDocument]:
        """What this server has, by name."""
        pieces = func.count(Passage.id)
        mine = (
            select(Document.id, Document.name, Document.size, Document.created_at, pieces.label("pieces"))
            .join_from(Document, Passage, Passage.document_id == Document.id, isouter=True)
            .where(Document.guild_id == guild_id)
            .group_by(Document.id, Document.name, Document.size, Document.created_at)
            .order_by(Document.name)
        )
        async with self._database.session(settled=False) as session:
            return [
                StoredDocument(row.id, row.name, row.size, row.pieces, row.created_at)
                for row in (await session.execute(mine)).all()
            ]

    async def remove(self, guild_id: int, name: str) -> bool:
        """Forget a document and everything made from it; whether there was one."""
        mine = (Document.guild_id == guild_id, Document.name == name)
        async with self._database.write(settled=False) as connection:
            gone = (await connection.execute(delete(Document).where(*mine))).rowcount
        await self._database.forget_journal()
        return bool(gone)
