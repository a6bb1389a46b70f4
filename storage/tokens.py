"""How many tokens a message is, per model, so that nothing is counted twice. Counts nothing itself.

A count goes when the message's text changes or goes (`storage.forgetting`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select

from storage.database import Database
from storage.forgetting import portions
from storage.models import Message, TokenCount
from storage.upserts import upsert


class TokenCounts:
    """Counts by message id. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, message_ids: Collection[int], model: str) -> dict[int, int]:
        """The known counts among these messages."""
        known: dict[int, int] = {}
        wanted = select(TokenCount.message_id, TokenCount.tokens).where(TokenCount.model == model)
        async with self._database.session(settled=False) as session:
            for some in portions(message_ids):
                found = await session.execute(wanted.where(TokenCount.message_id.in_(some)))
                known |= {row.message_id: row.tokens for row in found.all()}
        return known

    async def put(self, model: str, counted: Mapping[int, tuple[str, int]]) -> None:
        """Remember (text, tokens) by message id; not of messages that are not stored, or have another text by now."""
        async with self._database.write() as connection:
            rows = []
            for some in portions(counted):
                stored = await connection.execute(
                    select(Message.id, Message.content).where(Message.id.in_(some), Message.deleted_at.is_(None))
                )
                same = [row.id for row in stored.all() if row.content == counted[row.id][0]]
                rows += [{"message_id": number, "model": model, "tokens": counted[number][1]} for number in same]
            await upsert(connection, TokenCount, rows, update=("tokens",))
