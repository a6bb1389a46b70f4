"""Keeps the promise of how long things are stored: every hour what is too old goes, for good.

It knows when, and whose days count; what goes then is `storage.retention`'s business.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog

from storage.config import StorageSettings
from storage.database import Database
from storage.errors import StorageError
from storage.retention import Retention
from storage.settings import GuildSettings

log = structlog.get_logger()

EVERY_S = 3600.0
RETENTION_DAYS = "retention_days"
"""Name of the setting by which a server's managers keep messages for other than [storage] retention_days."""


async def keep_house(database: Database, settings: StorageSettings, *, every_s: float = EVERY_S) -> None:
    """Tidy up now and every hour, until cancelled. What fails is logged and tried again an hour later."""
    while True:
        try:
            await tidy_up(database, settings, datetime.now(UTC))
        except StorageError as error:
            log.error("nothing was tidied up", error=str(error))
        await asyncio.sleep(every_s)


async def tidy_up(database: Database, settings: StorageSettings, now: datetime) -> dict[str, int]:
    """Remove what is too old at `now`; how many rows of which table. Raises StorageError."""
    chosen = await GuildSettings(database).everywhere(RETENTION_DAYS)
    days = {guild_id: value for guild_id, value in chosen.items() if isinstance(value, int)}
    gone = await Retention(database).run(now, settings.retention_days, days, settings.grace_days)
    removed = {table: count for table, count in gone.items() if count}
    if removed:
        log.info("tidied up", **{table.replace(" ", "_"): count for table, count in removed.items()})
    return removed
