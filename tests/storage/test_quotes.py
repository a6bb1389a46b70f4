"""What an answer repeats is found among all that it can have been made from."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from storage.database import Database
from storage.history import History
from storage.models import Quote
from storage.summaries import RunningSummaries, RunningSummary
from tests.storage.planting import STEWARD, reply
from tests.storage.samples import CHANNEL, GUILD, message

THREAD = 50
SAID = "the vault opens with swordfish-4711"


async def links(database: Database) -> set[tuple[int, int]]:
    async with database.session() as session:
        return {(row.message_id, row.source_id) for row in await session.scalars(select(Quote))}


async def test_in_the_chain_by_any_of_its_parts(database: Database, history: History) -> None:
    await history.record(
        [
            message(1, content=SAID),
            message(2, 1, content="What a fine day it is."),
            message(3, 2, content="It is a fine day.", author=STEWARD),
            message(4, 3, content="By the way: swordfish-4711.", author=STEWARD),
            message(5, content=f"not in this chain: {SAID}"),
        ]
    )
    await history.record_reply(reply(3, 2))
    assert await links(database) == {(3, 2), (4, 1)}
    await history.record([message(3, 2, content="Nothing.", author=STEWARD)])
    await history.record_reply(reply(3, 2))
    assert await links(database) == {(4, 1)}


@pytest.mark.parametrize("guild", [GUILD, None])
async def test_in_a_thread_or_in_private_by_what_was_said_before(
    database: Database, history: History, guild: int | None
) -> None:
    await history.record_channel(THREAD, guild, "a thread", "public_thread" if guild else "private")
    there = {"channel_id": THREAD, "guild_id": guild}
    await history.record([message(THREAD, content=SAID), message(51, content=SAID, **there)])
    await history.record([message(52, **there), message(53, 52, content="swordfish-4711", author=STEWARD, **there)])
    await history.record([message(54, content=SAID, **there)])
    await history.record_reply(reply(53, 52))
    assert await links(database) == {(53, THREAD), (53, 51)}


async def test_by_way_of_a_summary(database: Database, history: History) -> None:
    await history.record([message(1, content=SAID), message(2, content="unrelated"), message(3)])
    await history.record([message(4, 3, content="It was swordfish-4711", author=STEWARD)])
    summary = RunningSummary(CHANNEL, 1, 3, f"They said: {SAID}", "m", frozenset({1, 2, 3}))
    await RunningSummaries(database).put(summary)
    await history.record_reply(reply(4, 3))
    assert await links(database) == {(4, 1)}


async def test_a_reply_that_is_not_stored(database: Database, history: History) -> None:
    await history.record_reply(reply(4, 3))
    assert await links(database) == set()
