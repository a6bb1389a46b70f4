"""Notes of parts: kept only of what is stored, found by the message that the part begins with."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.database import Database
from storage.errors import BadRecord
from storage.history import History
from storage.part_notes import StoredNotes, StoredPartNotes
from tests.storage.samples import NOON, thread

LATER = NOON + timedelta(days=1)


def notes(key: str = "k", first: int = 1, messages: int = 3, text: str = "[]") -> StoredNotes:
    return StoredNotes(key, first, messages, text)


async def test_they_are_found_by_their_first_message(database: Database, history: History) -> None:
    await history.record(thread(6))
    kept = StoredPartNotes(database)
    assert await kept.put(notes("a"), dict.fromkeys((1, 2, 3), LATER))
    assert await kept.put(notes("b", messages=2), dict.fromkeys((1, 2), LATER))
    assert await kept.put(notes("c", first=4), dict.fromkeys((4, 5, 6), LATER))
    assert await kept.put(notes("a", text='["anew"]'), dict.fromkeys((1, 2, 3), LATER))
    found = await kept.beginning_with(range(1, 7))
    assert sorted(one.key for one in found[1]) == ["a", "b"] and found[4] == [notes("c", first=4)]
    assert await kept.count() == 3 and set(found) == {1, 4}


async def test_of_what_is_not_stored_was_deleted_or_edited_nothing_is_kept(
    database: Database, history: History
) -> None:
    await history.record(thread(3))
    kept = StoredPartNotes(database)
    assert not await kept.put(notes(), dict.fromkeys((1, 2, 99), LATER))
    assert not await kept.put(notes(), dict.fromkeys((1, 2, 3), NOON - timedelta(days=9000)))
    await history.delete([2])
    assert not await kept.put(notes(), dict.fromkeys((1, 2, 3), LATER))
    assert await kept.count() == 0
    with pytest.raises(BadRecord):
        await kept.put(notes(), {2: LATER})
