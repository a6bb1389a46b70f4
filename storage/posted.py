"""Which messages the sentences rest on that people posted from private answers, so that they can go with them.

It keeps ids and moments only. It does not know what the sentences say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select

from storage.columns import aware
from storage.database import Database
from storage.forgetting import portions
from storage.models import PostedSource
from storage.upserts import merge


@dataclass(frozen=True, slots=True)
class Rests:
    """Steward's message `message_id` in `channel_id` rests on `source_id` in `place_id`, which `person_id` wrote and
    whose text is of `written_at`."""

    message_id: int
    source_id: int
    guild_id: int
    channel_id: int
    place_id: int
    person_id: int
    written_at: datetime
    created_at: datetime

    def __post_init__(self) -> None:
        aware(self.written_at), aware(self.created_at)


class PostedSources:
    """Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, rests: Sequence[Rests]) -> None:
        """Remember what was posted; again is harmless."""
        if rests:
            async with self._database.write() as connection:
                await merge(connection, PostedSource, [asdict(one) for one in rests], None)

    async def on(self, source_ids: Collection[int]) -> list[Rests]:
        """What rests on these messages."""
        return [one for some in portions(source_ids) for one in await self._found(PostedSource.source_id.in_(some))]

    async def newest(self, most: int) -> list[Rests]:
        """What was posted last, the newest first."""
        async with self._database.session() as session:
            wanted = select(PostedSource).order_by(PostedSource.created_at.desc(), PostedSource.source_id).limit(most)
            return [_rests(row) for row in await session.scalars(wanted)]

    async def on_place(self, channel_id: int) -> list[Rests]:
        """What rests on what was said in this channel or thread."""
        return await self._found(PostedSource.place_id == channel_id)

    async def on_person(self, person_id: int, guild_id: int | None) -> list[Rests]:
        """What rests on what this person said, in one server or (None) everywhere."""
        here = [] if guild_id is None else [PostedSource.guild_id == guild_id]
        return await self._found(PostedSource.person_id == person_id, *here)

    async def forget(self, rests: Collection[Rests]) -> None:
        """These sentences are gone."""
        async with self._database.write() as connection:
            for one in rests:
                mine = (PostedSource.message_id == one.message_id, PostedSource.source_id == one.source_id)
                await connection.execute(delete(PostedSource).where(*mine))

    async def gone(self, message_ids: Collection[int]) -> None:
        """These messages of Steward's are gone, if they were any."""
        async with self._database.write() as connection:
            for some in portions(message_ids):
                await connection.execute(delete(PostedSource).where(PostedSource.message_id.in_(some)))

    async def gone_in(self, channel_id: int) -> None:
        """A channel or thread is gone, with what stood in it."""
        both = or_(PostedSource.channel_id == channel_id, PostedSource.place_id == channel_id)
        async with self._database.write() as connection:
            await connection.execute(delete(PostedSource).where(both))

    async def _found(self, *which: ColumnElement[bool]) -> list[Rests]:
        async with self._database.session() as session:
            rows = await session.scalars(select(PostedSource).where(*which).order_by(PostedSource.message_id))
            return [_rests(row) for row in rows]


def _rests(row: PostedSource) -> Rests:
    return Rests(**{name: getattr(row, name) for name in Rests.__dataclass_fields__})
