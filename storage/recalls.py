"""Which memories stood in the prompt beside which message: so that the next prompt begins the same way.

A memory that is forgotten is gone from here, too. Does not choose memories (`memories.py` does).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import delete, exists, insert, select

from storage.choices import OUTSIDE
from storage.database import Database
from storage.forgetting import portions
from storage.memories import Hearers, audible
from storage.models import Memory, Message, Recall


class Recalls:
    """What was recalled, by message. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, message_id: int, memory_ids: Sequence[int]) -> None:
        """These memories, in this order, stand beside that message from now on."""
        rows = [{"message_id": message_id, "memory_id": each, "place": at} for at, each in enumerate(memory_ids)]
        async with self._database.write() as connection:
            await connection.execute(delete(Recall).where(Recall.message_id == message_id))
            is_stored = await connection.scalar(select(exists().where(Message.id == message_id)))
            there = set(await connection.scalars(select(Memory.id).where(Memory.id.in_(memory_ids))))
            if is_stored and there:
                await connection.execute(insert(Recall), [row for row in rows if row["memory_id"] in there])

    async def of(
        self, message_ids: Collection[int], person_id: int, guild_id: int | None, hearers: Hearers
    ) -> dict[int, list[str]]:
        """The texts that stand beside each of these messages, for an answer to this person that `hearers` read.

        Nobody else's: what stood beside another person's question is no part of an answer to this one.
        """
        found: defaultdict[int, list[str]] = defaultdict(list)
        mine = (Memory.person_id == person_id) & (Memory.guild_id == (guild_id or OUTSIDE)) & audible(hearers)
        wanted = select(Recall.message_id, Memory.text).join_from(Recall, Memory, Memory.id == Recall.memory_id)
        async with self._database.session(settled=False) as session:
            for some in portions(message_ids):
                some_of_mine = wanted.where(mine, Recall.message_id.in_(some))
                rows = (await session.execute(some_of_mine.order_by(Recall.message_id, Recall.place))).all()
                for row in rows:
                    found[row.message_id].append(row.text)
        return dict(found)
