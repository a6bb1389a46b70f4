"""Records to rows and back, and the statements over messages that need explaining. Opens no session."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select
from sqlalchemy.orm import aliased

from storage.mentions import mentioned, names_of
from storage.models import Channel, Message, Person, Summary, SummarySource, TokenCount
from storage.records import NOBODY, Digest, StoredMessage, StoredPerson
from storage.upserts import Excluded, Values

COLUMNS = (
    Message.id,
    Message.channel_id,
    Channel.guild_id,
    Message.author_id,
    Message.author_name,
    Person.is_bot,
    Message.content,
    Message.created_at,
    Message.reply_to,
    Message.edited_at,
    Message.deleted_at,
)


def messages(model: str | None = None) -> Select[*tuple[Any, ...]]:
    """Every message with its author and place; add conditions and order, and read the rows by `message_of`.

    With a `model` also what a prompt needs: its tokens as that model counts them, the summary that ends with it, and
    the names of whom it mentions.
    """
    plain = select(*COLUMNS).join_from(Message, Channel).join(Person)
    if model is None:
        return plain
    tokens = select(TokenCount.tokens).where(TokenCount.message_id == Message.id, TokenCount.model == model)
    ending = aliased(Summary)
    newest = select(func.max(ending.id)).where(ending.upto_id == Message.id).correlate(Message).scalar_subquery()
    sources = select(func.count()).where(SummarySource.summary_id == Summary.id).correlate(Summary).scalar_subquery()
    counted = tokens.correlate(Message).scalar_subquery()
    made = (
        counted.label("tokens"),
        Summary.text.label("digest"),
        sources.label("summarized"),
        mentioned().label("mentioned"),
    )
    return plain.add_columns(*made).outerjoin(Summary, Summary.id == newest)


def message_of(row: Row[*tuple[Any, ...]]) -> StoredMessage:
    """A row of `messages()` as a record."""
    digest = getattr(row, "digest", None)
    return StoredMessage(
        id=row.id,
        channel_id=row.channel_id,
        guild_id=row.guild_id,
        author=StoredPerson(row.author_id, row.author_name, row.is_bot),
        content=row.content,
        created_at=row.created_at,
        reply_to=row.reply_to,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        tokens=getattr(row, "tokens", None),
        digest=None if digest is None else Digest(digest, row.summarized),
        mentions=names_of(getattr(row, "mentioned", None)),
    )


def message_row(message: StoredMessage) -> Values:
    """A record as a row of the table; a tombstone never carries content."""
    return {
        "id": message.id,
        "channel_id": message.channel_id,
        "author_id": message.author.id,
        "author_name": message.author.name,
        "content": "" if message.deleted_at else message.content,
        "reply_to": message.reply_to,
        "created_at": message.created_at,
        "edited_at": message.edited_at,
        "deleted_at": message.deleted_at,
    }


def nobody() -> Values:
    """The author of messages whose real author may not be known any more."""
    return {"id": NOBODY, "name": "", "is_bot": False}


def channel_row(
    channel_id: int, guild_id: int | None, name: str = "", kind: str = "", parent_id: int | None = None
) -> Values:
    """A channel of which perhaps only the id is known yet."""
    return {"id": channel_id, "guild_id": guild_id, "name": name, "kind": kind, "parent_id": parent_id}


def version() -> ColumnElement[Any]:
    """When the stored content was written: the later of two copies of a message has the greater one."""
    return func.coalesce(Message.edited_at, Message.created_at)


def newest_wins(new: Excluded) -> tuple[Values, ColumnElement[bool]]:
    """How a copy of a stored message is merged in: never over a newer edit, never over a tombstone."""
    values = {
        "author_name": new.author_name,
        "content": new.content,
        "reply_to": new.reply_to,
        "edited_at": new.edited_at,
        "deleted_at": new.deleted_at,
    }
    newer = func.coalesce(new.edited_at, new.created_at) >= version()
    return values, and_(Message.deleted_at.is_(None), or_(new.deleted_at.is_not(None), newer))


def is_newer(message: StoredMessage, stored: Row[*tuple[Any, ...]]) -> bool:
    """What `newest_wins` says, for a row of (…, created_at, edited_at) that was read."""
    return bool((message.edited_at or message.created_at) >= (stored.edited_at or stored.created_at))


def chain(message_id: int, limit: int, model: str | None = None) -> Select[*tuple[Any, ...]]:
    """The message and what it answers, newest first, at most `limit` rows, by one recursive query.

    The limit also ends a circle; it then shows as repeated ids.
    """
    links = (
        select(Message.id, Message.reply_to, literal(1).label("depth"))
        .where(Message.id == message_id)
        .cte("links", recursive=True)
    )
    parent = aliased(Message)
    links = links.union_all(
        select(parent.id, parent.reply_to, links.c.depth + 1)
        .join_from(links, parent, parent.id == links.c.reply_to)
        .where(links.c.depth < limit)
    )
    return messages(model).join(links, links.c.id == Message.id).order_by(links.c.depth)
