"""The bot's own process is killed in mid-answer: the next one settles what stands there. Nothing is doubled or lost."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.conversation.broken_off import STOPPED
from bot.conversation.rendering import small
from llm.config import LLMSettings
from storage.database import Database
from tests.bot.sockets import DEADLINE_S, ada_at, steward_at
from tests.bot.test_faults_over_sockets import FIRST, WHOLE, held, with_button
from tests.fakes import ScriptedEngine, reply

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(playground: str, engine: ScriptedEngine, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`steward bot`, connected; it is killed in the end."""
    chosen = {
        "STEWARD_LLM__BASE_URL": engine.base_url,
        "STEWARD_DATABASE_URL": f"sqlite:///{folder}/steward.sqlite3",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "bot", "bot", "--playground", playground]
    bot = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, **chosen}, stderr=asyncio.subprocess.PIPE
    )
    assert bot.stderr is not None
    try:
        async with asyncio.timeout(2 * DEADLINE_S):
            while b"connected to Discord" not in (line := await bot.stderr.readline()):
                assert line, "it ended"
        yield bot
    finally:
        if bot.returncode is None:
            bot.kill()
        await bot.wait()


async def test_killed_in_mid_answer(
    playground: str, engine: ScriptedEngine, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = LLMSettings(first_token_timeout_s=DEADLINE_S, token_timeout_s=DEADLINE_S)
    async with ada_at(playground) as ada:
        (ada.channel,) = await ada.opens("killed")
        held(engine)
        async with process(playground, engine, tmp_path) as bot:
            question = await ada.ask("hello")
            await ada.reads(question, FIRST)
            last = await ada.say("bees dance")
            bot.kill()
        async with steward_at(playground, engine.base_url, database, limits, monkeypatch):
            await ada.reads(question, f"{FIRST}\n{small(STOPPED)}")
            engine.enqueue(reply(WHOLE), reply("They do."))
            await ada.press(await with_button(ada, question, ada.channel, "Retry"), "Retry")
            await ada.reads(question, WHOLE)
            await ada.reads(await ada.ask("do they?", reply_to=last), "They do.")
            assert engine.requests[-1].texts[-1] == "Ada: bees dance\nAda: do they?"
