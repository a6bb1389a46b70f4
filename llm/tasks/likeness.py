"""Texts → vectors of unit length for comparing them, where the engine serves an embedding model; else none.

It does not know what is compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from llm.errors import LLMError
from llm.tasks.support import unit_rows
from llm.tasks_client import TasksClient

_READ_CHARACTERS = 1_000
"""More than embedding models read of a text."""

log = structlog.get_logger()


class Likeness:
    """Asks the engine's embedding model; `tasks` is None where there is no engine for it."""

    def __init__(self, tasks: TasksClient | None) -> None:
        self._tasks = tasks

    async def of(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """One row for each text; None where there is no model, or it fails. Raises nothing of its own."""
        if self._tasks is None or not texts:
            return None
        try:
            found = await self._tasks.embed([text[:_READ_CHARACTERS] or "-" for text in texts])
        except LLMError as error:
            log.debug("no vectors", error=repr(error))
            return None
        return unit_rows(found.rows)

    async def of_both(
        self, texts: Sequence[str], others: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Rows of both, by one request."""
        rows = await self.of([*texts, *others])
        return None if rows is None else (rows[: len(texts)], rows[len(texts) :])
