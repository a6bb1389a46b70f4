"""What a server's managers chose, and which servers adopted Steward. Does not know what a setting means.

Values are JSON; each change is kept with who made it, when, and from what to what.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.models import Guild, Setting, SettingChange
from storage.records import utc_now
from storage.upserts import upsert


class Scope(Enum):
    """What a setting is for: the whole server, or one channel or role of it."""

    GUILD = "guild"
    CHANNEL = "channel"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting holds; `target_id` is the channel's or role's id, 0 for the whole server."""

    guild_id: int
    scope: Scope = Scope.GUILD
    target_id: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the audit log; None where the setting was or is not set. `person_id` 0: somebody who left no data."""

    place: Place
    name: str
    old: Any
    new: Any
    person_id: int
    changed_at: datetime


class GuildSettings:
    """Settings per guild. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def chosen(self, guild_id: int) -> dict[tuple[Place, str], Any]:
        """All that is set in this server, by place and name, as parsed JSON: one query, made to be kept in memory."""
        async with self._database.session(settled=False) as session:
            rows = await session.scalars(select(Setting).where(Setting.guild_id == guild_id))
            return {
                (Place(row.guild_id, Scope(row.scope), row.target_id), row.name): json.loads(row.value) for row in rows
            }

    async def everywhere(self, name: str) -> dict[int, Any]:
        """What each server that set `name` for all of itself set it to."""
        wanted = select(Setting).where(Setting.name == name, Setting.scope == Scope.GUILD.value)
        async with self._database.session(settled=False) as session:
            return {row.guild_id: json.loads(row.value) for row in await session.scalars(wanted)}

    async def places(self, name: str) -> dict[Place, Any]:
        """Where `name` is set, in all servers, and to what."""
        async with self._database.session(settled=False) as session:
            rows = await session.scalars(select(Setting).where(Setting.name == name))
            return {Place(row.guild_id, Scope(row.scope), row.target_id): json.loads(row.value) for row in rows}

    async def put(self, place: Place, name: str, value: Any, by: int) -> bool:  # noqa: ANN401 - any JSON
        """Set `name` to any JSON value; None takes it back, so that the default holds again. Whether it changed.

        `by` is the person who did it, for the audit log.
        """
        key = {"guild_id": place.guild_id, "scope": place.scope.value, "target_id": place.target_id, "name": name}
        new = None if value is None else json.dumps(value, sort_keys=True)
        async with self._database.write(settled=False) as connection:
            old = await connection.scalar(select(Setting.value).filter_by(**key))
            if old == new:
                return False
            if new is None:
                await connection.execute(delete(Setting).filter_by(**key))
            else:
                await upsert(connection, Setting, [key | {"value": new}], update=("value",))
            await _log(connection, key | {"old": old, "new": new, "person_id": by})
        self._database.setting_revisions[place.guild_id] += 1
        return True

    async def forget_place(self, place: Place) -> None:
        """A channel or role is gone, and with it what was chosen for it. The audit log keeps who chose what."""
        gone = delete(Setting).filter_by(guild_id=place.guild_id, scope=place.scope.value, target_id=place.target_id)
        async with self._database.write(settled=False) as connection:
            await connection.execute(gone)
        self._database.setting_revisions[place.guild_id] += 1

    async def remember(self, place: Place, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Keep something of the bot's own beside the settings, or (None) forget it: nobody's choice, so it is not
        logged."""
        key = {"guild_id": place.guild_id, "scope": place.scope.value, "target_id": place.target_id, "name": name}
        async with self._database.write(settled=False) as connection:
            if value is None:
                await connection.execute(delete(Setting).filter_by(**key))
            else:
                row = key | {"value": json.dumps(value, sort_keys=True)}
                await upsert(connection, Setting, [row], update=("value",))
        self._database.setting_revisions[place.guild_id] += 1

    async def remembered(self, name: str) -> dict[Place, Any]:
        """All that is kept or set under this name, in all servers."""
        async with self._database.session(settled=False) as session:
            rows = await session.scalars(select(Setting).where(Setting.name == name))
            return {Place(row.guild_id, Scope(row.scope), row.target_id): json.loads(row.value) for row in rows}

    def revision(self, guild_id: int) -> int:
        """Grows with every change of this server's settings: `chosen` that was read at an earlier one is old."""
        return self._database.setting_revisions[guild_id]

    async def changes(self, guild_id: int, limit: int = 50, offset: int = 0) -> list[Change]:
        """The audit log, newest first, without the first `offset` lines."""
        wanted = select(SettingChange).where(SettingChange.guild_id == guild_id)
        async with self._database.session(settled=False) as session:
            rows = await session.scalars(wanted.order_by(SettingChange.id.desc()).limit(limit).offset(offset))
            return [_change(row) for row in rows]

    async def adopted_guilds(self) -> set[int]:
        """The ids of the servers that Steward serves by adoption."""
        async with self._database.session(settled=False) as session:
            return set(await session.scalars(select(Guild.id).where(Guild.adopted_at.is_not(None))))

    async def adopt(self, guild_id: int, name: str) -> None:
        """Remember that this server is served; adopting it again changes nothing but the name."""
        async with self._database.write(settled=False) as connection:
            await upsert(connection, Guild, [{"id": guild_id, "name": name}], update=("name",))
            await connection.execute(
                update(Guild)
                .where(Guild.id == guild_id, Guild.adopted_at.is_(None))
                .values(adopted_at=datetime.now(UTC))
            )

    async def release(self, guild_id: int) -> None:
        """Serve this server no longer; what is stored of it stays."""
        async with self._database.write(settled=False) as connection:
            await connection.execute(update(Guild).where(Guild.id == guild_id).values(adopted_at=None))

    async def left(self, guild_id: int) -> None:
        """Steward is no longer in this server: its data goes after a grace period (`storage.retention`)."""
        async with self._database.write(settled=False) as connection:
            gone = update(Guild).where(Guild.id == guild_id, Guild.left_at.is_(None))
            await connection.execute(gone.values(left_at=utc_now()))

    async def left_all_but(self, guild_ids: Collection[int]) -> None:
        """Steward is in these servers and in no other."""
        async with self._database.write(settled=False) as connection:
            gone = update(Guild).where(Guild.id.not_in(guild_ids), Guild.left_at.is_(None))
            await connection.execute(gone.values(left_at=utc_now()))

    async def returned(self, guild_id: int) -> None:
        """Steward is in this server (again): its data stays."""
        async with self._database.write(settled=False) as connection:
            back = update(Guild).where(Guild.id == guild_id, Guild.left_at.is_not(None))
            await connection.execute(back.values(left_at=None))


async def _log(connection: AsyncConnection, row: dict[str, Any]) -> None:
    await connection.execute(insert(SettingChange).values(row | {"changed_at": utc_now()}))


def _change(row: SettingChange) -> Change:
    def parsed(value: str | None) -> Any:  # noqa: ANN401 - any JSON
        return None if value is None else json.loads(value)

    place = Place(row.guild_id, Scope(row.scope), row.target_id)
    return Change(place, row.name, parsed(row.old), parsed(row.new), row.person_id, row.changed_at)
