"""Pairs of channels that are mirrored into each other, and which of Steward's messages stands for whose in another
language.

Only ids are kept of messages, none of their words; they outlive the messages' own time, so that a late edit or
deletion still reaches what was made from them. It does not know Discord, nor who may see what.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from storage.columns import aware
from storage.database import Database
from storage.forgetting import portions
from storage.models import Copy, Mirror
from storage.records import utc_now
from storage.upserts import merge


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two channels of a mirror; what is posted there is in its language (BCP 47, such as "fr")."""

    channel_id: int
    language: str


@dataclass(frozen=True, slots=True)
class StoredMirror:
    """Two channels of a server. `confirmed`: who reads only one of them, as its maker was told (`bot.mirrors.readers`).
    `stopped`: why it rests; empty while it runs."""

    id: int
    guild_id: int
    one: Side
    other: Side
    confirmed: frozenset[str]
    stopped: str
    person_id: int
    created_at: datetime

    def beyond(self, channel_id: int) -> Side:
        """The side to which goes what is said in `channel_id`."""
        return self.other if channel_id == self.one.channel_id else self.one

    @property
    def channel_ids(self) -> frozenset[int]:
        """Both channels."""
        return frozenset((self.one.channel_id, self.other.channel_id))


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """A message of Steward's (`message_id`, in `channel_id`) is the part numbered `number` of what `person_id` said in
    the message `source_id`, in another language; `created_at` is when that was written, or rewritten. `mirror_id` None:
    somebody asked for it by a flag."""

    message_id: int
    guild_id: int
    channel_id: int
    source_id: int
    person_id: int
    mirror_id: int | None
    language: str
    number: int = 0
    created_at: datetime = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        aware(self.created_at)


class Mirrors:
    """The pairs. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredMirror]:
        """All pairs of all servers, the oldest first."""
        async with self._database.session() as session:
            return [_mirror(row) for row in await session.scalars(select(Mirror).order_by(Mirror.id))]

    async def put(self, guild_id: int, one: Side, other: Side, confirmed: Collection[str], by: int) -> StoredMirror:
        """Mirror these channels from now on; a pair that there was of them is replaced, with the memory of what it
        posted kept."""
        now = utc_now()
        values = {
            "guild_id": guild_id,
            "channel_id": one.channel_id,
            "language": one.language,
            "other_id": other.channel_id,
            "other_language": other.language,
            "confirmed": " ".join(sorted(confirmed)),
            "stopped": "",
            "person_id": by,
            "created_at": now,
        }
        same = _between(one.channel_id, other.channel_id)
        async with self._database.write() as connection:
            known = await connection.scalar(select(Mirror.id).where(same))
            if known is None:
                made = insert(Mirror).values(values).returning(Mirror.id)
                known = (await connection.execute(made)).scalar_one()
            else:
                await connection.execute(update(Mirror).where(Mirror.id == known).values(values))
        return StoredMirror(known, guild_id, one, other, frozenset(confirmed), "", by, now)

    async def rest(self, mirror_id: int, why: str) -> None:
        """Let a pair rest, and keep why."""
        async with self._database.write() as connection:
            await connection.execute(update(Mirror).where(Mirror.id == mirror_id).values(stopped=why))

    async def end(self, mirror_id: int) -> bool:
        """Mirror these channels no longer, and forget what stood for what; whether there was such a pair."""
        return bool(await self._delete(Mirror.id == mirror_id))

    async def end_in(self, channel_id: int) -> int:
        """A channel is gone, and with it the pairs that it was in; how many those were."""
        async with self._database.write() as connection:
            await connection.execute(delete(Copy).where(Copy.channel_id == channel_id))
        return await self._delete(or_(Mirror.channel_id == channel_id, Mirror.other_id == channel_id))

    async def _delete(self, which: ColumnElement[bool]) -> int:
        async with self._database.write() as connection:
            return (await connection.execute(delete(Mirror).where(which))).rowcount


class Copies:
    """What stands for what. Lists are in the order of posting. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, copies: Sequence[StoredCopy]) -> None:
        """Remember what was posted; again is harmless."""
        async with self._database.write() as connection:
            await merge(connection, Copy, [asdict(copy) for copy in copies], None)

    async def of(self, source_ids: Collection[int]) -> list[StoredCopy]:
        """What stands elsewhere for these messages."""
        return [copy for some in portions(source_ids) for copy in await self._found(Copy.source_id.in_(some))]

    async def source(self, message_id: int) -> StoredCopy | None:
        """What this message stands for, if it is one of Steward's copies."""
        found = await self._found(Copy.message_id == message_id)
        return found[0] if found else None

    async def of_person(self, person_id: int, guild_id: int | None) -> list[StoredCopy]:
        """What stands for messages of this person, in one server or (None) everywhere."""
        here = [] if guild_id is None else [Copy.guild_id == guild_id]
        return await self._found(Copy.person_id == person_id, *here)

    async def latest(self, mirror_id: int, channel_id: int, limit: int) -> list[StoredCopy]:
        """The last that a pair posted into one of its channels."""
        newest = select(Copy).where(Copy.mirror_id == mirror_id, Copy.channel_id == channel_id)
        async with self._database.session() as session:
            rows = await session.scalars(newest.order_by(Copy.message_id.desc()).limit(limit))
            return [_copy(row) for row in rows][::-1]

    async def rewritten(self, source_id: int, mirror_id: int, moment: datetime) -> None:
        """What a pair posted for this message says what it says since then."""
        mine = update(Copy).where(Copy.source_id == source_id, Copy.mirror_id == mirror_id)
        async with self._database.write() as connection:
            await connection.execute(mine.values(created_at=aware(moment)))

    async def forget(self, message_ids: Collection[int]) -> None:
        """These copies are gone."""
        async with self._database.write() as connection:
            for some in portions(message_ids):
                await connection.execute(delete(Copy).where(Copy.message_id.in_(some)))

    async def _found(self, *which: ColumnElement[bool]) -> list[StoredCopy]:
        async with self._database.session() as session:
            rows = await session.scalars(select(Copy).where(*which).order_by(Copy.message_id))
            return [_copy(row) for row in rows]


def _between(one: int, other: int) -> ColumnElement[bool]:
    return ((Mirror.channel_id == one) & (Mirror.other_id == other)) | (
        (Mirror.channel_id == other) & (Mirror.other_id == one)
    )


def _mirror(row: Mirror) -> StoredMirror:
    return StoredMirror(
        row.id,
        row.guild_id,
        Side(row.channel_id, row.language),
        Side(row.other_id, row.other_language),
        frozenset(row.confirmed.split()),
        row.stopped,
        row.person_id,
        row.created_at,
    )


def _copy(row: Copy) -> StoredCopy:
    return StoredCopy(**{name: getattr(row, name) for name in StoredCopy.__dataclass_fields__})
