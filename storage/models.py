"""The tables, and nothing else. Each is read and written by the file that is named after its rows.

`reply_to` and `prompt_message_id` are no foreign keys: a message is recorded even when what it answers never was.
`author_name` is the name as it was when the message was written: a nickname of one server never shows up in another,
and a conversation reads the same each time.

What is made from messages (`quotes`, `summaries`, `part_notes`, `memories`, `recalls`, `alternatives`, `passages`)
knows the ids of those messages, and `forgetting.py` follows them. A column that holds a person's id is named
`person_id` or `author_id`; `people.id` is the only other one.
`guild_id` 0 stands for "outside of servers", in keys that cannot be NULL.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Date, Double, ForeignKey, Index, LargeBinary, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage.columns import DiscordId, HalfVector, StorableText, UtcDateTime


class Base(DeclarativeBase):
    """Names every constraint, so that later migrations can find it on either database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        int: DiscordId,
        str: StorableText,
        datetime: UtcDateTime,
        date: Date(),
        float: Double(),
        bytes: LargeBinary,
    }


class Guild(Base):
    """A server. `adopted_at` is set while Steward serves it by adoption, `left_at` since Steward is no longer there."""

    __tablename__ = "guilds"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    adopted_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class Channel(Base):
    """A channel, thread (`parent_id` is its channel) or private conversation (`guild_id` is NULL there)."""

    __tablename__ = "channels"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int | None] = mapped_column(ForeignKey("guilds.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(index=True)


class Person(Base):
    """Somebody who writes, person or bot; `name` is the one seen last."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    is_bot: Mapped[bool]


class Message(Base):
    """One message. `deleted_at` marks a tombstone: the row stays so that the chain holds, its content is gone."""

    __tablename__ = "messages"
    __table_args__ = (Index(None, "channel_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    author_name: Mapped[str]
    content: Mapped[str]
    reply_to: Mapped[int | None] = mapped_column(index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Mention(Base):
    """A message mentions this person, who was called `name` then."""

    __tablename__ = "mentions"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    name: Mapped[str]


class Reply(Base):
    """How one of Steward's messages came to be, and for whom. Times in seconds; `error` says why an answer is partial
    or absent."""

    __tablename__ = "replies"
    __table_args__ = (Index(None, "person_id", "created_at"), Index(None, "guild_id", "created_at"))

    message_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    prompt_message_id: Mapped[int | None] = mapped_column(index=True)
    model: Mapped[str]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    first_token_s: Mapped[float | None]
    duration_s: Mapped[float]
    finish_reason: Mapped[str]
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    person_id: Mapped[int | None]
    guild_id: Mapped[int | None]


class Use(Base):
    """What one person used on one day in UTC: how often Steward worked for them, and the tokens that this took.

    It says nothing of what was asked, nor when in the day."""

    __tablename__ = "uses"
    __table_args__ = (Index(None, "guild_id", "day"),)

    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]


class RoleUse(Base):
    """The same of all people with one role together, for roles of which that is limited."""

    __tablename__ = "role_uses"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]


class TokenCount(Base):
    """How many tokens a message's content is for one model."""

    __tablename__ = "token_counts"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[int]


class Quote(Base):
    """A message of Steward's (`message_id`) repeats words of another one (`source_id`)."""

    __tablename__ = "quotes"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(primary_key=True, index=True)


class OpenReply(Base):
    """An answer of Steward's that has buttons, `last_id` being the part under which they stand; for `person_id`.

    `conversation` has no other; of its alternatives the one numbered `shown` stands there."""

    __tablename__ = "open_replies"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    last_id: Mapped[int] = mapped_column(index=True)
    channel_id: Mapped[int]
    guild_id: Mapped[int | None]
    conversation: Mapped[int] = mapped_column(index=True)
    question_id: Mapped[int] = mapped_column(index=True)
    person_id: Mapped[int] = mapped_column(index=True)
    shown: Mapped[int]
    since: Mapped[datetime]


class Alternative(Base):
    """One of the answers to a question, which an open reply can show; `footer` is what Steward says under it."""

    __tablename__ = "alternatives"

    message_id: Mapped[int] = mapped_column(ForeignKey("open_replies.message_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    footer: Mapped[str]
    finish_reason: Mapped[str]


class AlternativeSource(Base):
    """An alternative of an open reply repeats words of this message."""

    __tablename__ = "alternative_sources"

    message_id: Mapped[int] = mapped_column(ForeignKey("open_replies.message_id", ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(primary_key=True, index=True)


class Summary(Base):
    """What was said in a conversation up to and with the message `upto_id`."""

    __tablename__ = "summaries"
    __table_args__ = (Index(None, "conversation", "upto_id", unique=True), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"), index=True)
    conversation: Mapped[int]
    upto_id: Mapped[int] = mapped_column(index=True)
    text: Mapped[str]
    model: Mapped[str]
    created_at: Mapped[datetime]


class SummarySource(Base):
    """A summary was made from this message."""

    __tablename__ = "summary_sources"

    summary_id: Mapped[int] = mapped_column(ForeignKey("summaries.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[int] = mapped_column(primary_key=True, index=True)


class PartNotes(Base):
    """What of a part of a conversation is worth telling, as JSON: the part began with `first_id` and had so many
    messages; `key` is made from all of them and from who read them."""

    __tablename__ = "part_notes"
    __table_args__ = (Index(None, "key"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    first_id: Mapped[int] = mapped_column(index=True)
    messages: Mapped[int]
    notes: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)


class PartNotesSource(Base):
    """Notes of a part were made from this message."""

    __tablename__ = "part_notes_sources"

    notes_id: Mapped[int] = mapped_column(ForeignKey("part_notes.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[int] = mapped_column(primary_key=True, index=True)


class Memory(Base):
    """A fact that a person wants remembered in one server. `is_private`: told where not everybody reads, which is
    `channel_id` where that is a channel."""

    __tablename__ = "memories"
    __table_args__ = (Index(None, "person_id", "guild_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    guild_id: Mapped[int]
    text: Mapped[str]
    is_private: Mapped[bool]
    embedding: Mapped[bytes | None]
    embedding_model: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    channel_id: Mapped[int | None]


class MemorySource(Base):
    """A memory was made from this message."""

    __tablename__ = "memory_sources"

    memory_id: Mapped[int] = mapped_column(ForeignKey("memories.id", ondelete="CASCADE"), primary_key=True)
    message_id: Mapped[int] = mapped_column(primary_key=True, index=True)


class Recall(Base):
    """A memory stood in the prompt beside this message, as the one numbered `place`: it stays there in later turns."""

    __tablename__ = "recalls"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    memory_id: Mapped[int] = mapped_column(ForeignKey("memories.id", ondelete="CASCADE"), primary_key=True, index=True)
    place: Mapped[int]


class Choice(Base):
    """Something that a person said yes to in one server, such as memory, or being left out."""

    __tablename__ = "choices"

    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]


class Setting(Base):
    """What a server's managers chose, for all of it (`target_id` 0), a channel or a role; `value` is JSON."""

    __tablename__ = "settings"

    guild_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    scope: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class SettingChange(Base):
    """Who changed a setting, when, from what to what; NULL where it was not set."""

    __tablename__ = "setting_changes"
    __table_args__ = (Index(None, "guild_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    guild_id: Mapped[int]
    scope: Mapped[str]
    target_id: Mapped[int]
    name: Mapped[str]
    old: Mapped[str | None]
    new: Mapped[str | None]
    person_id: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(index=True)


class Document(Base):
    """A text that a server's managers gave for Steward to look things up in; `person_id` gave it, `size` in bytes."""

    __tablename__ = "documents"
    __table_args__ = (Index(None, "guild_id", "name", unique=True), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    guild_id: Mapped[int]
    name: Mapped[str]
    size: Mapped[int]
    person_id: Mapped[int]
    created_at: Mapped[datetime]


class Passage(Base):
    """Something that can be found: a message, or the piece numbered `number` of a document.

    `words` is what is searched (`storage.indexing`); `text` holds a document's piece, and nothing of a message. It is
    never changed: what is edited gets a new one, and no id is ever given twice."""

    __tablename__ = "passages"
    __table_args__ = (Index(None, "guild_id", "channel_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    guild_id: Mapped[int]
    channel_id: Mapped[int | None]
    message_id: Mapped[int | None] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), unique=True, index=True
    )
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    text: Mapped[str]
    words: Mapped[str]


class PassageVector(Base):
    """What a passage means, by which model."""

    __tablename__ = "passage_vectors"
    __table_args__ = (Index(None, "guild_id", "model", "passage_id"),)

    passage_id: Mapped[int] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True)
    guild_id: Mapped[int]
    model: Mapped[str]
    vector: Mapped[NDArray[np.float32]] = mapped_column(HalfVector)


class Mirror(Base):
    """Two channels of a server, each with its language: what is said in one is posted in the other, translated.

    `confirmed` names those who read only one of them, as far as whoever set it up (`person_id`) was told; `stopped`
    says why it rests, and is empty while it runs. What both mean is `bot.mirrors`' business."""

    __tablename__ = "mirrors"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    guild_id: Mapped[int] = mapped_column(index=True)
    channel_id: Mapped[int] = mapped_column(index=True)
    language: Mapped[str]
    other_id: Mapped[int] = mapped_column(index=True)
    other_language: Mapped[str]
    confirmed: Mapped[str]
    stopped: Mapped[str]
    person_id: Mapped[int]
    created_at: Mapped[datetime]


class Copy(Base):
    """The message `message_id`, which Steward posted, is the part numbered `number` of a message of `person_id`'s
    (`source_id`) in another language: by a mirror, or (NULL) because somebody asked for it."""

    __tablename__ = "copies"

    message_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int] = mapped_column(index=True)
    channel_id: Mapped[int] = mapped_column(index=True)
    source_id: Mapped[int] = mapped_column(index=True)
    person_id: Mapped[int] = mapped_column(index=True)
    mirror_id: Mapped[int | None] = mapped_column(ForeignKey("mirrors.id", ondelete="CASCADE"), index=True)
    language: Mapped[str]
    number: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(index=True)


class PostedSource(Base):
    """A sentence in the message `message_id`, which somebody posted from an answer of Steward's, rests on the message
    `source_id` of `person_id`'s in `place_id`, whose text was of `written_at`."""

    __tablename__ = "posted_sources"

    message_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    guild_id: Mapped[int] = mapped_column(index=True)
    channel_id: Mapped[int] = mapped_column(index=True)
    place_id: Mapped[int] = mapped_column(index=True)
    person_id: Mapped[int] = mapped_column(index=True)
    written_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(index=True)
