"""Notes of parts of conversations, by their content: a summary that is asked for again reads only what is new.

Kept only where all the messages are stored, too: so they go with any of them (`storage.forgetting`), whatever the
reason. It does not know what notes look like, nor who makes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from storage import rows
from storage.database import Database
from storage.errors import BadRecord
from storage.forgetting import portions
from storage.models import Message, PartNotes, PartNotesSource
from storage.records import utc_now


@dataclass(frozen=True, slots=True)
class StoredNotes:
    """Notes (JSON) of a part that began with `first_id` and had so many `messages`; `key` is made from all of it."""

    key: str
    first_id: int
    messages: int
    notes: str


class StoredPartNotes:
    """Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, notes: StoredNotes, written_at: Mapping[int, datetime]) -> bool:
        """Keep notes of these messages, whose texts were written at those moments.

        False, and nothing is kept, where one of the messages is not stored, was deleted, or has a later text by now."""
        if notes.first_id not in written_at:
            raise BadRecord("Notes must name the messages that they were made from.")
        async with self._database.write() as connection:
            there = 0
            for some in portions(written_at):
                live = Message.id.in_(some) & Message.deleted_at.is_(None)
                texts = select(Message.id, rows.version().label("written_at")).where(live)
                found = (await connection.execute(texts)).all()
                there += sum(row.written_at <= written_at[row.id] for row in found)
            if there < len(written_at):
                return False
            await connection.execute(delete(PartNotes).where(PartNotes.key == notes.key))
            row = {
                "key": notes.key,
                "first_id": notes.first_id,
                "messages": notes.messages,
                "notes": notes.notes,
                "created_at": utc_now(),
            }
            made = await connection.execute(insert(PartNotes).values(row).returning(PartNotes.id))
            number = made.scalar_one()
            links = [{"notes_id": number, "message_id": message_id} for message_id in sorted(written_at)]
            await connection.execute(insert(PartNotesSource), links)
        return True

    async def beginning_with(self, message_ids: Collection[int]) -> dict[int, list[StoredNotes]]:
        """Notes of parts that begin with one of these messages, by its id."""
        known: defaultdict[int, list[StoredNotes]] = defaultdict(list)
        async with self._database.session() as session:
            for some in portions(message_ids):
                for row in await session.scalars(select(PartNotes).where(PartNotes.first_id.in_(some))):
                    known[row.first_id].append(StoredNotes(row.key, row.first_id, row.messages, row.notes))
        return dict(known)

    async def count(self) -> int:
        """How many are kept."""
        async with self._database.session() as session:
            return await session.scalar(select(func.count()).select_from(PartNotes)) or 0
