"""Time, as it is given to the parts that depend on it: tests then need not wait. Does not know what is timed."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

import discord


class Clock:
    """The real time. A test's clock is a subclass that moves when the test says so."""

    def now(self) -> float:
        """Seconds that only grow; their beginning means nothing."""
        return time.monotonic()

    def utc(self) -> datetime:
        """This moment by the calendar, aware."""
        return discord.utils.utcnow()

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)
