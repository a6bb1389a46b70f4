"""Fixtures for what talks to an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llm.client import LLMClient
from tests.fakes import ScriptedEngine
from tests.llm.asking import client_with


@pytest.fixture
async def client(engine: ScriptedEngine) -> AsyncIterator[LLMClient]:
    """A client of the scripted engine, with the settings as they come."""
    async with client_with(engine) as client:
        yield client
