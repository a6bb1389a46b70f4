"""A clock that moves when the test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.clock import Clock


class ManualClock(Clock):
    """Begins at 0. Whoever sleeps moves it on: nobody else waits in such a test."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def utc(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
