"""What the tests of the client ask, and clients with settings of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llm.client import LLMClient
from llm.config import LLMSettings
from llm.types import ChatMessage, Sampling
from tests.fakes import ScriptedEngine

QUESTION = [ChatMessage("system", "Be kind."), ChatMessage("user", "which colour do I like?", name="Ada")]
PROMPT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Ada: which colour do I like?"}]
SAMPLING = Sampling(max_tokens=64)


@asynccontextmanager
async def client_with(engine: ScriptedEngine, **settings: object) -> AsyncIterator[LLMClient]:
    async with LLMClient(LLMSettings.model_validate(settings), engine.base_url) as client:
        yield client
