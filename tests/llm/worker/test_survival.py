"""The worker survives: a request that breaks the engine, a step that hangs, a killed process, clients that vanish."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from structlog.testing import capture_logs

from bot.supervisor import Backoff, Supervisor
from llm.config import WorkerSettings
from llm.worker import rebuilding
from tests.llm.worker.running import Worker, running
from tests.llm.worker.running import until as until_there
from tests.llm.worker.sabotage import HANG, sabotage
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
BREAK, BREAK_ID = "\x02", 190
START_S = 150.0
CHATS = "/v1/chat/completions"


def breaks(ids: torch.Tensor) -> None:
    if bool((ids == BREAK_ID).any()):
        raise RuntimeError("the sabotage")


def model_of(worker: Worker) -> torch.nn.Module:
    assert worker.serving.chat is not None
    model: torch.nn.Module = worker.serving.chat.loaded.model
    return model


def test_a_request_that_breaks_the_engine_fails_alone(bytes_folder: Path) -> None:
    with running(WorkerSettings(model=str(bytes_folder), device="cpu")) as worker:
        body = worker.body("hello", stream=True, max_tokens=100, temperature=0)
        whole = worker.client.post(CHATS, json=body).text.splitlines()
        with sabotage(model_of(worker), breaks), worker.client.stream("POST", CHATS, json=body) as response:
            lines = response.iter_lines()
            begin = [next(lines) for _ in range(6)]
            refused = worker.ask(say=f"a{BREAK}b", max_tokens=5)
            assert (refused.status_code, refused.json()["error"]["code"]) == (500, "generation_failed")
            assert "the sabotage" in refused.json()["error"]["message"]
            rest = list(lines)
        assert content(begin + rest) == content(whole) != ""
        assert worker.client.get("/health").status_code == 200
        assert "steward_engine_rebuilds_total 2.0" in worker.client.get("/metrics").text
        assert worker.fatal == []


def content(lines: Iterable[str]) -> str:
    """What a stream of server-sent events says."""
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def test_an_engine_that_cannot_be_saved_is_dead_with_the_reason(
    bytes_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "MAX_FAILURES", 0)
    with running(WorkerSettings(model=str(bytes_folder), device="cpu")) as worker:
        with sabotage(model_of(worker), breaks):
            assert "the sabotage" in worker.ask(say=BREAK).text
        until_there(lambda: worker.fatal != [])
        assert worker.fatal[0][0] == 1
        health = worker.client.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "dead")
        assert "the sabotage" in health.json()["reason"]
        refused = worker.ask()
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_dead")


@asynccontextmanager
async def supervised(folder: Path, more: str = "") -> AsyncIterator[tuple[Supervisor, httpx.AsyncClient]]:
    """A real worker process that can be hung, kept alive by a real supervisor."""
    port = free_port()
    flags = ["--model", str(folder), "--port", str(port), *f"--device cpu --embeddings none {more}".split()]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.llm.worker.sabotage", *flags]
    supervisor = Supervisor("worker", command, environment, Backoff(first_s=0.05))
    task = asyncio.create_task(supervisor.run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=START_S) as client:
        try:
            yield supervisor, client
        finally:
            task.cancel()
            await asyncio.wait([task])


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(START_S):
        while not await condition():  # noqa: ASYNC110 - another process: nothing to subscribe to
            await asyncio.sleep(0.02)


async def ready(client: httpx.AsyncClient) -> None:
    async def is_ready() -> bool:
        try:
            return (await client.get("/health")).status_code == 200
        except httpx.TransportError:
            return False

    await eventually(is_ready)


async def idle(client: httpx.AsyncClient) -> None:
    """Wait until nothing runs and no block of the cache is in use."""

    async def is_idle() -> bool:
        figures = (await client.get("/metrics")).text.splitlines()
        return {"steward_running 0.0", "steward_cache_used_ratio 0.0"} <= set(figures)

    await eventually(is_idle)


def body(model: Path, say: str) -> dict[str, Any]:
    return {
        "model": str(model),
        "messages": [{"role": "user", "content": say}],
        "stream": True,
        "max_tokens": 1000,
    }


async def test_a_hung_step_ends_the_process_which_is_started_again(bytes_folder: Path) -> None:
    with capture_logs() as logs:
        async with supervised(bytes_folder, "--token-timeout-s 4") as (supervisor, client):
            await ready(client)
            hung = await client.post(CHATS, json=body(bytes_folder, f"a{HANG}b"))
            assert "generation_failed" in hung.text and "[DONE]" not in hung.text
            await until(lambda: supervisor.restarts > 0, START_S)
        assert "exit status 3" in [entry.get("cause") for entry in logs]


async def test_vanished_clients_and_kill_9(bytes_folder: Path) -> None:
    with capture_logs() as logs:
        async with supervised(bytes_folder) as (supervisor, client):
            await ready(client)
            for _ in range(5):
                async with client.stream("POST", CHATS, json=body(bytes_folder, "hello")) as response:
                    await anext(response.aiter_lines())
            await idle(client)
            assert supervisor.pid is not None
            async with client.stream("POST", CHATS, json=body(bytes_folder, "hello")) as response:
                lines = response.aiter_lines()
                await anext(lines)
                os.kill(supervisor.pid, signal.SIGKILL)
                with pytest.raises(httpx.TransportError):
                    async for _ in lines:
                        pass
            await until(lambda: supervisor.restarts == 1, START_S)
        assert "signal SIGKILL" in [entry.get("cause") for entry in logs]
