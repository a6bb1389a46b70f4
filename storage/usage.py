"""Requests and tokens per person, server and day, from how Steward's replies came to be. Knows no limit: the bot does.

A request that ended in an error is not counted: nobody got anything for it. Days are days in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select

from storage.columns import aware
from storage.database import Database
from storage.models import Reply


@dataclass(frozen=True, slots=True)
class Used:
    """What was asked for, and the tokens that were read and written for it."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Read and written together."""
        return self.prompt_tokens + self.completion_tokens


class Usage:
    """Sums over replies. `guild_id` None means everywhere. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_person(self, person_id: int, since: datetime, guild_id: int | None = None) -> Used:
        """What one person used since that moment: for quotas, one short query over an index."""
        wanted = select(*SUMS).where(*_which(since, guild_id), Reply.person_id == person_id)
        async with self._database.session(settled=False) as session:
            return _used((await session.execute(wanted)).one())

    async def by_day(
        self, since: datetime, *, person_id: int | None = None, guild_id: int | None = None
    ) -> dict[date, Used]:
        """What was used on each day that saw any use, oldest first; by one person, or by all (None)."""
        day = self._day()
        wanted = select(day, *SUMS).where(*_which(since, guild_id)).group_by(day).order_by(day)
        if person_id is not None:
            wanted = wanted.where(Reply.person_id == person_id)
        async with self._database.session(settled=False) as session:
            found = (await session.execute(wanted)).all()
        return {date.fromisoformat(str(row[0])): _used(row[1:]) for row in found}

    async def by_person(self, since: datetime, guild_id: int | None = None, most: int = 10) -> dict[int, Used]:
        """Who used most tokens, first first."""
        tokens = SUMS[1] + SUMS[2]
        wanted = select(Reply.person_id, *SUMS).where(*_which(since, guild_id), Reply.person_id.is_not(None))
        ranked = wanted.group_by(Reply.person_id).order_by(tokens.desc(), Reply.person_id).limit(most)
        async with self._database.session(settled=False) as session:
            found = (await session.execute(ranked)).all()
        return {row[0]: _used(row[1:]) for row in found if row[0] is not None}

    def _day(self) -> ColumnElement[Any]:
        moment = Reply.created_at
        return func.date(moment) if self._database.is_sqlite else func.date(func.timezone(UTC_NAME, moment))


UTC_NAME: ColumnElement[str] = literal_column("'UTC'")
"""No parameter: PostgreSQL would not see that what is grouped by is what is selected."""

SUMS: tuple[ColumnElement[int], ...] = (
    func.count(),
    func.coalesce(func.sum(Reply.prompt_tokens), 0),
    func.coalesce(func.sum(Reply.completion_tokens), 0),
)


def _used(sums: Sequence[Any]) -> Used:
    requests, read, written = map(int, sums)  # PostgreSQL sums up to Decimal
    return Used(requests, read, written)


def _which(since: datetime, guild_id: int | None) -> list[ColumnElement[bool]]:
    wanted = [Reply.created_at >= aware(since), Reply.finish_reason != "error"]
    return wanted if guild_id is None else [*wanted, Reply.guild_id == guild_id]
