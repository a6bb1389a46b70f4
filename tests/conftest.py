"""Fixtures that every room shares."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from storage.database import Database
from tests.fakes import ScriptedEngine

REPOSITORY = Path(__file__).resolve().parent.parent

# One thread of torch in each process, read when torch is imported: with models this small, threads only wait for
# each other, and pytest-xdist fills the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def material() -> Path:
    """The folder of real material (see its README); a user's fresh clone does not have it, and then the test skips."""
    folder = Path(os.environ.get("STEWARD_DATA") or REPOSITORY.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"real material is absent: {folder} (set STEWARD_DATA)")
    return folder


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Puts an upgraded, empty SQLite database at a path: a copy of one for which all migrations ran."""
    first = tmp_path_factory.mktemp("upgraded") / "steward.sqlite3"

    async def make() -> None:
        async with Database(f"sqlite:///{first}") as database:
            await database.upgrade()

    asyncio.run(make())
    return lambda path: Path(shutil.copy(first, path))


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    """A chat engine that answers what the test has enqueued; it poses as our own worker."""
    async with ScriptedEngine() as scripted:
        yield scripted
