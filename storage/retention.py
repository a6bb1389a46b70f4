"""What is too old goes, and so does what belongs to servers that Steward left. Does not know when it is time.

Choices do not age: that somebody opted out must not be forgotten. Settings, mirrors
and documents do not age either, for they are in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ColumnExpressionArgument, Delete, and_, delete, exists, select, true, update

from storage.choices import OUTSIDE
from storage.columns import aware
from storage.database import Database
from storage.forgetting import Counts, erase_where, in_guild, in_places
from storage.models import (
    Base,
    Channel,
    Choice,
    Copy,
    Document,
    Guild,
    Memory,
    Message,
    Mirror,
    Person,
    PostedSource,
    Reply,
    RoleUse,
    Setting,
    SettingChange,
    Summary,
    Use,
)
from storage.records import NOBODY

LONGEST = timedelta(days=365)
"""What outlives messages: memories, who changed which setting, and the ids of messages that stand elsewhere in another
language, so that a late deletion reaches those, too."""
OF_GUILDS = (Reply, Use, RoleUse, Memory, Choice, Setting, SettingChange, Document, Copy, PostedSource, Mirror, Channel)


class Retention:
    """Removes what may not be kept any longer. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(
        self,
        now: datetime,
        days: int,
        days_by_guild: Mapping[int, int],
        grace_days: int,
        days_by_channel: Mapping[int, Mapping[int, int]] | None = None,
    ) -> Counts:
        """Keep messages for `days` days, or as many as their server chose, or as their channel did, its threads with
        it (`days_by_channel`: by server); remove servers left `grace_days` ago. Figures are kept as a server chose."""
        gone: Counts = Counts()
        for guild_id in [None, *await self._guilds(true())]:
            kept = timedelta(days=days if guild_id is None else days_by_guild.get(guild_id, days))
            own = (days_by_channel or {}).get(guild_id or OUTSIDE, {})
            for channel_id, chosen in own.items():
                old = Message.created_at < now - timedelta(days=chosen)
                gone += await erase_where(self._database, and_(old, in_places([channel_id])), memories=False)
            others = and_(in_guild(guild_id), ~in_places(own)) if own else in_guild(guild_id)
            gone += await self._expire(now - kept, others, _reply_of(guild_id))
            gone += await self._expire_figures(now - kept, guild_id or OUTSIDE)
        for guild_id in await self._guilds(Guild.left_at < now - timedelta(days=grace_days)):
            gone += await self.delete_guild(guild_id)
        gone += await self._delete(
            delete(Memory).where(Memory.created_at < now - LONGEST),
            delete(SettingChange).where(SettingChange.changed_at < now - LONGEST),
            delete(Copy).where(Copy.created_at < now - LONGEST),
            delete(PostedSource).where(PostedSource.created_at < now - LONGEST),
        )
        await self._forget_givers(now - LONGEST)
        gone += await self._tidy()
        return gone

    async def purge(self, before: datetime) -> dict[str, int]:
        """Everything said before that moment goes, in all servers, and memories and changes of settings from then."""
        moment = aware(before)
        gone = await self._expire(moment, true(), true())
        gone += await self._expire_figures(moment, None)
        gone += await self._delete(
            delete(Memory).where(Memory.created_at < moment),
            delete(SettingChange).where(SettingChange.changed_at < moment),
            delete(Copy).where(Copy.created_at < moment),
            delete(PostedSource).where(PostedSource.created_at < moment),
        )
        await self._forget_givers(moment)
        gone += await self._tidy()
        return {"messages": 0, "replies": 0, **gone}

    async def delete_guild(self, guild_id: int) -> Counts:
        """Everything of this server goes: what was said, made from it, chosen and set there."""
        gone = await erase_where(self._database, in_guild(guild_id))
        gone += await self._delete(
            delete(Summary).where(Summary.channel_id.in_(select(Channel.id).where(Channel.guild_id == guild_id))),
            *(_of_guild(table, guild_id) for table in OF_GUILDS),
            delete(Guild).where(Guild.id == guild_id),
        )
        self._database.setting_revisions[guild_id] += 1
        self._database.place_revision += 1
        gone += await self._tidy()
        return gone

    async def _expire(
        self, before: datetime, messages: ColumnElement[bool], replies: ColumnExpressionArgument[bool]
    ) -> Counts:
        gone = await erase_where(self._database, and_(Message.created_at < before, messages), memories=False)
        standing = exists().where(Message.id == Reply.message_id)  # it tells for whom an answer is that is still there
        return gone + await self._delete(delete(Reply).where(Reply.created_at < before, replies, ~standing))

    async def _expire_figures(self, before: datetime, guild_id: int | None) -> Counts:
        """Days of use that were over before that moment, in one server or (None) in all."""
        day = aware(before).date()
        old = (delete(Use).where(Use.day < day), delete(RoleUse).where(RoleUse.day < day))
        if guild_id is None:
            return await self._delete(*old)
        return await self._delete(old[0].where(Use.guild_id == guild_id), old[1].where(RoleUse.guild_id == guild_id))

    async def _forget_givers(self, before: datetime) -> None:
        """Documents and mirrors do not age, for the server wants them; who gave them or set them up does."""
        async with self._database.write() as connection:
            for table in (Document, Mirror):
                old = update(table).where(table.created_at < before, table.person_id != NOBODY)
                await connection.execute(old.values(person_id=NOBODY))

    async def _tidy(self) -> Counts:
        """Names of people, threads and private conversations of which nothing is stored, and what the journal holds."""
        said = exists().where(Message.author_id == Person.id)
        used = exists().where(Message.channel_id == Channel.id) | exists().where(Summary.channel_id == Channel.id)
        spoken = Channel.guild_id.is_(None) | Channel.kind.like("%thread")  # named after what was said there
        gone = await self._delete(delete(Person).where(~said), delete(Channel).where(~used, spoken))
        self._database.place_revision += bool(gone["channels"])
        await self._database.forget_journal()
        return gone

    async def _guilds(self, which: ColumnElement[bool]) -> list[int]:
        async with self._database.session() as session:
            return list(await session.scalars(select(Guild.id).where(which).order_by(Guild.id)))

    async def _delete(self, *statements: Delete) -> Counts:
        """One transaction; rows by table."""
        gone: Counts = Counts()
        async with self._database.write() as connection:
            for statement in statements:
                gone[statement.table.description] += (await connection.execute(statement)).rowcount
        return gone


def _reply_of(guild_id: int | None) -> ColumnElement[bool]:
    return Reply.guild_id.is_(None) if guild_id is None else Reply.guild_id == guild_id


def _of_guild(table: type[Base], guild_id: int) -> Delete:
    return delete(table).where(table.__table__.c["guild_id"] == guild_id)
