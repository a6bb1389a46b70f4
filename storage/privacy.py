"""What is stored of one person: shown, handed over, deleted. Every table that holds a person's id is named in PERSONAL.

A deleted message leaves an empty placeholder that belongs to nobody: the conversations of others hold, and the text is
not fetched from Discord again. An opt-out survives a deletion, because else it could not be honoured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    Delete,
    Select,
    Update,
    delete,
    exists,
    func,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from storage import rows
from storage.choices import OUTSIDE, Consent, remember_choice
from storage.database import Database
from storage.forgetting import IDS_PER_STATEMENT, Counts, erase, in_guild, portions, wipe
from storage.mentions import forget_mentions, naming
from storage.models import (
    Alternative,
    Base,
    Channel,
    Choice,
    Copy,
    Document,
    Memory,
    Mention,
    Message,
    Mirror,
    OpenReply,
    PartNotesSource,
    Person,
    PostedSource,
    Reply,
    SettingChange,
    Summary,
    SummarySource,
    Use,
)
from storage.records import NOBODY, utc_now
from storage.upserts import merge

OPT_OUT_STAYS = "That you opted out stays stored, so that it can be honoured."
PLACEHOLDERS_STAY = (
    "Where your messages stood, empty placeholders without your id stay, so that the conversations of others hold."
)


@dataclass(frozen=True, slots=True)
class Personal:
    """A table with a person's id: the column that holds it, and the one that says in which server."""

    table: type[Base]
    person: InstrumentedAttribute[Any]
    guild: InstrumentedAttribute[Any] | None = None


