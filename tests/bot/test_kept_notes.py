"""Notes of parts go into the database and come back as they were, with what they were compared by."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from bot.commands.kept_notes import KeptNotes
from llm.tasks.chunks import Notes
from llm.tasks.likeness import Measured
from llm.tasks.summary import SummaryItem
from storage.database import Database
from storage.history import History
from storage.part_notes import StoredNotes, StoredPartNotes
from tests.storage.samples import NOON, message

LATER = NOON + timedelta(days=1)
ITEMS = (SummaryItem("Ada books the hall", (1,), "Ada", "action", "Ada"), SummaryItem("it is free", (2,), "Grace"))


@pytest.fixture
async def kept(database: Database) -> KeptNotes:
    await History(database).record([message(1), message(2)])
    return KeptNotes(StoredPartNotes(database), {1: LATER, 2: LATER})


async def test_they_come_back_with_their_vectors(kept: KeptNotes) -> None:
    rows = np.asarray([[0.6, 0.8], [1.0, 0.0]], np.float32)
    await kept.keep(Notes("key", 1, 2, ITEMS, Measured("a/model", rows)), [1, 2])
    ((back,),) = (await kept.known([1])).values()
    assert (back.key, back.first_id, back.messages, back.items) == ("key", 1, 2, ITEMS)
    assert back.vectors is not None and back.vectors.model == "a/model"
    np.testing.assert_allclose(back.vectors.rows, rows, atol=1e-3)


async def test_without_vectors_and_as_older_versions_kept_them(database: Database, kept: KeptNotes) -> None:
    await kept.keep(Notes("key", 1, 2, ITEMS), [1, 2])
    old = '[{"text": "it is free", "message_ids": [2], "author": "Grace", "kind": "point", "owner": ""}]'
    await StoredPartNotes(database).put(StoredNotes("older", 2, 1, old), {2: LATER})
    found = await kept.known([1, 2])
    assert [(one.items, one.vectors) for one in (*found[1], *found[2])] == [(ITEMS, None), (ITEMS[1:], None)]
