"""LLMClient and a real peer: `transformers serve`, a process of its own, with the built-in model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from llm.builtin import EMBEDDED
from llm.client import LLMClient
from llm.config import LLMSettings
from llm.errors import EngineUnavailable, RequestRefused, StreamBroken
from llm.types import ChatMessage, Sampling
from tests.llm.worker.running import until
from tests.ports import free_port

MODEL = str(EMBEDDED / "chat")
HELLO = [ChatMessage("user", "hello, my name is Ada", name="Ada")]
START_S = 150.0
"""It imports torch and loads the model before it listens; a busy machine takes its time."""


@dataclass
class Peer:
    """One running server and the file that it logs to."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    http: httpx.Client

    def is_up(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"transformers serve ended: {self.log.read_text()[-2000:]}")
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    folder, port = tmp_path_factory.mktemp("peer"), free_port()
    command = [str(Path(sys.executable).with_name("transformers")), "serve", MODEL, "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder)}  # no cache: /v1/models is a 500 there
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--host", "127.0.0.1"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=2) as http:
            peer = Peer(url, process, log, http)
            until(peer.is_up, START_S)
            yield peer
    finally:
        process.kill()
        process.wait()


def client_of(peer: Peer, **settings: object) -> LLMClient:
    return LLMClient(LLMSettings.model_validate({"model": MODEL, "context_tokens": 1024, **settings}), peer.url)


@pytest.mark.timeout(START_S + 60)
async def test_configuration_alone_makes_it_answer(peer: Peer) -> None:
    async with client_of(peer) as client:
        assert (await client.health()).status == "ready"
        before = await client.count_tokens(HELLO)
        answer = await client.chat(HELLO, Sampling(32, temperature=0.0, top_k=5), priority="background", user="1/2")
        after = await client.count_tokens(HELLO)
    assert answer.text.strip() and answer.finish_reason == "stop"
    assert answer.usage is not None and answer.usage.completion_tokens <= 32
    assert (before.exact, after.exact) == (False, False)
    assert before.count > after.count >= answer.usage.prompt_tokens  # an upper estimate, corrected by the usage


async def test_an_answer_at_its_limit_says_so(peer: Peer) -> None:
    async with client_of(peer) as client:
        answer = await client.chat(HELLO, Sampling(2))
    assert answer.finish_reason == "length"


async def test_who_leaves_an_answer_leaves_the_peer_usable(peer: Peer) -> None:
    async with client_of(peer) as client:
        async with aclosing(client.stream_chat(HELLO, Sampling(200))) as events:
            assert (await anext(events)).text
        assert (await client.chat(HELLO, Sampling(8))).text


async def test_a_model_that_it_does_not_serve_is_a_refusal(peer: Peer) -> None:
    async with client_of(peer, model="somebody/else") as client:
        with pytest.raises(RequestRefused, match="pinned to"):
            await client.chat(HELLO, Sampling(8))


async def test_a_peer_that_is_killed_breaks_the_answer_and_is_then_away(peer: Peer) -> None:
    async with client_of(peer) as client:
        with pytest.raises(StreamBroken):
            async for _ in client.stream_chat(HELLO, Sampling(500, temperature=2.0)):
                peer.process.kill()
        with pytest.raises(EngineUnavailable):
            await client.chat(HELLO, Sampling(8))
