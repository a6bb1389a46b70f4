"""Whom messages mention, by the names that those people had then: a prompt shows the same ones in every turn.

Who opted out is named nowhere. It runs inside its caller's transaction; with a message's text its mentions go, too
(`storage.forgetting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, String, case, cast, delete, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.choices import OUTSIDE, opted_out
from storage.forgetting import IDS_PER_STATEMENT, in_guild, portions
from storage.models import (
    Base,
    Mention,
    Message,
    PartNotes,
    PartNotesSource,
    Summary,
    SummarySource,
    TokenCount,
)
from storage.records import StoredMessage
from storage.upserts import merge


async def record_mentions(connection: AsyncConnection, messages: Sequence[StoredMessage]) -> None:
    """Store whom these messages mention, as far as they are stored and not deleted; the first name stays."""
    mentioning = [message for message in messages if message.mentions]
    for start in range(0, len(mentioning), IDS_PER_STATEMENT):
        some = {message.id: message for message in mentioning[start : start + IDS_PER_STATEMENT]}
        live = await connection.scalars(select(Message.id).where(Message.id.in_(some), Message.deleted_at.is_(None)))
        left_out = await opted_out(connection, {person for message in some.values() for person in message.mentions})
        rows = [
            {"message_id": number, "person_id": person, "name": " ".join(name.split())}
            for number in live
            for person, name in some[number].mentions.items()
            if not {(person, OUTSIDE), (person, some[number].guild_id)} & left_out
        ]
        await merge(connection, Mention, rows, None)


def mentioned() -> ColumnElement[str | None]:
    """Whom a message mentions, in one column beside it; `names_of` reads it. Texts without a mention cost nothing."""
    one = cast(Mention.person_id, String) + " " + Mention.name
    names = select(func.aggregate_strings(one, "\n")).where(Mention.message_id == Message.id).correlate(Message)
    return case((Message.content.contains("<@"), names.scalar_subquery()))


def names_of(column: str | None) -> Mapping[int, str]:
    """The names by id that `mentioned` gives."""
    lines: Iterable[tuple[str, str, str]] = (line.partition(" ") for line in (column or "").split("\n") if line)
    return {int(number): name for number, _, name in lines}


def naming(person_id: int, guild_id: int | None) -> ColumnElement[bool]:
    """The mentions of a person, in one server or (None) everywhere."""
    place = true() if guild_id is None else Mention.message_id.in_(select(Message.id).where(in_guild(guild_id)))
    return (Mention.person_id == person_id) & place


async def forget_mentions(connection: AsyncConnection, person_id: int, guild_id: int | None) -> dict[str, int]:
    """Nobody's message names this person any more, nor does a summary that was made from one; rows by table."""
    which = naming(person_id, guild_id)
    found = sorted(set(await connection.scalars(select(Mention.message_id).where(which))))
    gone = {"summaries": 0}
    for some in portions(found):
        made = select(SummarySource.summary_id).where(SummarySource.message_id.in_(some))
        gone["summaries"] += await _delete(connection, Summary, Summary.id.in_(made))
        noted = select(PartNotesSource.notes_id).where(PartNotesSource.message_id.in_(some))
        gone["summaries"] += await _delete(connection, PartNotes, PartNotes.id.in_(noted))
        await _delete(connection, TokenCount, TokenCount.message_id.in_(some))
    return gone | {"mentions": await _delete(connection, Mention, which)}


async def _delete(connection: AsyncConnection, table: type[Base], which: ColumnElement[bool]) -> int:
    return (await connection.execute(delete(table).where(which))).rowcount
