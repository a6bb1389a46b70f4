"""Texts → vectors of unit length for comparing them, where the engine serves an embedding model; else none.

It does not know what is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from llm.errors import LLMError
from llm.tasks.support import unit_rows
from llm.tasks_client import TasksClient

_READ_CHARACTERS = 1_000
"""More than embedding models read of a text."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Vectors of unit length, one row (float32) for each text, and the model that made them."""

    model: str
    rows: NDArray[np.float32]

    def of(self, places: Sequence[int]) -> Measured:
        """Those of some texts only."""
        return Measured(self.model, self.rows[list(places)])


def together(several: Sequence[Measured | None]) -> Measured | None:
    """All rows in order; None where some are missing, or another model made them: these cannot be compared."""
    known = [one for one in several if one is not None]
    if not known or len(known) < len(several) or len({one.model for one in known}) > 1:
        return None
    return Measured(known[0].model, np.concatenate([one.rows for one in known]))


class Likeness:
    """Asks the engine's embedding model; `tasks` is None where there is no engine for it."""

    def __init__(self, tasks: TasksClient | None) -> None:
        self._tasks = tasks

    async def of(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """One row for each text; None where there is no model, or it fails. Raises nothing of its own."""
        found = await self.measure(texts)
        return found.rows if found else None

    async def measure(self, texts: Sequence[str]) -> Measured | None:
        """The same, with the model's name."""
        if self._tasks is None or not texts:
            return None
        try:
            found = await self._tasks.embed([text[:_READ_CHARACTERS] or "-" for text in texts])
        except LLMError as error:
            log.debug("no vectors", error=repr(error))
            return None
        return Measured(found.model, unit_rows(found.rows))

    async def of_both(
        self, texts: Sequence[str], others: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Rows of both, by one request."""
        rows = await self.of([*texts, *others])
        return None if rows is None else (rows[: len(texts)], rows[len(texts) :])
