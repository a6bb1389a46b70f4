"""Keeps the promise of how long things are stored: every hour what is too old goes, for good.

It knows when, and whose days count; what goes then is `storage.retention`'s business. Where nothing is to be kept it
sweeps up what was on its way into storage when that was chosen.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog

from bot.settings import catalogue
from bot.settings.rulebook import NOTHING
from storage.clearing import Clearing
from storage.config import StorageSettings
from storage.database import Database
from storage.errors import StorageError
from storage.retention import Retention
from storage.settings import GuildSettings, Place, Scope

log = structlog.get_logger()

EVERY_S = 3600.0
RETENTION_DAYS, STORE = catalogue.RETENTION_DAYS.name, catalogue.STORE.name
"""Settings by which managers keep messages for other than [storage] retention_days, or not at all."""


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
    stored = GuildSettings(database)
    chosen = {place: days for place, days in (await stored.places(RETENTION_DAYS)).items() if isinstance(days, int)}
    by_guild = {place.guild_id: days for place, days in chosen.items() if place.scope is Scope.GUILD}
    by_channel: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for place, days in chosen.items():
        if place.scope is Scope.CHANNEL:
            by_channel[place.guild_id][place.target_id] = days
    gone = await Retention(database).run(now, settings.retention_days, by_guild, settings.grace_days, by_channel)
    gone["messages"] += await _swept(database, await stored.places(STORE))
    removed = {table: count for table, count in gone.items() if count}
    if removed:
        log.info("tidied up", **{table.replace(" ", "_"): count for table, count in removed.items()})
    return removed


async def _swept(database: Database, chosen: Mapping[Place, object]) -> int:
    """Remove what lies where nothing is to be kept; how many messages that were."""
    gone, clearing = 0, Clearing(database)
    kept = [place for place, store in chosen.items() if place.scope is Scope.CHANNEL and store != NOTHING]
    for place in [place for place, store in chosen.items() if store == NOTHING]:
        others = [other.target_id for other in kept if other.guild_id == place.guild_id]
        if await clearing.count(place, others):
            gone += await clearing.clear(place, others)
    return gone
