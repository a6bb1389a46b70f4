"""Fixtures that every room shares."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    """A chat engine that answers what the test has enqueued; it poses as our own worker."""
    async with ScriptedEngine() as scripted:
        yield scripted
