"""Waiting for what another process or task does: a condition with a deadline, never a blind sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], deadline_s: float = 20.0) -> None:
    """Returns when `condition()` holds; raises TimeoutError after `deadline_s` seconds."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - what is awaited lies in another process: there is nothing to subscribe to
            await asyncio.sleep(0.01)
