"""Messages that were collected: together, soon, seen by whoever reads, and never lost but by a kill."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

import pytest
from sqlalchemy import event

from storage.database import Database
from storage.errors import BadRecord, DatabaseBusy
from storage.history import History, StoredMessage
from storage.intake import MOST_TOGETHER, Intake
from tests.storage.samples import CHANNEL, ids, message, thread
from tests.storage.test_concurrency import REPOSITORY
from tests.waiting import until


class Shelf:
    """Takes messages, or refuses: `failures` are raised by the next writes, ids in `bad` are never taken."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failures: list[Exception] = []
        self.bad: set[int] = set()
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def write(self, messages: Sequence[StoredMessage]) -> None:
        await self.may_write.wait()
        if self.failures:
            raise self.failures.pop(0)
        if self.bad & set(ids(messages)):
            raise BadRecord("refused")
        self.batches.append(ids(messages))

    @property
    def taken(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


def quick(shelf: Shelf) -> Intake:
    return Intake(shelf.write, write_after_s=0.001)


async def test_who_reads_sees_what_was_collected(history: History) -> None:
    await history.collect(thread(3))
    assert ids((await history.chain(3)).messages) == [1, 2, 3]
    await history.collect([message(4, 3)])
    assert ids(await history.recent(CHANNEL, 10)) == [1, 2, 3, 4]
    await history.collect([message(5, 4)])
    await history.delete([5])
    assert ids(await history.recent(CHANNEL, 10)) == [1, 2, 3, 4]


async def test_another_reader_of_the_same_database_sees_it_too(database: Database) -> None:
    await History(database).collect([message(1)])
    assert ids(await History(database).recent(CHANNEL, 10)) == [1]


async def test_it_is_stored_without_anybody_asking(database: Database, history: History) -> None:
    await history.collect(thread(3))
    intake = database.intake(history.record)
    assert intake.waiting == 3
    await until(lambda: not intake.waiting)
    async with database.session(settled=False) as session:
        found = await (await session.connection()).exec_driver_sql("SELECT count(*) FROM messages")
        assert found.scalar_one() == 3


async def test_many_are_one_transaction(database: Database, history: History) -> None:
    begun: list[object] = []
    event.listen(database.engine.sync_engine, "commit", begun.append)
    for each in thread(300):
        await history.collect([each])
    assert len(await history.recent(CHANNEL, 1_000)) == 300
    assert len(begun) == 1


async def test_settings_do_not_hurry_it(database: Database, history: History) -> None:
    await history.collect([message(1)])
    await database.health()
    await database.revision()
    assert database.intake(history.record).waiting == 1


async def test_a_clean_end_loses_nothing(url: str) -> None:
    async with Database(url) as database:
        await database.upgrade()
        await History(database).collect(thread(5))
    async with Database(url) as database:
        assert len(await History(database).recent(CHANNEL, 10)) == 5


async def test_what_cannot_be_written_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.failures = [DatabaseBusy("locked"), DatabaseBusy("locked")]
    intake = quick(shelf)
    with caplog.at_level(logging.ERROR):
        await intake.collect([message(1)])
        await until(lambda: bool(caplog.records))
        await intake.collect([message(2)])
        await until(lambda: len(shelf.taken) == 2)
    assert shelf.taken == [1, 2]
    assert "1 messages wait to be stored" in caplog.text
    assert "text 1" not in caplog.text


async def test_who_reads_is_told_when_it_cannot_be_written() -> None:
    shelf = Shelf()
    shelf.failures = [DatabaseBusy("locked")]
    intake = Intake(shelf.write)
    await intake.collect([message(1)])
    with pytest.raises(DatabaseBusy):
        await intake.settle()
    await intake.close()
    assert shelf.taken == [1]


async def test_it_is_bounded() -> None:
    shelf = Shelf()
    intake = Intake(shelf.write, most_waiting=3)
    await intake.collect([message(1), message(2)])
    shelf.failures = [DatabaseBusy("locked")]
    with pytest.raises(DatabaseBusy):
        await intake.collect([message(3), message(4)])
    assert (intake.waiting, shelf.taken) == (2, [])
    await intake.collect([message(3), message(4)])
    assert shelf.taken == [1, 2]
    await intake.close()


async def test_those_who_wait_for_room_are_written_together() -> None:
    shelf = Shelf()
    intake = Intake(shelf.write, most_waiting=20)
    shelf.may_write.clear()
    flood = [asyncio.create_task(intake.collect([message(number)])) for number in range(1, 101)]
    await until(lambda: intake.waiting == 40)  # as many again as are in hand
    shelf.may_write.set()
    await asyncio.gather(*flood)
    await intake.close()
    assert sorted(shelf.taken) == list(range(1, 101)) and len(shelf.batches) <= 6


async def test_many_are_not_left_to_wait() -> None:
    shelf = Shelf()
    intake = Intake(shelf.write, write_after_s=600)
    await intake.collect(thread(MOST_TOGETHER - 1))
    await asyncio.sleep(0)
    await intake.collect([message(MOST_TOGETHER)])
    await until(lambda: not intake.waiting)
    assert len(shelf.taken) == MOST_TOGETHER
    await intake.close()


async def test_one_that_can_never_be_stored_does_not_hold_the_others(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.bad = {3, 8}
    intake = Intake(shelf.write)
    await intake.collect(thread(9))
    await intake.close()
    assert shelf.taken == [1, 2, 4, 5, 6, 7, 9]
    assert [record.message for record in caplog.records] == ["a message can never be stored: refused"] * 2


async def test_a_reader_that_is_cancelled_gives_its_batch_back() -> None:
    shelf = Shelf()
    shelf.may_write.clear()
    intake = Intake(shelf.write, write_after_s=600)
    await intake.collect(thread(2))
    reader = asyncio.create_task(intake.settle())
    await asyncio.sleep(0)
    await intake.collect([message(3)])
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    shelf.may_write.set()
    await intake.close()
    assert shelf.taken == [1, 2, 3]


async def test_a_database_refuses_one_and_keeps_the_rest(history: History, caplog: pytest.LogCaptureFixture) -> None:
    await history.collect([message(1), message(2**63, content="secret words"), message(2)])
    assert ids(await history.recent(CHANNEL, 10)) == [1, 2]
    assert "can never be stored" in caplog.text
    assert "secret words" not in caplog.text


async def test_a_kill_takes_only_the_newest(database: Database, history: History, url: str) -> None:
    """What is stored is everything up to some message: no holes, and a database that is sound."""
    command = (sys.executable, "-m", "tests.storage.writer", url, "collect")
    process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    collected = 0
    while not await history.recent(CHANNEL, 1):
        await process.stdout.readline()
        collected += 1
    process.send_signal(signal.SIGKILL)
    said = await process.stdout.read()
    await process.wait()
    stored = ids(await history.recent(CHANNEL, 10**6))
    assert stored == list(range(1, len(stored) + 1))
    assert len(stored) <= collected + said.count(b"\n") + 1
    assert (await database.check()).problems == []
