"""The tables, and nothing else. Who reads and writes them: history.py, settings.py.

`reply_to` and `prompt_message_id` are no foreign keys: a message is recorded even when what it answers never was.
`author_name` is the name as it was when the message was written: a nickname of one server never shows up in another,
and a conversation reads the same each time.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Double, ForeignKey, Index, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage.columns import DiscordId, StorableText, UtcDateTime


class Base(DeclarativeBase):
    """Names every constraint, so that later migrations can find it on either database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {int: DiscordId, str: StorableText, datetime: UtcDateTime, float: Double()}


class Guild(Base):
    """A server. `adopted_at` is set while Steward serves it by adoption."""

    __tablename__ = "guilds"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    adopted_at: Mapped[datetime | None]


class Channel(Base):
    """A channel, thread or private conversation (`guild_id` is NULL there)."""

    __tablename__ = "channels"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    guild_id: Mapped[int | None] = mapped_column(ForeignKey("guilds.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str]


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
    token_count: Mapped[int | None]


class Reply(Base):
    """How one of Steward's messages came to be. Times in seconds; `error` says why an answer is partial or absent."""

    __tablename__ = "replies"

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
