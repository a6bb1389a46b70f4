"""Work for a client that may hang up: then nobody needs the answer, and the work is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

T = TypeVar("T")
CLIENT_GONE = 499  # nginx's code for a client that left; nobody reads it


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """Do the work unless the client leaves first; then the work is cancelled and the answer is None."""
    task, watch = asyncio.create_task(work), asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        watch.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
