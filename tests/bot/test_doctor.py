"""Each finding seen once: against a real playground, a real database, real sockets and the scripted engine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import discord
import pytest
from pydantic import SecretStr
from rich.console import Console

from bot.app import engine_for, point_discord_at
from bot.config import Secrets, Settings
from bot.doctor import (
    Finding,
    database_findings,
    engine_findings,
    examine,
    place_findings,
    port_finding,
    print_findings,
    token_findings,
)
from llm.config import LLMSettings, WorkerSettings
from storage.config import StorageSettings
from storage.database import Database
from tests.fakes import ScriptedEngine, raw
from tests.ports import free_port


def at(subject: str, findings: list[Finding]) -> Finding:
    return next(finding for finding in findings if finding.subject == subject)


@pytest.fixture
async def playground(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A playground of its own, to which discord.py points for the length of the test."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "playground", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    for holder, name in (
        (discord.http.Route, "BASE"),
        (discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY"),
        (discord.asset.Asset, "BASE"),
    ):
        monkeypatch.setattr(holder, name, getattr(holder, name))  # so that it is put back afterwards
    point_discord_at(url)
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(30):
            while not await _answers(session, f"{url}/health"):  # noqa: ASYNC110 - another process: nothing to subscribe to
                await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_without_a_token_it_says_where_to_get_one() -> None:
    (finding,) = await token_findings(Secrets())
    assert finding.level == "warning"
    assert ".env" in finding.mend


async def test_token_intents_invitation_and_permissions(playground: str) -> None:
    findings = await token_findings(Secrets(discord_token=SecretStr("any")))
    assert at("token", findings).level == "ok"
    assert at("intents", findings).level == "ok"
    assert "permissions=" in at("invite", findings).text
    guild = at("Steward Playground", findings)
    assert guild.level in ("ok", "warning")
    assert "channel" in guild.text or "#" in guild.text
    mirrors = at("Steward Playground, mirrors", findings)
    assert mirrors.level == "ok" and "#general" in mirrors.text


async def test_an_unreachable_engine_of_the_owner_is_a_problem() -> None:
    settings = Settings(llm=LLMSettings(base_url=f"http://127.0.0.1:{free_port()}/v1"))
    async with engine_for(settings, Secrets()) as engine:
        (finding,) = await engine_findings(engine, settings)
    assert finding.level == "problem"
    assert "base_url" in finding.mend


async def test_a_worker_that_does_not_run_is_no_problem() -> None:
    settings = Settings(worker=WorkerSettings(port=free_port()))
    async with engine_for(settings, Secrets()) as engine:
        (finding,) = await engine_findings(engine, settings)
    assert finding.level == "ok"
    assert "steward run" in finding.text


async def test_a_ready_engine_names_its_model(engine: ScriptedEngine) -> None:
    settings = Settings(llm=LLMSettings(base_url=engine.base_url))
    async with engine_for(settings, Secrets()) as client:
        (finding,) = await engine_findings(client, settings)
    assert finding.level == "ok"
    assert (await client.model()).id in finding.text


async def test_a_model_that_wants_what_the_worker_has_not(engine: ScriptedEngine) -> None:
    entry = {"id": "own", "owned_by": "steward", "max_model_len": 2048, "ignored": {"repetition_penalty": 1.1}}
    engine.listing = raw({"data": [entry]})
    settings = Settings(llm=LLMSettings(base_url=engine.base_url))
    async with engine_for(settings, Secrets()) as client:
        _, finding = await engine_findings(client, settings)
    assert (finding.level, "repetition_penalty=1.1" in finding.text) == ("warning", True)


async def test_an_engine_that_refuses_the_key_says_where_it_belongs(engine: ScriptedEngine) -> None:
    engine.token = "right"
    settings = Settings(llm=LLMSettings(base_url=engine.base_url))
    async with engine_for(settings, Secrets(worker_token=SecretStr("wrong"))) as client:
        (finding,) = await engine_findings(client, settings)
    assert (finding.level, "wrong token" in finding.text) == ("problem", True)
    assert "STEWARD_WORKER_TOKEN" in finding.mend


async def test_another_engine_says_what_is_estimated_and_what_was_chosen_by_itself(engine: ScriptedEngine) -> None:
    engine.has_tokenize = False
    engine.listing = raw({"data": [{"id": "first", "owned_by": "library"}, {"id": "second", "owned_by": "library"}]})
    settings = Settings(llm=LLMSettings(base_url=engine.base_url))
    async with engine_for(settings, Secrets()) as client:
        served, model = await engine_findings(client, settings)
    assert "first" in served.text and "estimated" in served.text
    assert (model.level, "second" in model.mend) == ("warning", True)


def test_an_engine_elsewhere_is_said_and_an_unencrypted_one_is_a_problem() -> None:
    assert place_findings(Settings(llm=LLMSettings(base_url="http://192.168.1.20:8000/v1"))) == []
    (told,) = place_findings(Settings(llm=LLMSettings(base_url="https://api.example.com/v1")))
    assert (told.level, "api.example.com" in told.text) == ("ok", True)
    told, unencrypted = place_findings(Settings(llm=LLMSettings(tasks_url="http://api.example.com/v1")))
    assert (unencrypted.level, "https" in unencrypted.mend) == ("problem", True)


async def test_an_empty_database_is_told_to_upgrade_and_a_current_one_is_sound(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path}/x.sqlite3") as database:
        (before,) = await database_findings(database)
        await database.upgrade()
        (after,) = await database_findings(database)
    assert (before.level, before.mend.split(" (")[0]) == ("warning", "steward db upgrade")
    assert after.level == "ok"
    assert "0 messages" in after.text


async def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"no database at all " * 500)
    settings = Settings(
        storage=StorageSettings(url=f"sqlite:///{tmp_path}/x.sqlite3"), worker=WorkerSettings(port=free_port())
    )
    assert at("database", await examine(settings, Secrets())).level == "problem"


async def test_a_port_that_another_program_holds(engine: ScriptedEngine) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        taken = server.sockets[0].getsockname()[1]
        assert (await port_finding("worker", "127.0.0.1", taken, "worker.port")).level == "problem"
    assert (await port_finding("worker", "127.0.0.1", free_port(), "worker.port")).text == "Free for the worker."
    assert (
        "runs there"
        in (await port_finding("worker", "127.0.0.1", urlsplit(engine.base_url).port or 0, "worker.port")).text
    )


def test_what_is_printed_and_the_exit_status() -> None:
    page = StringIO()
    console = Console(file=page, width=200)
    assert print_findings([Finding("ok", "a", "[b] is fine")], console) == 0
    assert print_findings([Finding("problem", "c", "is broken", "mend it")], console) == 1
    assert "[b] is fine" in page.getvalue()
    assert "→ mend it" in page.getvalue()
