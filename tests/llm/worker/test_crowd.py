"""More requests than places: the queue, its end, and clients that leave."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.llm.worker.running import Worker, until

LONG = 1900  # tokens: more than any of these tests lets it say


@contextmanager
def streaming(worker: Worker, **fields: object) -> Iterator[Iterator[str]]:
    """An open stream; leaving the block closes the connection, whatever is still to come."""
    body = worker.body("hello", stream=True, max_tokens=LONG, temperature=1.0, **fields)
    with (
        httpx.Client(base_url=worker.url, timeout=60) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        assert response.status_code == 200
        yield (line.removeprefix("data: ") for line in response.iter_lines() if line)


@contextmanager
def crowded(worker: Worker) -> Iterator[None]:
    """Both places taken and both waiting places too."""
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(streaming(worker))
        until(lambda: worker.queue()["running"] == 2 and sum(worker.queue()["waiting"].values()) == 2)
        yield
    idle(worker)


def idle(worker: Worker) -> None:
    """Wait until nothing runs, waits or holds cache any more."""
    chat = worker.serving.chat
    assert chat is not None
    until(lambda: worker.queue()["running"] == 0 and sum(worker.queue()["waiting"].values()) == 0)
    until(lambda: chat.engine.stats().running == 0 and chat.engine.stats().cache_used == 0.0)


@pytest.fixture(autouse=True)
def _starts_idle(bytes_worker: Worker) -> None:
    idle(bytes_worker)


def test_a_client_that_leaves_its_stream_frees_everything(bytes_worker: Worker) -> None:
    with streaming(bytes_worker) as lines:
        next(lines)
        until(lambda: bytes_worker.queue()["running"] == 1)
    idle(bytes_worker)


def test_a_client_that_leaves_its_plain_request_frees_everything(bytes_worker: Worker) -> None:
    host, port = bytes_worker.url.removeprefix("http://").split(":")
    body = json.dumps(bytes_worker.body("hello", max_tokens=LONG, temperature=1.0))
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}\r\n\r\n{body}".encode())
        until(lambda: bytes_worker.queue()["running"] == 1)
    idle(bytes_worker)


def test_clients_that_leave_the_queue_free_their_places(bytes_worker: Worker) -> None:
    with crowded(bytes_worker):
        pass
    assert bytes_worker.ask(max_tokens=2).status_code == 200


def test_full_is_429_with_a_time_to_come_back(bytes_worker: Worker) -> None:
    with crowded(bytes_worker):
        refused = bytes_worker.ask(max_tokens=2)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        assert int(refused.headers["Retry-After"]) >= 1


def test_the_place_in_the_queue_is_shown_to_who_asks(bytes_worker: Worker) -> None:
    with ExitStack() as stack:
        first = [stack.enter_context(ExitStack()) for _ in range(2)]
        for held in first:
            held.enter_context(streaming(bytes_worker))
        until(lambda: bytes_worker.queue()["running"] == 2)
        lines = stack.enter_context(streaming(bytes_worker, stream_options={"include_queue": True}))
        assert json.loads(next(lines))["choices"][0]["delta"]["role"] == "assistant"
        waiting = json.loads(next(lines))
        assert waiting["choices"] == []
        assert waiting["queue"]["position"] == 0 and waiting["queue"]["eta_s"] > 0
        first[0].close()
        assert json.loads(next(lines))["choices"][0]["delta"]["content"]


def test_the_more_urgent_goes_first(bytes_worker: Worker) -> None:
    with ExitStack() as stack:
        held = stack.enter_context(ExitStack())
        held.enter_context(streaming(bytes_worker))
        stack.enter_context(streaming(bytes_worker))
        until(lambda: bytes_worker.queue()["running"] == 2)
        late = stack.enter_context(streaming(bytes_worker, priority="background"))
        until(lambda: bytes_worker.queue()["waiting"]["background"] == 1)
        stack.enter_context(streaming(bytes_worker, priority="interactive"))
        until(lambda: bytes_worker.queue()["waiting"]["interactive"] == 1)
        held.close()
        until(lambda: bytes_worker.queue()["waiting"] == {"interactive": 0, "command": 0, "background": 1})
        next(late)
