"""What flows in and out of `storage.history`. Plain data: knows no SQL.

Datetimes must be aware (BadRecord otherwise) and come back in UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from storage.columns import aware

NOBODY = 0
"""Author of the empty placeholders of people who do not want to be stored; no person has this id."""


def utc_now() -> datetime:
    """This moment, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """Who wrote a message; in what `History` returns, `name` is the one they had when they wrote it."""

    id: int
    name: str
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """What was said up to and with a message, in short; `messages` of them were read for it."""

    text: str
    messages: int


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message. `guild_id` is None in private; `deleted_at` marks a tombstone, whose content is empty.

    `tokens` (as one model counts it) and `digest` are there only where they are asked for and known, and so, in what
    `History` returns, is `mentions`: whom the text mentions, by id, and what they were called then."""

    id: int
    channel_id: int
    guild_id: int | None
    author: StoredPerson
    content: str
    created_at: datetime
    reply_to: int | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    tokens: int | None = None
    digest: Digest | None = None
    mentions: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for moment in (self.created_at, self.edited_at, self.deleted_at):
            if moment is not None:
                aware(moment)


@dataclass(frozen=True, slots=True)
class Version:
    """A stored text, and when it was written: the later of two copies of a message is the right one."""

    content: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class StoredReply:
    """How one of Steward's messages came to be. `prompt_message_id` is None for a slash command; times in seconds.

    `person_id` and `guild_id` say for whom; left None, they become those of the stored message that was answered.
    """

    message_id: int
    prompt_message_id: int | None
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    first_token_s: float | None
    duration_s: float
    finish_reason: str
    error: str | None = None
    created_at: datetime = field(default_factory=utc_now)
    person_id: int | None = None
    guild_id: int | None = None

    def __post_init__(self) -> None:
        aware(self.created_at)


@dataclass(frozen=True, slots=True)
class Read:
    """What a model read before it answered: the texts of messages, by id, and of memories."""

    messages: Mapping[int, str] = field(default_factory=dict)
    memories: Collection[str] = ()


NOTHING_READ = Read()


@dataclass(frozen=True, slots=True)
class Chain:
    """A reply chain, oldest first. `missing` is the first message, going back, that is not stored;
    `truncated` says that the chain goes on, stored, beyond the limit."""

    messages: list[StoredMessage]
    missing: int | None = None
    truncated: bool = False


class Edit(Enum):
    """What an edit meant for the stored message."""

    UNKNOWN = "not stored, or deleted"
    OLDER = "older than what is stored"
    SAME = "the text is the same: a link preview, for example"
    CHANGED = "the text is another one"
