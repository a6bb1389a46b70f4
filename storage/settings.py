"""What a server's owner chose. For now: which servers adopted Steward. Does not know what adoption allows."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from storage.database import Database
from storage.models import Guild
from storage.upserts import upsert


class GuildSettings:
    """Settings per guild. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def adopted_guilds(self) -> set[int]:
        """The ids of the servers that Steward serves by adoption."""
        async with self._database.session() as session:
            return set(await session.scalars(select(Guild.id).where(Guild.adopted_at.is_not(None))))

    async def adopt(self, guild_id: int, name: str) -> None:
        """Remember that this server is served; adopting it again changes nothing but the name."""
        async with self._database.write() as connection:
            await upsert(connection, Guild, [{"id": guild_id, "name": name}], update=("name",))
            await connection.execute(
                update(Guild)
                .where(Guild.id == guild_id, Guild.adopted_at.is_(None))
                .values(adopted_at=datetime.now(UTC))
            )

    async def release(self, guild_id: int) -> None:
        """Serve this server no longer; what is stored of it stays."""
        async with self._database.write() as connection:
            await connection.execute(update(Guild).where(Guild.id == guild_id).values(adopted_at=None))
