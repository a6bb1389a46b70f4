"""Requests and tokens per person, server, role and day: counted when they are used, without what they were used for.

Days are days in UTC. It knows no limit: the bot does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true

from storage.choices import OUTSIDE
from storage.columns import aware
from storage.database import Database
from storage.models import Guild, RoleUse, Use
from storage.upserts import Excluded, Resolve, Values, merge


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
    """Counts, and sums of counts. A server None means everywhere in sums. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(
        self, person_id: int, guild_id: int | None, used: Used, moment: datetime, roles: Collection[int] = ()
    ) -> None:
        """This person used that, in this server or (None) outside of servers; `roles` are those whose sum is kept."""
        day = aware(moment).date()
        row = {"person_id": person_id, "guild_id": guild_id or OUTSIDE, "day": day, **asdict(used)}
        shared = [{"guild_id": guild_id or OUTSIDE, "role_id": role, "day": day, **asdict(used)} for role in roles]
        async with self._database.write(settled=False) as connection:
            if guild_id is not None:  # so that these figures go when the server does
                await merge(connection, Guild, [{"id": guild_id, "name": ""}], None)
            await merge(connection, Use, [row], _added_to(Use))
            await merge(connection, RoleUse, sorted(shared, key=lambda one: one["role_id"]), _added_to(RoleUse))

    async def of_person(self, person_id: int, since: datetime, guild_id: int | None = None) -> Used:
        """What one person used since that day: for quotas, one short query over an index."""
        wanted = select(*SUMS).where(*_which(since, guild_id), Use.person_id == person_id)
        async with self._database.session(settled=False) as session:
            return _used((await session.execute(wanted)).one())

    async def of_roles(self, guild_id: int, roles: Collection[int], day: datetime) -> dict[int, Used]:
        """What all people with each of these roles used together on that day, as far as it was counted."""
        figures = select(RoleUse.role_id, RoleUse.requests, RoleUse.prompt_tokens, RoleUse.completion_tokens)
        wanted = figures.where(
            RoleUse.guild_id == guild_id, RoleUse.role_id.in_(roles), RoleUse.day == aware(day).date()
        )
        async with self._database.session(settled=False) as session:
            found = {row[0]: _used(row[1:]) for row in (await session.execute(wanted)).all()}
        return {role: found.get(role, Used()) for role in roles}

    async def by_day(
        self, since: datetime, *, person_id: int | None = None, guild_id: int | None = None
    ) -> dict[date, Used]:
        """What was used on each day that saw any use, oldest first; by one person, or by all (None)."""
        wanted = select(Use.day, *SUMS).where(*_which(since, guild_id)).group_by(Use.day).order_by(Use.day)
        if person_id is not None:
            wanted = wanted.where(Use.person_id == person_id)
        async with self._database.session(settled=False) as session:
            return {row[0]: _used(row[1:]) for row in (await session.execute(wanted)).all()}

    async def by_server(self, person_id: int, since: datetime, guild_id: int | None = None) -> dict[int, Used]:
        """What one person used since that day, by server; OUTSIDE stands for what was outside of servers."""
        wanted = select(Use.guild_id, *SUMS).where(*_which(since, guild_id), Use.person_id == person_id)
        async with self._database.session(settled=False) as session:
            rows = (await session.execute(wanted.group_by(Use.guild_id))).all()
        return {row[0]: _used(row[1:]) for row in rows}

    async def by_person(self, since: datetime, guild_id: int | None = None, most: int = 10) -> dict[int, Used]:
        """Who used most tokens, first first."""
        wanted = select(Use.person_id, *SUMS).where(*_which(since, guild_id)).group_by(Use.person_id)
        ranked = wanted.order_by((SUMS[1] + SUMS[2]).desc(), Use.person_id).limit(most)
        async with self._database.session(settled=False) as session:
            return {row[0]: _used(row[1:]) for row in (await session.execute(ranked)).all()}


def total(used: Iterable[Used]) -> Used:
    """All of it together."""
    every = list(used)
    return Used(
        sum(each.requests for each in every),
        sum(each.prompt_tokens for each in every),
        sum(each.completion_tokens for each in every),
    )


SUMS: tuple[ColumnElement[int], ...] = (
    func.coalesce(func.sum(Use.requests), 0),
    func.coalesce(func.sum(Use.prompt_tokens), 0),
    func.coalesce(func.sum(Use.completion_tokens), 0),
)


def _added_to(table: type[Use] | type[RoleUse]) -> Resolve:
    """How figures of a day that has some already are merged in."""

    def resolve(new: Excluded) -> tuple[Values, ColumnElement[bool]]:
        old = table.__table__.c
        return {name: old[name] + new[name] for name in Used.__dataclass_fields__}, true()

    return resolve


def _used(sums: Sequence[Any]) -> Used:
    requests, read, written = map(int, sums)  # PostgreSQL sums up to Decimal
    return Used(requests, read, written)


def _which(since: datetime, guild_id: int | None) -> list[ColumnElement[bool]]:
    wanted = [Use.day >= aware(since).date()]
    return wanted if guild_id is None else [*wanted, Use.guild_id == guild_id]
