"""The order of a conversation in which questions and answers overlap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.conversation.transcript import in_order
from storage.history import StoredMessage, StoredPerson

ME = 99


def row(row_id: int, author: int, reply_to: int | None = None) -> StoredMessage:
    return StoredMessage(row_id, 1, None, StoredPerson(author, "x"), "text", datetime.now(UTC), reply_to)


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        ([row(1, 7), row(2, ME, 1), row(3, 7), row(4, ME, 3)], [1, 2, 3, 4]),
        ([row(1, 7), row(2, 8), row(3, ME, 1), row(4, ME, 2)], [1, 3, 2, 4]),
        ([row(1, 7), row(2, 8), row(3, ME, 1), row(4, ME, 3)], [1, 3, 4, 2]),
        ([row(2, ME, 1), row(3, 7)], [2, 3]),
        ([row(1, ME), row(2, 7, 1)], [1, 2]),
        ([row(1, ME, 1)], [1]),
    ],
)
def test_answers_follow_their_questions(rows: list[StoredMessage], order: list[int]) -> None:
    assert [found.id for found in in_order(rows, ME)] == order
