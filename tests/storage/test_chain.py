"""A reply chain: one query, oldest first, whatever it meets on the way."""

from __future__ import annotations

from sqlalchemy import event

from storage.database import Database
from storage.history import Chain, History
from tests.storage.samples import CHANNEL, ids, message, thread


async def test_the_whole_chain_oldest_first(history: History) -> None:
    await history.record(thread(5))
    assert await history.chain(5) == Chain(thread(5))


async def test_a_branch_does_not_see_its_sister(history: History) -> None:
    await history.record([message(1), message(2, 1), message(3, 1), message(4, 2), message(5, 3), message(6)])
    assert ids((await history.chain(4)).messages) == [1, 2, 4]
    assert ids((await history.chain(5)).messages) == [1, 3, 5]


async def test_a_missing_parent_is_named(history: History) -> None:
    await history.record([message(3, 2), message(4, 3)])
    found = await history.chain(4)
    assert (ids(found.messages), found.missing, found.truncated) == ([3, 4], 2, False)
    await history.record([message(2, 1), message(1)])
    assert await history.chain(4) == Chain([message(1), message(2, 1), message(3, 2), message(4, 3)])


async def test_an_unknown_message_is_missing_itself(history: History) -> None:
    assert await history.chain(404) == Chain([], missing=404)


async def test_a_deleted_message_holds_the_chain(history: History) -> None:
    await history.record(thread(3))
    await history.delete([2])
    first, tombstone, last = (await history.chain(3)).messages
    assert (first.content, tombstone.content, last.content) == ("text 1", "", "text 3")
    assert tombstone.deleted_at is not None


async def test_a_chain_may_cross_channels(history: History) -> None:
    await history.record([message(1), message(2, 1, channel_id=CHANNEL + 1)])
    assert [m.channel_id for m in (await history.chain(2)).messages] == [CHANNEL, CHANNEL + 1]


async def test_circles_end(history: History) -> None:
    await history.record([message(1, 3), message(2, 1), message(3, 2), message(4, 4)])
    around = await history.chain(3)
    assert (ids(around.messages), around.missing) == ([1, 2, 3], None)
    itself = await history.chain(4)
    assert (ids(itself.messages), itself.missing) == ([4], None)


async def test_a_long_chain_is_cut_at_its_limit(history: History) -> None:
    await history.record(thread(5_000))
    found = await history.chain(5_000)
    assert ids(found.messages) == list(range(4_801, 5_001))
    assert (found.missing, found.truncated) == (None, True)
    everything = await history.chain(5_000, limit=5_000)
    assert ids(everything.messages) == list(range(1, 5_001))
    assert (everything.missing, everything.truncated) == (None, False)


async def test_a_chain_is_one_query(database: Database, history: History) -> None:
    await history.record(thread(50))
    asked: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", listen)
    await history.chain(50)
    selects = [statement for statement in asked if "SELECT" in statement]
    assert len(selects) == 1
