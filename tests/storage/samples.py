"""Messages to store, with everything filled in that a test does not care about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from storage.history import StoredMessage, StoredPerson

GUILD, CHANNEL = 7, 70
ADA = StoredPerson(700, "Ada")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def message(number: int, reply_to: int | None = None, **changed: object) -> StoredMessage:
    """Message `number`, written that many seconds after noon (within one day)."""
    values: dict[str, object] = {
        "id": number,
        "channel_id": CHANNEL,
        "guild_id": GUILD,
        "author": ADA,
        "content": f"text {number}",
        "created_at": NOON + timedelta(seconds=number % 86_400),
        "reply_to": reply_to,
    }
    return StoredMessage(**(values | changed))  # type: ignore[arg-type]


def thread(length: int) -> list[StoredMessage]:
    """Messages 1 to `length`, each answering the one before it."""
    return [message(number, number - 1 or None) for number in range(1, length + 1)]


def ids(messages: Iterable[StoredMessage]) -> list[int]:
    return [m.id for m in messages]
