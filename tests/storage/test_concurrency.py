"""Many writers at once, and writers that die: nothing that was acknowledged is lost, nobody meets a locked database."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from storage.database import Database
from storage.history import History
from tests.storage.samples import CHANNEL, GUILD, ids, message, thread

REPOSITORY = Path(__file__).resolve().parents[2]


async def test_many_writers_and_readers_at_once(database: Database, history: History) -> None:
    writers = [history.record([message(number, number - 1 or None)]) for number in range(1, 301)]
    readers = [history.chain(number) for number in range(1, 301, 7)]
    await asyncio.gather(*writers, *readers)
    assert ids((await history.chain(300, limit=300)).messages) == list(range(1, 301))


async def test_several_processes_share_one_database(database: Database, url: str) -> None:
    """Each Database has its own lock and connections, as another process would."""
    async with Database(url) as second, Database(url) as third:
        await asyncio.gather(
            *(
                History(which).record([message(number)])
                for start, which in enumerate((database, second, third))
                for number in range(1 + start, 151, 3)
            )
        )
    assert len(await History(database).recent(CHANNEL, 1_000)) == 150


async def test_batches_that_overlap_do_not_wait_in_a_circle(history: History) -> None:
    """The same people, channels and messages in every order: on PostgreSQL each row is a lock."""
    order = random.Random(4)
    people = [message(n, channel_id=CHANNEL + n % 5, guild_id=GUILD + n % 5) for n in range(1, 41)]
    batches = [order.sample(people, len(people)) for _ in range(20)]
    places = [history.record_channel(CHANNEL + n % 5, GUILD + n % 5, f"room {n}", "text") for n in range(40)]
    await asyncio.gather(*(history.record(batch) for batch in batches), *places)
    assert len(await history.recent(CHANNEL, 100)) == 8


async def test_cancelled_writers_leave_no_lock_behind(history: History) -> None:
    order = random.Random(4)
    tasks = [asyncio.create_task(history.record([message(number)])) for number in range(1, 101)]
    for task in order.sample(tasks, 60):
        await asyncio.sleep(0)
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    kept = {number for number, result in enumerate(done, start=1) if result is None}
    await asyncio.gather(*(history.record([message(number)]) for number in range(101, 141)))
    stored = set(ids(await history.recent(CHANNEL, 1_000)))
    assert kept | set(range(101, 141)) <= stored


async def test_a_writer_that_fails_undoes_its_work(database: Database, history: History) -> None:
    with pytest.raises(LookupError):
        async with database.write() as connection:
            await connection.exec_driver_sql("INSERT INTO guilds (id, name) VALUES (1, 'half')")
            raise LookupError
    async with database.session() as session:
        found = await (await session.connection()).exec_driver_sql("SELECT id FROM guilds")
        assert found.all() == []


async def test_kill_in_mid_write(database: Database, history: History, url: str) -> None:
    command = (sys.executable, "-m", "tests.storage.writer", url)
    process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(150):
        await process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    said = await process.stdout.read()
    await process.wait()
    acknowledged = 150 + said.count(b"\n")
    stored = (await history.chain(acknowledged, limit=acknowledged)).messages
    assert stored == thread(acknowledged)
    assert (await database.check()).problems == []
