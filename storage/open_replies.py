"""Steward's answers that have buttons, and the alternatives that these page through, over restarts.

One conversation has one open reply, its newest. It goes when its buttons do, and its alternatives go with any message
whose words one of them repeats (`storage.forgetting`). It does not know how long buttons stand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.columns import aware
from storage.database import Database
from storage.models import Alternative, Message, OpenReply
from storage.quotes import link_alternatives


@dataclass(frozen=True, slots=True)
class KeptReply:
    """An open reply: its first part, the part with the buttons, what it answers and for whom (the ids of Discord).

    `shown` is the number of the alternative that stands there, `since` when it got its buttons."""

    message_id: int
    last_id: int
    channel_id: int
    guild_id: int | None
    conversation: int
    question_id: int
    person_id: int
    shown: int
    since: datetime

    def __post_init__(self) -> None:
        aware(self.since)


@dataclass(frozen=True, slots=True)
class Page:
    """One of the alternatives: the model's text, what is said under it, and why it ended."""

    text: str
    footer: str
    finish_reason: str = "stop"

    @property
    def is_cut_off(self) -> bool:
        """Whether the length limit ended it."""
        return self.finish_reason == "length"


class OpenReplies:
    """What stands under answers. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, reply: KeptReply, pages: Sequence[Page]) -> bool:
        """This is the open reply of its conversation now; False, and nothing is kept, when it was deleted meanwhile."""
        async with self._database.write() as connection:
            before = or_(OpenReply.conversation == reply.conversation, OpenReply.message_id == reply.message_id)
            await connection.execute(delete(OpenReply).where(before))
            live = select(Message.id).where(Message.id == reply.message_id, Message.deleted_at.is_(None))
            if await connection.scalar(live) is None:
                return False
            await connection.execute(insert(OpenReply), [asdict(reply)])
            await _insert_pages(connection, reply.message_id, pages)
            await link_alternatives(connection, reply.message_id, [page.text for page in pages])
        return True

    async def all(self) -> list[KeptReply]:
        """All of them, oldest first: those of earlier runs still have to lose their buttons."""
        async with self._database.session() as session:
            found = await session.scalars(select(OpenReply).order_by(OpenReply.since))
            return [_kept(row) for row in found]

    async def pages(self, message_id: int) -> list[Page]:
        """The alternatives of the reply whose first part, or part with the buttons, this is; none where they went."""
        numbered = (
            select(Alternative)
            .join(OpenReply, OpenReply.message_id == Alternative.message_id)
            .where(or_(OpenReply.message_id == message_id, OpenReply.last_id == message_id))
        )
        async with self._database.session() as session:
            found = await session.scalars(numbered.order_by(Alternative.number))
            return [Page(row.text, row.footer, row.finish_reason) for row in found]

    async def asked_by(self, message_id: int, question_id: int) -> None:
        """The reply with this first part answers another message now: a proxy's copy of the question."""
        async with self._database.write() as connection:
            mine = update(OpenReply).where(OpenReply.message_id == message_id)
            await connection.execute(mine.values(question_id=question_id))

    async def close(self, message_ids: Collection[int]) -> None:
        """The buttons under the replies with these first parts are gone: nothing of them is needed any more."""
        async with self._database.write() as connection:
            await connection.execute(delete(OpenReply).where(OpenReply.message_id.in_(message_ids)))


async def _insert_pages(connection: AsyncConnection, message_id: int, pages: Sequence[Page]) -> None:
    rows = [{"message_id": message_id, "number": number, **asdict(page)} for number, page in enumerate(pages)]
    if rows:
        await connection.execute(insert(Alternative), rows)


def _kept(row: OpenReply) -> KeptReply:
    return KeptReply(**{name: getattr(row, name) for name in KeptReply.__dataclass_fields__})
