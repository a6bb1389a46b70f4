"""Which messages an answer of Steward's repeats: found when it is stored, among what it can have been made from.

That is its reply chain, in threads and private messages what was said there before, and a summary of the rest. It runs
inside its caller's transaction. What follows from a link is done by `storage.forgetting`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from storage import rows
from storage.forgetting import portions
from storage.models import AlternativeSource, Channel, Memory, Message, Quote, Summary, SummarySource
from storage.quoting import pieces, quoted
from storage.records import Read
from storage.upserts import Values, merge

MOST_READ = 100
"""Messages of a chain or a channel that are compared; older ones come into prompts as a summary."""

Texts = dict[int, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """By which message an answer was asked for, and by whom, where that is known."""

    message_id: int | None
    person_id: int | None


async def link_quotes(connection: AsyncConnection, answer_id: int) -> None:
    """Remember which messages the answer, all of its parts, repeats words of."""
    parts = await _parts(connection, answer_id)
    if not parts:
        return
    sources = await _said_before(connection, answer_id)
    sources |= await _summarized(connection, list(sources), "\n".join(parts.values()))
    links = await asyncio.to_thread(_links, parts, sources)  # long files may be among them
    await connection.execute(delete(Quote).where(Quote.message_id.in_(parts)))
    await merge(connection, Quote, links, None)


def _links(parts: Texts, sources: Texts) -> list[Values]:
    """Which parts repeat words of which sources, as rows."""
    said = {part: pieces(text) for part, text in parts.items()}
    links: list[Values] = []
    for source in sources.keys() - parts.keys():
        words = pieces(sources[source])
        links += [{"message_id": part, "source_id": source} for part in said if said[part] & words]
    return links


async def repeats_lost(connection: AsyncConnection, answer_id: int, asked: Asked, read: Read) -> bool:
    """Whether the answer repeats something that was read for it and that, since then, nobody says or remembers."""
    said = await _texts(connection, [*read.messages, *filter(None, [asked.message_id])])
    gone = [text for key, text in read.messages.items() if said.get(key, "") != text]
    if read.memories:
        kept = select(Memory.text).where(Memory.person_id == asked.person_id, Memory.text.in_(read.memories))
        gone += set(read.memories) - set(await connection.scalars(kept))
    if not gone:
        return False
    lost = set[str]().union(*map(pieces, gone)) - set[str]().union(*map(pieces, said.values()))
    return any(lost & pieces(text) for text in (await _parts(connection, answer_id)).values())


async def _texts(connection: AsyncConnection, message_ids: Sequence[int]) -> Texts:
    texts: Texts = {}
    for some in portions(message_ids):
        found = await connection.execute(select(Message.id, Message.content).where(Message.id.in_(some)))
        texts |= {row.id: row.content for row in found.all()}
    return texts


async def parts_of(connection: AsyncConnection, answer_id: int) -> list[int]:
    """The ids of the answer's parts, the first of which is `answer_id`."""
    return sorted(await _parts(connection, answer_id))


async def link_alternatives(connection: AsyncConnection, answer_id: int, texts: Sequence[str]) -> None:
    """Remember which messages one of the answer's alternatives, shown or not, repeats words of."""
    whole = "\n".join(texts)
    sources = await _said_before(connection, answer_id)
    sources |= await _summarized(connection, list(sources), whole)
    mine = await _parts(connection, answer_id)
    others = {key: said for key, said in sources.items() if key not in mine}
    found = await asyncio.to_thread(quoted, whole, others)
    links = [{"message_id": answer_id, "source_id": source} for source in sorted(found)]
    await merge(connection, AlternativeSource, links, None)


async def _parts(connection: AsyncConnection, answer_id: int) -> Texts:
    """The answer's first part and those that continue it: each is a reply of Steward's to the one before."""
    first = select(Message.id, Message.author_id).where(Message.id == answer_id).cte("parts", recursive=True)
    part = aliased(Message)
    parts = first.union(
        select(part.id, part.author_id)
        .join_from(part, first, part.reply_to == first.c.id)
        .where(part.author_id == first.c.author_id)
    )
    found = await connection.execute(select(Message.id, Message.content).where(Message.id.in_(select(parts.c.id))))
    return {row.id: row.content for row in found.all()}


async def _said_before(connection: AsyncConnection, answer_id: int) -> Texts:
    chain = (await connection.execute(rows.chain(answer_id, MOST_READ))).all()
    texts: Texts = {row.id: row.content for row in chain}
    flowing = (
        select(Channel.id)
        .join_from(Channel, Message, Message.channel_id == Channel.id)
        .where(Message.id == answer_id, or_(Channel.guild_id.is_(None), Channel.kind.like("%thread")))
    )
    channel_id = await connection.scalar(flowing)
    if channel_id is not None and channel_id > 0:
        there = select(Message.id, Message.content).where(Message.channel_id == channel_id, Message.id < answer_id)
        before = (await connection.execute(there.order_by(Message.id.desc()).limit(MOST_READ))).all()
        starter = (await connection.execute(select(Message.id, Message.content).where(Message.id == channel_id))).all()
        texts |= {row.id: row.content for row in [*before, *starter]}  # a thread has the id of its first message
    return texts


async def _summarized(connection: AsyncConnection, read: list[int], answer: str) -> Texts:
    """The messages behind a summary, if the answer repeats something of it."""
    newest = select(Summary.id, Summary.text).where(Summary.upto_id.in_(read)).order_by(Summary.upto_id.desc()).limit(1)
    summary = (await connection.execute(newest)).one_or_none()
    if summary is None or not quoted(answer, {0: summary.text}):
        return {}
    sources = (
        select(Message.id, Message.content)
        .join_from(SummarySource, Message, Message.id == SummarySource.message_id)
        .where(SummarySource.summary_id == summary.id)
    )
    return {row.id: row.content for row in (await connection.execute(sources)).all()}
