"""Long-term memory: facts that a person wants remembered in one server. Does not decide what is worth remembering.

Nothing is kept of a person who did not say yes there (`storage.choices`). A memory made from a message goes when that
message is edited or deleted; it outlives the message's retention, for it has one of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Select, func, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.choices import OUTSIDE, Consent
from storage.database import Database
from storage.errors import StorageError
from storage.forgetting import forgotten
from storage.models import Choice, Memory, MemorySource
from storage.records import utc_now

MOST_PER_PERSON = 200
"""In one server; so many can be shown, and compared with a question in well under a millisecond."""


class NotRemembered(StorageError):
    """This person did not say yes to memory in that server."""


class MemoryFull(NotRemembered):
    """This person has said all that the memory of that server holds."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """One memory. `is_private`: told where not everybody reads, so it belongs there and into private answers only."""

    id: int
    text: str
    is_private: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Hearers:
    """Where an answer will be read: `is_private`, by the asker alone; else in these channels."""

    is_private: bool = False
    channel_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vector of a text, by which model."""

    vector: Sequence[float]
    model: str


EVERYBODY = Hearers()


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
        channel_id: int | None = None,
        embedded: Embedded | None = None,
    ) -> int:
        """Remember `text`, made from the messages `sources`; its id. A private one was told in `channel_id`, if any.

        Raises NotRemembered without the person's yes, MemoryFull when there is no room.
        """
        row = {
            "person_id": person_id,
            "guild_id": guild_id or OUTSIDE,
            "text": text,
            "is_private": is_private,
            "channel_id": channel_id,
            "embedding": _bytes(embedded.vector) if embedded else None,
            "embedding_model": embedded.model if embedded else None,
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
        async with self._database.session(settled=False) as session:
            rows = await session.scalars(_mine(person_id, guild_id).order_by(Memory.id))
            return [_remembered(row) for row in rows]

    async def recall(
        self,
        person_id: int,
        guild_id: int | None,
        asked: Embedded | None,
        *,
        most: int = 5,
        at_least: float = 0.3,
        hearers: Hearers = EVERYBODY,
    ) -> list[Remembered]:
        """This person's memories nearest to what was `asked`, nearest first, by cosine similarity of at least
        `at_least`; after them, and alone where `asked` is None, the latest of those that cannot be compared.

        Private ones only for `hearers` who are the person alone, or are where it was told.
        """
        wanted = _mine(person_id, guild_id).where(audible(hearers))
        async with self._database.session(settled=False) as session:
            rows = list(await session.scalars(wanted.order_by(Memory.id.desc())))
        comparable = [row for row in rows if asked is not None and row.embedding_model == asked.model]
        scores = _similarities(asked.vector, [row.embedding or b"" for row in comparable]) if asked else []
        ranked = sorted(zip(scores, comparable, strict=True), key=lambda pair: -pair[0])
        nearest = [row for score, row in ranked if score >= at_least]
        others = [row for row in rows if row not in comparable]
        return [_remembered(row) for row in (nearest + others)[:most]]

    async def without_vector(self, person_id: int, guild_id: int | None, model: str) -> list[Remembered]:
        """This person's memories that have no vector by `model`."""
        bare = Memory.embedding_model.is_distinct_from(model)
        async with self._database.session(settled=False) as session:
            rows = await session.scalars(_mine(person_id, guild_id).where(bare).order_by(Memory.id))
            return [_remembered(row) for row in rows]

    async def embed(self, vectors: Mapping[int, Embedded]) -> None:
        """Give memories their vectors, by id; one that is gone by now stays gone."""
        async with self._database.write(settled=False) as connection:
            for number, embedded in vectors.items():
                values = {"embedding": _bytes(embedded.vector), "embedding_model": embedded.model}
                await connection.execute(update(Memory).where(Memory.id == number).values(values))

    async def forget(self, person_id: int, memory_id: int) -> bool:
        """Forget one memory of this person's, and the answers that repeat it; whether there was one."""
        async with self._database.write() as connection:
            return bool(await forgotten(connection, (Memory.id == memory_id) & (Memory.person_id == person_id)))

    async def forget_all(self, person_id: int, guild_id: int | None) -> int:
        """Forget everything about this person there, and the answers that repeat it; how many memories that were."""
        async with self._database.write() as connection:
            mine = (Memory.person_id == person_id) & (Memory.guild_id == (guild_id or OUTSIDE))
            return await forgotten(connection, mine)


def audible(hearers: Hearers) -> ColumnElement[bool]:
    """Which memories may enter an answer that these hearers read."""
    if hearers.is_private:
        return true()
    return or_(Memory.is_private.is_(False), Memory.channel_id.in_(hearers.channel_ids))


def _mine(person_id: int, guild_id: int | None) -> Select[Memory]:
    return select(Memory).where(Memory.person_id == person_id, Memory.guild_id == (guild_id or OUTSIDE))


def _bytes(vector: Sequence[float]) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()


async def _require_room(connection: AsyncConnection, person_id: int, guild_id: int | None) -> None:
    place = guild_id or OUTSIDE
    said_yes = select(Choice.made_at).where(
        Choice.person_id == person_id, Choice.guild_id == place, Choice.name == Consent.MEMORY.value
    )
    if await connection.scalar(said_yes) is None:
        raise NotRemembered("This person did not switch memory on in this server.")
    held = select(func.count()).where(Memory.person_id == person_id, Memory.guild_id == place)
    if (await connection.scalar(held) or 0) >= MOST_PER_PERSON:
        raise MemoryFull(f"There are {MOST_PER_PERSON} memories of this person in this server, the most it holds.")


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