PERSONAL = (
    Personal(Person, Person.id),
    Personal(Message, Message.author_id),
    Personal(Mention, Mention.person_id),
    Personal(Reply, Reply.person_id, Reply.guild_id),
    Personal(Use, Use.person_id, Use.guild_id),
    Personal(OpenReply, OpenReply.person_id, OpenReply.guild_id),
    Personal(Memory, Memory.person_id, Memory.guild_id),
    Personal(Choice, Choice.person_id, Choice.guild_id),
    Personal(SettingChange, SettingChange.person_id, SettingChange.guild_id),
    Personal(Document, Document.person_id, Document.guild_id),
    Personal(Mirror, Mirror.person_id, Mirror.guild_id),
    Personal(Copy, Copy.person_id, Copy.guild_id),
    Personal(PostedSource, PostedSource.person_id, PostedSource.guild_id),
)
NOT_SHOWN = {"embedding", "embedding_model"}  # numbers that mean nothing without the model


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a deletion removed or emptied, in rows by table, and what stays, in sentences."""

    counts: dict[str, int]
    kept: list[str] = field(default_factory=list)


class Privacy:
    """Everything about one person, in one server or (guild_id None) everywhere. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def held(self, person_id: int, guild_id: int | None = None) -> dict[str, int]:
        """How many rows each table holds of this person; emptied messages are not counted. For `/privacy show`."""
        async with self._database.session() as session:
            return {
                each.table.__tablename__: await session.scalar(
                    select(func.count()).select_from(each.table).where(*_mine(each, person_id, guild_id))
                )
                or 0
                for each in PERSONAL
            }

    async def since(self, person_id: int, guild_id: int | None = None) -> datetime | None:
        """When the oldest thing was said, asked for or remembered that is stored of this person."""
        oldest = [
            select(func.min(moment)).where(*_mine(each, person_id, guild_id))
            for each, moment in (
                (_personal(Message), Message.created_at),
                (_personal(Reply), Reply.created_at),
                (_personal(Memory), Memory.created_at),
            )
        ]
        async with self._database.session() as session:
            moments = [await session.scalar(one) for one in oldest]
        return min((moment for moment in moments if moment is not None), default=None)

    async def export(self, person_id: int, guild_id: int | None = None) -> dict[str, Any]:
        """All that is stored of this person, by table, as what JSON can hold: ids are strings, moments ISO 8601.

        Besides: `answers`, what Steward answered to them, `alternatives`, further answers that buttons can show, and
        `summaries`, the number of those made from their words.
        """
        async with self._database.session() as session:
            found: dict[str, Any] = {
                "person_id": str(person_id),
                "server_id": None if guild_id is None else str(guild_id),
                "exported_at": utc_now().isoformat(),
            }
            for each in PERSONAL:
                found[each.table.__tablename__] = await _rows(session, each, person_id, guild_id)
            answers = _answers(person_id, guild_id)
            found["answers"] = await _shown(session, select(Message).where(Message.id.in_(answers), _live()))
            (opened,) = (each for each in PERSONAL if each.table is OpenReply)
            others = select(OpenReply.message_id).where(*_mine(opened, person_id, guild_id))
            found["alternatives"] = await _shown(session, select(Alternative).where(Alternative.message_id.in_(others)))
            mine = select(Message.id).where(Message.author_id == person_id, _place(guild_id))
            made = select(func.count(SummarySource.summary_id.distinct())).where(SummarySource.message_id.in_(mine))
            noted = select(func.count(PartNotesSource.notes_id.distinct())).where(PartNotesSource.message_id.in_(mine))
            found["summaries"] = (await session.scalar(made) or 0) + (await session.scalar(noted) or 0)
        return found

    async def opt_out(self, person_id: int, guild_id: int | None = None) -> Receipt:
        """From now on nothing of this person is stored, there or (None) everywhere; and what is stored goes."""
        async with self._database.write() as connection:
            await remember_choice(connection, person_id, guild_id, Consent.OPT_OUT)
        return await self.delete(person_id, guild_id)

    async def delete(self, person_id: int, guild_id: int | None = None) -> Receipt:
        """Delete everything about this person, with what was made from it, over all tables."""
        gone: Counts = Counts()
        opened = (await self.held(person_id, guild_id))["open_replies"]
        async with self._database.session() as session:
            answers = list(await session.scalars(_answers(person_id, guild_id)))
            asked = select(Message.id).where(Message.id < 0, Message.author_id == person_id, _place(guild_id))
            private = [number for number in answers if number < 0] + list(await session.scalars(asked))
        async with self._database.write() as connection:
            gone += Counts(await forget_mentions(connection, person_id, guild_id))
        for some in portions(private):
            async with self._database.write() as connection:
                gone += await erase(connection, some)
        for some in portions([number for number in answers if number > 0]):
            async with self._database.write() as connection:
                wiped = await wipe(connection, some)
                gone["answers"] += wiped.pop("messages")
                gone += wiped
        gone += await self._delete_own(person_id, guild_id)
        async with self._database.write() as connection:
            for name, statement in _remaining(person_id, guild_id):
                gone[name] += (await connection.execute(statement)).rowcount
            opted_out = await connection.scalar(
                _chosen(person_id, guild_id).where(Choice.name == Consent.OPT_OUT.value)
            )
        self._database.place_revision += bool(gone["channels"])
        gone["open_replies"] = max(gone["open_replies"], opened)  # some go with the memories that they repeat
        await self._database.forget_journal()
        return Receipt({name: count for name, count in gone.items() if count}, _kept(gone, opted_out))

    async def _delete_own(self, person_id: int, guild_id: int | None) -> Counts:
        """Empty what the person wrote, and let it belong to nobody."""
        gone: Counts = Counts()
        mine = select(Message.id).where(Message.author_id == person_id, _place(guild_id)).limit(IDS_PER_STATEMENT)
        while True:
            async with self._database.write() as connection:
                found = list(await connection.scalars(mine))
                gone += await wipe(connection, found)
                await merge(connection, Person, [rows.nobody()], None)
                anonymous = update(Message).where(Message.id.in_(found))
                await connection.execute(anonymous.values(author_id=NOBODY, author_name=""))
            if len(found) < IDS_PER_STATEMENT:
                return gone


def _kept(gone: Counts, opted_out: datetime | None) -> list[str]:
    return [PLACEHOLDERS_STAY] * bool(gone["messages"]) + [OPT_OUT_STAYS] * (opted_out is not None)


