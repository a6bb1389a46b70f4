"""Settings of the connection, the database's own examination, and what an owner reads when something is wrong."""

from __future__ import annotations

import sqlite3
import stat
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.database import Database
from storage.errors import DatabaseBusy, DatabaseCorrupt, DatabaseUnavailable, StorageError
from storage.history import History
from storage.retention import Retention
from tests.storage.samples import message, thread

SECRET = "the password of the vault is swordfish"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "steward.sqlite3"


def open_file(file: Path) -> Database:
    return Database(f"sqlite:///{file}")


async def test_sqlite_connections_are_set_up(sqlite_url: str) -> None:
    expected = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 10_000}
    async with Database(sqlite_url) as database, database.session() as session, database.session() as another:
        for each in (session, another):
            driver = await each.connection()
            found = {name: (await driver.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for name in expected}
            assert found == expected


async def test_the_folder_is_made_and_the_file_is_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "steward.sqlite3"
    async with open_file(file) as database:
        await database.upgrade()
        modes = {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == {0o600}


async def test_check(database: Database, history: History) -> None:
    await history.record(thread(3))
    report = await database.check()
    assert report.problems == []
    assert {name: count for name, count in report.rows.items() if count} == {
        "guilds": 1,
        "channels": 1,
        "people": 1,
        "messages": 3,
    }
    assert report.revision.current == report.revision.head
    await database.health()


@pytest.mark.parametrize("way", ["delete", "edit", "purge"])
async def test_what_is_deleted_is_gone_from_the_disk(file: Path, way: str) -> None:
    async with open_file(file) as database:
        await database.upgrade()
        history = History(database)
        await history.record([*thread(100), message(200, content=SECRET)])
        moment = message(300).created_at
        if way == "purge":
            await Retention(database).purge(moment)
            assert all(SECRET.encode() not in path.read_bytes() for path in file.parent.iterdir())
        else:
            await (history.delete([200]) if way == "delete" else history.edit(200, "-", moment))
    assert all(SECRET.encode() not in path.read_bytes() for path in file.parent.iterdir())


async def test_no_words_of_a_member_in_an_error(database: Database, history: History) -> None:
    """PostgreSQL quotes the whole row that it refuses."""
    await history.record([message(1, content=SECRET)])
    with pytest.raises(StorageError) as caught:
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE messages SET created_at = NULL")
    with pytest.raises(StorageError) as beyond:
        await history.record([message(2**63, content=SECRET)])
    for error in (caught.value, beyond.value):
        assert SECRET not in "".join(traceback.format_exception(error))


async def refusal(database: Database) -> str:
    with pytest.raises(DatabaseUnavailable) as caught:
        async with database:
            pass
    text = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in text
    return str(caught.value)


async def test_nobody_listens(unused_tcp_port: int) -> None:
    said = await refusal(Database(f"postgresql://me:hunter2@127.0.0.1:{unused_tcp_port}/db"))
    assert f"postgresql://me@127.0.0.1:{unused_tcp_port}/db cannot be used" in said


async def test_no_such_database_and_no_such_user(postgres_socket: str) -> None:
    nowhere = Database(f"postgresql://postgres:hunter2@/nowhere?host={postgres_socket}")
    assert 'database "nowhere" does not exist' in await refusal(nowhere)
    assert "nobody2" in await refusal(Database(f"postgresql://nobody2:hunter2@/postgres?host={postgres_socket}"))


async def test_a_path_that_cannot_be_a_file(tmp_path: Path) -> None:
    """No thread of the driver is left behind: it would speak to a loop that is closed by then."""
    before = set(threading.enumerate())
    assert f"{tmp_path} cannot be opened" in await refusal(open_file(tmp_path))
    assert set(threading.enumerate()) <= before
    (tmp_path / "taken").write_text("a file where a folder should be")
    assert "taken" in await refusal(open_file(tmp_path / "taken" / "steward.sqlite3"))


@pytest.fixture
def diary(file: Path) -> Iterator[Path]:
    """A file of somebody's own, which must stay as it is."""
    file.write_text("Dear diary, " * 500)
    yield file
    assert file.read_text() == "Dear diary, " * 500


async def test_a_file_that_is_no_database(diary: Path) -> None:
    with pytest.raises(DatabaseCorrupt, match=r"steward\.sqlite3 is not a SQLite database"):
        async with open_file(diary):
            pass


def damage(file: Path) -> None:
    """Overwrite the last third of the pages: what the tables hold comes after the tables' own."""
    content = bytearray(file.read_bytes())
    start = len(content) // 4096 * 2 // 3 * 4096
    content[start:] = b"\x5a" * (len(content) - start)
    file.write_bytes(content)


async def test_a_damaged_file(file: Path) -> None:
    async with open_file(file) as database:
        await database.upgrade()
        await History(database).record(thread(2_000))
    damage(file)
    async with open_file(file) as database:
        with pytest.raises(DatabaseCorrupt, match="damaged"):
            await History(database).chain(2_000, limit=2_000)
        with pytest.raises(DatabaseCorrupt, match="damaged"):
            await database.check()


async def test_a_file_that_another_program_keeps_locked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.BUSY_TIMEOUT_MS", 50)
    async with open_file(file) as database:
        await database.upgrade()
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusy, match="locked by another process"):
                await History(database).record([message(1)])
            assert (await History(database).chain(1)).missing == 1  # readers never wait
        await History(database).record([message(1)])
