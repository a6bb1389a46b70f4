"""Ids that are times, as Discord makes them. It does not know what the ids are for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000
TIMESTAMP_SHIFT = 22


class Snowflakes:
    """Ids that only grow, from real time, and never repeat, also after a restart (pass the last id given)."""

    def __init__(self, last: int = 0, clock: Callable[[], float] = time.time) -> None:
        self._last = last
        self._clock = clock

    def next(self) -> int:
        from_clock = (int(self._clock() * 1000) - DISCORD_EPOCH_MS) << TIMESTAMP_SHIFT
        self._last = max(from_clock, self._last + 1)
        return self._last


def moment(snowflake: int) -> datetime:
    """When the id was made (UTC)."""
    return datetime.fromtimestamp(((snowflake >> TIMESTAMP_SHIFT) + DISCORD_EPOCH_MS) / 1000, UTC)


def now() -> str:
    """The present as Discord writes it."""
    return datetime.now(UTC).isoformat()
