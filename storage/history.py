"""Messages, and how Steward's replies came to be. Does not know which of them belong in a prompt: the bot decides.

Deleting a message wipes its content and leaves a tombstone, so that a reply chain holds; nothing brings it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, update

from storage import rows
from storage.columns import aware
from storage.database import Database
from storage.models import Channel, Guild, Message, Person, Reply
from storage.records import Chain, StoredMessage, StoredPerson, StoredReply, utc_now
from storage.upserts import merge, upsert

__all__ = ["Chain", "History", "StoredMessage", "StoredPerson", "StoredReply"]

IDS_PER_STATEMENT = 500  # both databases bound the parameters of one statement


class History:
    """What was said. Every method is one transaction and raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, messages: Sequence[StoredMessage]) -> None:
        """Store messages with their authors and places. Again is harmless: an older copy never replaces a newer edit,
        and a deleted message stays deleted."""
        if not messages:
            return
        guilds = {m.guild_id: {"id": m.guild_id, "name": ""} for m in messages if m.guild_id is not None}
        channels = {m.channel_id: rows.channel_row(m.channel_id, m.guild_id) for m in messages}
        people = {m.author.id: asdict(m.author) for m in messages}
        async with self._database.write() as connection:
            await merge(connection, Guild, list(guilds.values()), None)
            await merge(connection, Channel, list(channels.values()), None)
            await upsert(connection, Person, list(people.values()), update=("name", "is_bot"))
            await merge(connection, Message, [rows.message_row(m) for m in messages], rows.newest_wins)

    async def edit(self, message_id: int, content: str, edited_at: datetime) -> bool:
        """Replace a message's content; False when it is not stored, deleted, or was edited later than `edited_at`."""
        statement = (
            update(Message)
            .where(Message.id == message_id, Message.deleted_at.is_(None), rows.version() <= aware(edited_at))
            .values(content=content, edited_at=edited_at, token_count=None)
        )
        async with self._database.write() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def delete(self, message_ids: Sequence[int]) -> int:
        """Wipe the content of messages, keeping tombstones; how many were stored and not deleted before."""
        wiped = 0
        async with self._database.write() as connection:
            for start in range(0, len(message_ids), IDS_PER_STATEMENT):
                some = message_ids[start : start + IDS_PER_STATEMENT]
                statement = (
                    update(Message)
                    .where(Message.id.in_(some), Message.deleted_at.is_(None))
                    .values(content="", token_count=None, deleted_at=utc_now())
                )
                wiped += (await connection.execute(statement)).rowcount
        return wiped

    async def chain(self, message_id: int, limit: int = 200) -> Chain:
        """The message and what it answers, back to the beginning or `limit` messages, by one query.

        A deleted message is there as a tombstone. A chain may cross channels (a thread answers its starter).
        """
        async with self._database.session() as session:
            found = (await session.execute(rows.chain(message_id, limit + 1))).all()
        newest_first: dict[int, StoredMessage] = {}
        for row in found:
            if row.id in newest_first:  # a circle, which Discord cannot make and a damaged import can
                return Chain(list(newest_first.values())[::-1][-limit:])
            newest_first[row.id] = rows.message_of(row)
        messages = list(newest_first.values())[::-1]
        if len(messages) > limit:
            return Chain(messages[1:], truncated=True)
        return Chain(messages, missing=messages[0].reply_to if messages else message_id)

    async def recent(self, channel_id: int, limit: int, before: int | None = None) -> list[StoredMessage]:
        """The last `limit` messages of a channel, oldest first, without tombstones; `before` is a message id."""
        statement = (
            rows.messages()
            .where(Message.channel_id == channel_id, Message.deleted_at.is_(None))
            .order_by(Message.id.desc())
            .limit(limit)
        )
        if before is not None:
            statement = statement.where(Message.id < before)
        async with self._database.session() as session:
            found = (await session.execute(statement)).all()
        return [rows.message_of(row) for row in reversed(found)]

    async def record_reply(self, reply: StoredReply) -> None:
        """Store how a reply came to be; again replaces what was stored."""
        row = asdict(reply)
        async with self._database.write() as connection:
            await upsert(connection, Reply, [row], update=[name for name in row if name != "message_id"])

    async def reply(self, message_id: int) -> StoredReply | None:
        """How this message came to be, if it is one of Steward's."""
        async with self._database.session() as session:
            found = await session.get(Reply, message_id)
        if found is None:
            return None
        return StoredReply(**{name: getattr(found, name) for name in StoredReply.__dataclass_fields__})

    async def record_guild(self, guild_id: int, name: str) -> None:
        """Store a server's name."""
        async with self._database.write() as connection:
            await upsert(connection, Guild, [{"id": guild_id, "name": name}], update=("name",))

    async def record_channel(self, channel_id: int, guild_id: int | None, name: str, kind: str) -> None:
        """Store a channel's name and kind (text, thread, private, …)."""
        row = rows.channel_row(channel_id, guild_id, name, kind)
        async with self._database.write() as connection:
            if guild_id is not None:
                await merge(connection, Guild, [{"id": guild_id, "name": ""}], None)
            await upsert(connection, Channel, [row], update=("guild_id", "name", "kind"))

    async def purge(self, before: datetime) -> dict[str, int]:
        """Delete messages and replies from before that moment, rows and all; how many of each table."""
        moment = aware(before)
        gone: dict[str, int] = {}
        async with self._database.write() as connection:
            for table in (Message, Reply):
                result = await connection.execute(delete(table).where(table.created_at < moment))
                gone[table.__tablename__] = result.rowcount
        await self._database.forget_journal()
        return gone
