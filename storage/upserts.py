"""INSERT … ON CONFLICT, which SQLite and PostgreSQL spell alike and SQLAlchemy twice. Knows no single table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, inspect, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from storage.models import Base

Insert = sqlite.Insert | postgresql.Insert
Excluded = ReadOnlyColumnCollection[str, Any]
Values = dict[str, Any]
Resolve = Callable[[Excluded], tuple[Values, ColumnElement[bool]]]


async def upsert(
    connection: AsyncConnection, table: type[Base], rows: Sequence[Values], *, update: Collection[str]
) -> None:
    """Insert `rows`; where an id is there already, set the columns of `update` that differ."""

    def resolve(new: Excluded) -> tuple[Values, ColumnElement[bool]]:
        old = table.__table__.c
        return {name: new[name] for name in update}, or_(*(old[name].is_distinct_from(new[name]) for name in update))

    await merge(connection, table, rows, resolve)


async def merge(
    connection: AsyncConnection, table: type[Base], rows: Sequence[Values], resolve: Resolve | None
) -> None:
    """Insert `rows`; where one is there already, `resolve(new)` gives (values to set, condition); None keeps the old.

    Rows go in the order of their ids, so that two writers on PostgreSQL never wait for each other in a circle.
    """
    if not rows:
        return
    statement: Insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    key = [column.name for column in inspect(table).primary_key]
    if resolve is None:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        values, condition = resolve(statement.excluded)
        statement = statement.on_conflict_do_update(index_elements=key, set_=values, where=condition)
    await connection.execute(statement, sorted(rows, key=lambda row: int(row[key[0]])))