def _remaining(person_id: int, guild_id: int | None) -> Sequence[tuple[str, Delete | Update]]:
    """What else is stored of a person whose messages are gone, by table."""

    def mine(table: type[Base]) -> list[ColumnExpressionArgument[bool]]:
        return _mine(_personal(table), person_id, guild_id)

    written = exists().where(Message.author_id == Person.id)
    said = exists().where(Message.channel_id == Channel.id) | exists().where(Summary.channel_id == Channel.id)
    return (
        ("replies", delete(Reply).where(*mine(Reply))),
        ("uses", delete(Use).where(*mine(Use))),
        ("open_replies", delete(OpenReply).where(*mine(OpenReply))),
        ("memories", delete(Memory).where(*mine(Memory))),
        ("choices", delete(Choice).where(*mine(Choice), Choice.name != Consent.OPT_OUT.value)),
        ("setting_changes", update(SettingChange).where(*mine(SettingChange)).values(person_id=NOBODY)),
        ("documents", update(Document).where(*mine(Document)).values(person_id=NOBODY)),
        ("mirrors", update(Mirror).where(*mine(Mirror)).values(person_id=NOBODY)),
        ("copies", delete(Copy).where(*mine(Copy))),
        ("posted_sources", delete(PostedSource).where(*mine(PostedSource))),
        ("people", delete(Person).where(Person.id == person_id, ~written)),
        ("channels", delete(Channel).where(Channel.guild_id.is_(None), ~said)),
    )


def _chosen(person_id: int, guild_id: int | None) -> Select[datetime]:
    chosen = select(Choice.made_at).where(Choice.person_id == person_id).limit(1)
    return chosen if guild_id is None else chosen.where(Choice.guild_id.in_((OUTSIDE, guild_id)))


def _answers(person_id: int, guild_id: int | None) -> Select[int]:
    """Ids of Steward's messages to this person: answers, and their further parts, private ones among them."""
    asked, part = aliased(Message), aliased(Message)
    answered = (
        select(Message.id, Message.author_id)
        .join_from(Message, Reply, Reply.message_id == Message.id)
        .where(Reply.person_id == person_id, _place(guild_id))
    )
    in_private = (
        select(Message.id, Message.author_id)
        .join_from(Message, asked, asked.id == Message.reply_to)
        .where(asked.author_id == person_id, asked.id < 0, _place(guild_id))
    )
    both = answered.union(in_private).subquery()
    first = select(both.c.id, both.c.author_id).cte("answers", recursive=True)
    answers = first.union(
        select(part.id, part.author_id)
        .join_from(part, first, part.reply_to == first.c.id)
        .where(part.author_id == first.c.author_id)
    )
    return select(answers.c.id)


def _live() -> ColumnElement[bool]:
    return Message.deleted_at.is_(None)


def _personal(table: type[Base]) -> Personal:
    return next(each for each in PERSONAL if each.table is table)


def _place(guild_id: int | None) -> ColumnElement[bool]:
    return true() if guild_id is None else in_guild(guild_id)


def _mine(each: Personal, person_id: int, guild_id: int | None) -> list[ColumnExpressionArgument[bool]]:
    """The conditions of the rows that are meant."""
    wanted: list[ColumnExpressionArgument[bool]] = [each.person == person_id]
    if each.table is Message:
        wanted += [_live(), _place(guild_id)]
    if each.table is Mention:
        wanted = [naming(person_id, guild_id)]
    if each.guild is not None and guild_id is not None:
        wanted.append(each.guild == guild_id)
    return wanted


async def _rows(session: AsyncSession, each: Personal, person_id: int, guild_id: int | None) -> list[dict[str, Any]]:
    return await _shown(session, select(each.table).where(*_mine(each, person_id, guild_id)))


async def _shown(session: AsyncSession, wanted: Select[Any]) -> list[dict[str, Any]]:
    """Rows of one table as JSON objects; made a few hundred at a time, so that nobody else waits for all of them."""
    found: list[dict[str, Any]] = []
    streamed = await session.stream_scalars(wanted.execution_options(yield_per=IDS_PER_STATEMENT))
    async for some in streamed.partitions():
        found += [{one.name: _json(one.name, getattr(row, one.name)) for one in row.__table__.c} for row in some]
    return found


def _json(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if name in NOT_SHOWN:
        return None
    if isinstance(value, date):  # a day, or a moment
        return value.isoformat()
    is_id = name == "id" or name.endswith("_id") or name == "reply_to"
    return str(value) if is_id and value is not None else value
