"""Notes of parts of conversations between the summarizer and the database: plain data here, JSON there.

A database that is away is no reason not to summarize: then everything is read anew.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import structlog

from llm.tasks.chunks import Notes
from llm.tasks.likeness import Measured
from llm.tasks.summary import SummaryItem
from storage.errors import StorageError
from storage.part_notes import StoredNotes, StoredPartNotes

_HALF = np.dtype("<f2")
"""Of vectors that are kept: half the size, and as good for comparing."""

log = structlog.get_logger()


class KeptNotes:
    """The `NoteStore` of one summary; `written_at`: when each message got the text that was read."""

    def __init__(self, stored: StoredPartNotes, written_at: Mapping[int, datetime]) -> None:
        self._stored = stored
        self._written_at = written_at

    async def known(self, message_ids: Sequence[int]) -> Mapping[int, Sequence[Notes]]:
        """Notes of parts that begin with one of these messages, by its id."""
        try:
            found = await self._stored.beginning_with(message_ids)
        except StorageError as error:
            log.warning("notes not found", error=str(error))
            return {}
        return {first: [_notes(one) for one in several] for first, several in found.items()}

    async def keep(self, notes: Notes, message_ids: Sequence[int]) -> None:
        """Remember the notes of a part of these messages, where all of these are stored, too."""
        row = StoredNotes(notes.key, notes.first_id, notes.messages, _written(notes))
        try:
            await self._stored.put(row, {number: self._written_at[number] for number in message_ids})
        except StorageError as error:
            log.warning("notes not kept", error=str(error))


def _written(notes: Notes) -> str:
    told: dict[str, Any] = {"items": [asdict(item) for item in notes.items]}
    if notes.vectors is not None:
        rows = notes.vectors.rows.astype(_HALF)
        told |= {"model": notes.vectors.model, "rows": len(rows), "vectors": base64.b64encode(rows.tobytes()).decode()}
    return json.dumps(told, ensure_ascii=False)


def _notes(row: StoredNotes) -> Notes:
    told = json.loads(row.notes)
    if isinstance(told, list):  # as they were kept before there were vectors
        told = {"items": told}
    items = [{**item, "message_ids": tuple(item["message_ids"])} for item in told["items"]]
    return Notes(row.key, row.first_id, row.messages, tuple(SummaryItem(**item) for item in items), _vectors(told))


def _vectors(told: Mapping[str, Any]) -> Measured | None:
    if not told.get("rows"):
        return None
    halves = np.frombuffer(base64.b64decode(told["vectors"]), dtype=_HALF)
    return Measured(told["model"], halves.astype(np.float32).reshape(told["rows"], -1))
