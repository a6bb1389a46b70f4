"""Long-term memory: facts that a person wants remembered in one server. Does not decide what is worth remembering.

Nothing is kept of a person who did not say yes there (`storage.choices`). A memory made from a message goes when that
message is edited or deleted; it outlives the message's retention, for it has one of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.choices import OUTSIDE, Consent
from storage.database import Database
from storage.errors import StorageError
from storage.models import Choice, Memory, MemorySource
from storage.records import utc_now

MOST_PER_PERSON = 200
"""In one server; so many can be shown, and compared with a question in well under a millisecond."""


class NotRemembered(StorageError):
    """This person did not say yes to memory in that server, or has said all that it holds."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One memory. `is_private`: told where not everybody reads, so it belongs into private answers only."""

    id: int
    text: str
    is_private: bool
    created_at: datetime


class Memories:
    """Memories per person and server (`guild_id` None: outside of servers). Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        person_id: int,
        guild_id: int | None,
        text: str,
        *,
        sources: Collection[int] = (),
        is_private: bool = False,
        vector: Sequence[float] | None = None,
        model: str | None = None,
    ) -> int:
        """Remember `text`, made from the messages `sources`; its id. `vector` is its embedding by `model`.

        Raises NotRemembered without the person's yes.
        """
        row = {
            "person_id": person_id,
            "guild_id": guild_id or OUTSIDE,
            "text": text,
            "is_private": is_private,
            "embedding": None if vector is None else np.asarray(vector, dtype="<f4").tobytes(),
            "embedding_model": model,
            "created_at": utc_now(),
        }
        async with self._database.write() as connection:
            await _require_room(connection, person_id, guild_id)
            made = await connection.execute(insert(Memory).values(row).returning(Memory.id))
            number = int(made.scalar_one())
            links = [{"memory_id": number, "message_id": source} for source in sorted(set(sources))]
            if links:
                await connection.execute(insert(MemorySource), links)
        return number

    async def of(self, person_id: int, guild_id: int | None) -> list[Remembered]:
        """Everything that is remembered of this person there, oldest first."""
        mine = select(Memory).where(Memory.person_id == person_id, Memory.guild_id == (guild_id or OUTSIDE))
        async with self._database.session(settled=False) as session:
            return [_remembered(row) for row in await session.scalars(mine.order_by(Memory.id))]

    async def recall(
        self,
        person_id: int,
        guild_id: int | None,
        vector: Sequence[float],
        model: str,
        *,
        most: int = 5,
        at_least: float = 0.3,
        private: bool = False,
    ) -> list[Remembered]:
        """This person's memories nearest to `vector`, nearest first, by cosine similarity of at least `at_least`.

        Only those with a vector of the same `model`; private ones only where the answer is `private`.
        """
        mine = select(Memory).where(
            Memory.person_id == person_id,
            Memory.guild_id == (guild_id or OUTSIDE),
            Memory.embedding_model == model,
            Memory.embedding.is_not(None),
        )
        if not private:
            mine = mine.where(Memory.is_private.is_(False))
        async with self._database.session(settled=False) as session:
            rows = list(await session.scalars(mine.order_by(Memory.id)))
        scores = _similarities(vector, [row.embedding or b"" for row in rows])
        ranked = sorted(zip(scores, rows, strict=True), key=lambda pair: -pair[0])
        return [_remembered(row) for score, row in ranked[:most] if score >= at_least]

    async def forget(self, person_id: int, memory_id: int) -> bool:
        """Forget one memory of this person's; whether there was one."""
        async with self._database.write(settled=False) as connection:
            gone = delete(Memory).where(Memory.id == memory_id, Memory.person_id == person_id)
            return bool((await connection.execute(gone)).rowcount)

    async def forget_all(self, person_id: int, guild_id: int | None) -> int:
        """Forget everything about this person there; how many memories that were. For `/memory off`, too."""
        async with self._database.write(settled=False) as connection:
            gone = delete(Memory).where(Memory.person_id == person_id, Memory.guild_id == (guild_id or OUTSIDE))
            return (await connection.execute(gone)).rowcount


async def _require_room(connection: AsyncConnection, person_id: int, guild_id: int | None) -> None:
    place = guild_id or OUTSIDE
    said_yes = select(Choice.made_at).where(
        Choice.person_id == person_id, Choice.guild_id == place, Choice.name == Consent.MEMORY.value
    )
    if await connection.scalar(said_yes) is None:
        raise NotRemembered("This person did not switch memory on in this server.")
    held = select(func.count()).where(Memory.person_id == person_id, Memory.guild_id == place)
    if (await connection.scalar(held) or 0) >= MOST_PER_PERSON:
        raise NotRemembered(f"There are {MOST_PER_PERSON} memories of this person in this server, the most it holds.")


def _similarities(vector: Sequence[float], stored: Sequence[bytes]) -> list[float]:
    """Cosines; 0 for a vector of another length or without direction."""
    wanted = np.asarray(vector, dtype="<f4")
    scores = []
    for each in stored:
        other = np.frombuffer(each, dtype="<f4")
        norms = float(np.linalg.norm(wanted) * np.linalg.norm(other)) if other.shape == wanted.shape else 0.0
        scores.append(float(wanted @ other) / norms if norms else 0.0)
    return scores


def _remembered(row: Memory) -> Remembered:
    return Remembered(row.id, row.text, row.is_private, row.created_at)
