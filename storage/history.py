"""Messages, and how Steward's replies came to be. Does not know which of them belong in a prompt: the bot decides.

Deleting a message wipes its content and leaves a tombstone, so that a reply chain holds; nothing brings it back. What
was made from a message goes when its text does (`storage.forgetting`). Who wants to be left out is never stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from storage import forgetting, rows
from storage.choices import OUTSIDE, opted_out
from storage.columns import aware, storable
from storage.database import Database
from storage.mentions import record_mentions
from storage.models import Channel, Guild, Message, Person, Reply, Summary
from storage.quotes import Asked, link_quotes, parts_of, repeats_lost
from storage.records import (
    NOBODY,
    NOTHING_READ,
    Chain,
    Digest,
    Edit,
    Read,
    StoredMessage,
    StoredPerson,
    StoredReply,
    Version,
)
from storage.upserts import merge, upsert

__all__ = [
    "NOTHING_READ",
    "Chain",
    "Digest",
    "Edit",
    "History",
    "Read",
    "StoredMessage",
    "StoredPerson",
    "StoredReply",
    "Version",
]


class History:
    """What was said. Every method but `collect` is one transaction; all raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._intake = database.intake(self.record)

    @property
    def place_revision(self) -> int:
        """Counts when names of places were deleted in this process: they have to be recorded again when used."""
        return self._database.place_revision

    async def collect(self, messages: Sequence[StoredMessage]) -> None:
        """Like `record`, a moment later and together with other messages; whoever reads sees them at once.

        A process that is killed loses at most the last 200 ms of them. What cannot be stored is logged.
        """
        await self._intake.collect(messages)

    async def record(self, messages: Sequence[StoredMessage]) -> None:
        """Store messages with their authors and places. Again is harmless: an older copy never replaces a newer edit,
        and a deleted message stays deleted. Of people who opted out only an empty placeholder without author stays."""
        if not messages:
            return
        guilds = {m.guild_id: {"id": m.guild_id, "name": ""} for m in messages if m.guild_id is not None}
        channels = {m.channel_id: rows.channel_row(m.channel_id, m.guild_id) for m in messages}
        async with self._database.write(settled=False) as connection:
            kept = await _without_left_out(connection, messages)
            people = {m.author.id: asdict(m.author) for m in kept}
            await merge(connection, Guild, list(guilds.values()), None)
            await merge(connection, Channel, list(channels.values()), None)
            await upsert(connection, Person, list(people.values()), update=("name", "is_bot"))
            await _forget_replaced(connection, kept)
            await merge(connection, Message, [rows.message_row(m) for m in kept], rows.newest_wins)
            await record_mentions(connection, kept)

    async def edit(
        self, message_id: int, content: str, edited_at: datetime, mentions: Mapping[int, str] | None = None
    ) -> Edit:
        """Replace a message's content, and whom it mentions, and forget what was made from the old one, if the text
        really changed."""
        moment = aware(edited_at)
        stored = select(Message.content, Message.created_at, Message.edited_at)
        async with self._database.write() as connection:
            live = (Message.id == message_id) & Message.deleted_at.is_(None)
            row = (await connection.execute(stored.where(live))).one_or_none()
            if row is None:
                return Edit.UNKNOWN
            if (row.edited_at or row.created_at) > moment:
                return Edit.OLDER
            if row.content == storable(content):
                return Edit.SAME
            await forgetting.changed(connection, message_id, row.content, content)
            await connection.execute(update(Message).where(live).values(content=content, edited_at=moment))
            if mentions:
                copies = (await connection.execute(rows.messages().where(live))).all()
                await record_mentions(
                    connection, [replace(rows.message_of(copy), mentions=mentions) for copy in copies]
                )
        return Edit.CHANGED

    async def delete(self, message_ids: Sequence[int]) -> int:
        """Wipe the content of messages, keeping tombstones; how many were stored and not deleted before."""
        async with self._database.write() as connection:
            return (await forgetting.wipe(connection, message_ids))["messages"]

    async def delete_channel(self, channel_id: int) -> int:
        """Remove a channel or thread, its threads, and what was said or asked there; how many messages that were."""
        async with self._database.session() as session:
            threads = await session.scalars(select(Channel.id).where(Channel.parent_id == channel_id))
            gone = [channel_id, *threads]
        counts = await forgetting.erase_where(self._database, forgetting.in_channels(gone))
        signed = [sign * number for number in gone for sign in (1, -1)]
        async with self._database.write() as connection:
            await connection.execute(delete(Summary).where(Summary.channel_id.in_(signed)))
            await connection.execute(delete(Channel).where(Channel.id.in_(signed)))
        return counts["messages"]

    async def reconcile(
        self,
        channel_id: int,
        present: Collection[int],
        after: int,
        upto: int,
        *,
        mine: int | None = None,
        unprompted: Collection[int] = (),
    ) -> int:
        """Delete what was deleted on Discord while nobody listened; how many messages that were.

        `present`: ids of all messages that Discord has in this channel with `after` < id <= `upto`. A question that was
        asked by a command and posted has an id that Discord does not know; it stays with its answer. Such an answer is
        among `unprompted`, those messages of Steward (whose id is `mine`) that reply to nothing on Discord.
        """
        answered = select(Reply.message_id).where(Reply.message_id > upto)
        beyond = (Message.id > upto) & (Message.author_id == mine) & Message.id.not_in(answered)
        posted = (Message.channel_id == channel_id) & (Message.id.in_(unprompted) | beyond)
        asked = select(Message.reply_to).where(posted, Message.reply_to.is_not(None))
        inside = (Message.channel_id == channel_id) & (Message.id > after) & (Message.id <= upto)
        async with self._database.write() as connection:
            stored = select(Message.id).where(inside, Message.deleted_at.is_(None), Message.id.not_in(asked))
            gone = set(await connection.scalars(stored)) - set(present)
            return (await forgetting.wipe(connection, sorted(gone)))["messages"]

    async def versions(self, message_ids: Collection[int]) -> dict[int, Version]:
        """What is stored of these messages, by id: their texts, and when those were written. Tombstones are not."""
        columns = select(Message.id, Message.content, rows.version().label("written_at"))
        known: dict[int, Version] = {}
        async with self._database.session() as session:
            for some in forgetting.portions(message_ids):
                live = columns.where(Message.id.in_(some), Message.deleted_at.is_(None))
                found = (await session.execute(live)).all()
                known |= {row.id: Version(row.content, row.written_at) for row in found}
        return known

    async def replied_to(self, message_ids: Collection[int], author_id: int) -> set[int]:
        """To which of these messages this author has replied, also by what was deleted since."""
        found: set[int] = set()
        async with self._database.session() as session:
            for some in forgetting.portions(message_ids):
                theirs = select(Message.reply_to).where(Message.reply_to.in_(some), Message.author_id == author_id)
                found.update(number for number in await session.scalars(theirs) if number is not None)
        return found

    async def chain(self, message_id: int, limit: int = 200, *, model: str | None = None) -> Chain:
        """The message and what it answers, back to the beginning or `limit` messages, by one query.

        With `model`, the messages come with their tokens as that model counts them, with their summaries, and with
        the names of whom they mention.

        A deleted message is there as a tombstone. A chain may cross channels (a thread answers its starter).
        """
        async with self._database.session() as session:
            found = (await session.execute(rows.chain(message_id, limit + 1, model))).all()
        newest_first: dict[int, StoredMessage] = {}
        for row in found:
            if row.id in newest_first:  # a circle, which Discord cannot make and a damaged import can
                return Chain(list(newest_first.values())[::-1][-limit:])
            newest_first[row.id] = rows.message_of(row)
        messages = list(newest_first.values())[::-1]
        if len(messages) > limit:
            return Chain(messages[1:], truncated=True)
        return Chain(messages, missing=messages[0].reply_to if messages else message_id)

    async def recent(
        self, channel_id: int, limit: int, before: int | None = None, *, model: str | None = None
    ) -> list[StoredMessage]:
        """The last `limit` messages of a channel, oldest first, without tombstones; `before` is a message id, `model`
        as for `chain`."""
        statement = (
            rows.messages(model)
            .where(Message.channel_id == channel_id, Message.deleted_at.is_(None))
            .order_by(Message.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(Message.id < before)
        async with self._database.session() as session:
            found = (await session.execute(statement)).all()
        return [rows.message_of(row) for row in reversed(found)]

    async def active(self, since: datetime, limit: int) -> list[tuple[int, int | None]]:
        """The channels in which something that is stored was said since then, with their servers, the last one
        first."""
        said = select(Message.channel_id, Channel.guild_id).join_from(Message, Channel)
        lately = said.where(Message.created_at >= aware(since), Message.id > 0)
        by_channel = lately.group_by(Message.channel_id, Channel.guild_id).order_by(func.max(Message.id).desc())
        async with self._database.session() as session:
            return [(row.channel_id, row.guild_id) for row in await session.execute(by_channel.limit(limit))]

    async def record_reply(self, reply: StoredReply, read: Read = NOTHING_READ) -> None:
        """Store how a reply came to be, once all its parts are recorded; again replaces what was stored.

        Which messages it repeats words of is remembered, too: it goes when they go. An answer whose question was
        deleted while it was written is not kept: nobody can tell any more what of it was the question's. Nor is one
        that repeats something of what was `read` for it and is no longer said or remembered.
        """
        row = asdict(reply)
        async with self._database.write() as connection:
            if reply.person_id is None:
                row |= await _asked_by(connection, reply)
            await upsert(connection, Reply, [row], update=[name for name in row if name != "message_id"])
            await link_quotes(connection, reply.message_id)
            asked = Asked(reply.prompt_message_id, row["person_id"])
            is_question_gone = await connection.scalar(_is_deleted(reply.prompt_message_id))
            if is_question_gone or await repeats_lost(connection, reply.message_id, asked, read):
                await forgetting.wipe(connection, await parts_of(connection, reply.message_id))

    async def relink(self, message_id: int) -> None:
        """The answer with this first part says something else now: find out again which messages it repeats words
        of."""
        async with self._database.write() as connection:
            await link_quotes(connection, message_id)

    async def reply(self, message_id: int) -> StoredReply | None:
        """How this message came to be, if it is one of Steward's."""
        async with self._database.session() as session:
            found = await session.get(Reply, message_id)
        if found is None:
            return None
        return StoredReply(**{name: getattr(found, name) for name in StoredReply.__dataclass_fields__})

    async def record_guild(self, guild_id: int, name: str) -> None:
        """Store a server's name."""
        async with self._database.write(settled=False) as connection:
            await upsert(connection, Guild, [{"id": guild_id, "name": name}], update=("name",))

    async def record_channel(
        self, channel_id: int, guild_id: int | None, name: str, kind: str, parent_id: int | None = None
    ) -> None:
        """Store a channel's name and kind (text, thread, private, …), and of a thread the channel it belongs to."""
        row = rows.channel_row(channel_id, guild_id, name, kind, parent_id)
        async with self._database.write(settled=False) as connection:
            if guild_id is not None:
                await merge(connection, Guild, [{"id": guild_id, "name": ""}], None)
            await upsert(connection, Channel, [row], update=("guild_id", "name", "kind", "parent_id"))


async def _without_left_out(connection: AsyncConnection, messages: Sequence[StoredMessage]) -> list[StoredMessage]:
    """Empty placeholders in place of messages by people who opted out in that server, or everywhere."""
    left_out = await opted_out(connection, {m.author.id for m in messages})
    placeholder = StoredPerson(NOBODY, "")
    return [
        replace(m, author=placeholder, content="", deleted_at=m.created_at, mentions={})
        if {(m.author.id, OUTSIDE), (m.author.id, m.guild_id)} & left_out
        else m
        for m in messages
    ]


async def _forget_replaced(connection: AsyncConnection, messages: Sequence[StoredMessage]) -> None:
    """What was made from a stored text goes when a copy brings another one, or says that it was deleted."""
    columns = select(Message.id, Message.content, Message.created_at, Message.edited_at)
    for start in range(0, len(messages), forgetting.IDS_PER_STATEMENT):
        copies = {m.id: m for m in messages[start : start + forgetting.IDS_PER_STATEMENT]}
        live = columns.where(Message.id.in_(copies), Message.deleted_at.is_(None))
        for stored in (await connection.execute(live)).all():
            copy = copies[stored.id]
            if copy.deleted_at is not None:
                await forgetting.wipe(connection, [stored.id])
            elif rows.is_newer(copy, stored) and storable(copy.content) != stored.content:
                await forgetting.changed(connection, stored.id, stored.content, copy.content)


def _is_deleted(message_id: int | None) -> Select[bool]:
    return select(Message.deleted_at.is_not(None)).where(Message.id == message_id)


async def _asked_by(connection: AsyncConnection, reply: StoredReply) -> dict[str, int | None]:
    """Who asked, and in which server, as far as the question is stored."""
    answer = aliased(Message)
    question: ColumnElement[int | None] = literal(reply.prompt_message_id)
    if reply.prompt_message_id is None:
        question = select(answer.reply_to).where(answer.id == reply.message_id).scalar_subquery()
    found = await connection.execute(
        select(Message.author_id, Channel.guild_id)
        .join_from(Message, Channel, Channel.id == Message.channel_id)
        .where(Message.id == question)
    )
    row = found.one_or_none()
    return {"person_id": row.author_id, "guild_id": row.guild_id} if row else {}
