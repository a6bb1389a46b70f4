"""What is stored of a channel with its threads, or of a server: counted, and removed for good.

It does not know who wants that, nor whether more will be stored there.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, select

from storage.database import Database
from storage.forgetting import erase_where, in_guild, in_places
from storage.models import Message
from storage.settings import Place, Scope


class Clearing:
    """Every method raises StorageError. `but`: channels of a server that are left alone, with their threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, place: Place, but: Collection[int] = ()) -> int:
        """How many messages are stored: what people said, questions asked in private, and Steward's answers."""
        live = select(func.count()).select_from(Message).where(Message.deleted_at.is_(None), _said(place, but))
        async with self._database.session() as session:
            return await session.scalar(live) or 0

    async def clear(self, place: Place, but: Collection[int] = ()) -> int:
        """Remove them, and what was made from them; how many messages, with what was left of deleted ones."""
        gone = await erase_where(self._database, _said(place, but))
        await self._database.forget_journal()
        return gone["messages"]


def _said(place: Place, but: Collection[int]) -> ColumnElement[bool]:
    """Raises ValueError for a role, in which nothing is said."""
    if place.scope is Scope.CHANNEL:
        return in_places([place.target_id])
    if place.scope is Scope.GUILD:
        return and_(in_guild(place.guild_id), ~in_places(but)) if but else in_guild(place.guild_id)
    raise ValueError("Nothing is said in a role.")
