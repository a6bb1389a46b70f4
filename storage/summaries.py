"""Running summaries: what a conversation's older messages said, so that a prompt need not hold them. Writes none.

Each knows the messages it was made from and goes with any of them (`storage.forgetting`). One up to a message fits
every conversation that this message belongs to: what comes before a message is the same in each of its branches.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.errors import BadRecord
from storage.forgetting import portions
from storage.models import Message, Summary, SummarySource
from storage.records import utc_now


@dataclass(frozen=True, slots=True)
class RunningSummary:
    """What was said up to and with message `upto_id`; `sources` are all messages it was made from."""

    channel_id: int
    conversation: int
    upto_id: int
    text: str
    model: str
    sources: frozenset[int]


class RunningSummaries:
    """Summaries per conversation. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, summary: RunningSummary, read: Mapping[int, str] | None = None, onto: RunningSummary | None = None
    ) -> bool:
        """Keep a summary in place of those it goes beyond, but for `onto`, which it goes on with and prompts may hold.

        False, and nothing is kept, when one of its sources was deleted while it was being made, one of the messages in
        `read` has another text by now, or `onto` is gone."""
        if not summary.sources:
            raise BadRecord("A summary must name the messages that it was made from.")
        async with self._database.write() as connection:
            if not await _is_still_true(connection, summary, read or {}, onto):
                return False
            beyond = {*summary.sources, summary.upto_id} - ({onto.upto_id} if onto else set())
            for some in portions(beyond):
                replaced = (Summary.conversation == summary.conversation) & Summary.upto_id.in_(some)
                await connection.execute(delete(Summary).where(replaced))
            await _insert(connection, summary)
        return True

    async def latest(self, message_ids: Collection[int]) -> RunningSummary | None:
        """The summary that reaches furthest among those that end with one of these messages of a conversation."""
        best = None
        async with self._database.session() as session:
            for some in portions(message_ids):
                found = select(Summary).where(Summary.upto_id.in_(some)).order_by(Summary.upto_id.desc()).limit(1)
                row = (await session.scalars(found)).one_or_none()
                if row is not None and (best is None or row.upto_id > best.upto_id):
                    best = row
            if best is None:
                return None
            sources = await session.scalars(select(SummarySource.message_id).where(SummarySource.summary_id == best.id))
            return RunningSummary(
                best.channel_id, best.conversation, best.upto_id, best.text, best.model, frozenset(sources)
            )


async def _insert(connection: AsyncConnection, summary: RunningSummary) -> None:
    row = {
        "channel_id": summary.channel_id,
        "conversation": summary.conversation,
        "upto_id": summary.upto_id,
        "text": summary.text,
        "model": summary.model,
        "created_at": utc_now(),
    }
    made = await connection.execute(insert(Summary).values(row).returning(Summary.id))
    number = made.scalar_one()
    links = [{"summary_id": number, "message_id": source} for source in sorted(summary.sources)]
    await connection.execute(insert(SummarySource), links)


async def _is_still_true(
    connection: AsyncConnection, summary: RunningSummary, read: Mapping[int, str], onto: RunningSummary | None
) -> bool:
    for some in portions(read):
        texts = await connection.execute(select(Message.id, Message.content).where(Message.id.in_(some)))
        if any(row.content != read[row.id] for row in texts.all()):
            return False
    if onto is not None:
        same = (Summary.conversation == onto.conversation) & (Summary.upto_id == onto.upto_id)
        if await connection.scalar(select(Summary.text).where(same)) != onto.text:
            return False
    return await _all_there(connection, summary.sources)


async def _all_there(connection: AsyncConnection, ids: Collection[int]) -> bool:
    there = 0
    for some in portions(set(ids)):
        live = select(func.count()).where(Message.id.in_(some), Message.deleted_at.is_(None))
        there += await connection.scalar(live) or 0
    return there == len(set(ids))
