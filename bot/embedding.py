"""Texts → vectors, where the engine makes any; what needs them does without where it does not.

It does not know what is compared with what.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from llm.errors import LLMError
from llm.tasks_client import TasksClient
from storage.memories import Embedded

log = structlog.get_logger()

LONGEST_S = 2.0
"""An answer waits for its vector: rather none than a late one."""


class Embedder:
    """Asks the engine's embedding model; `tasks` is None where there is no engine for it."""

    def __init__(self, tasks: TasksClient | None, longest_s: float = LONGEST_S) -> None:
        self._tasks = tasks
        self._longest_s = longest_s

    async def of(self, texts: Sequence[str]) -> list[Embedded] | None:
        """One vector for each text, of which none is blank; None where there is no model, or none in time."""
        if self._tasks is None or not texts:
            return None
        try:
            async with asyncio.timeout(self._longest_s):
                found = await self._tasks.embed(texts)
        except (LLMError, TimeoutError) as error:
            log.debug("no vectors", error=repr(error))
            return None
        return [Embedded(row.tolist(), found.model) for row in found.rows]

    async def one(self, text: str) -> Embedded | None:
        """The same for one text."""
        found = await self.of([text])
        return found[0] if found else None
