"""More requests than places: the queue, its end, and clients that leave."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from llm.config import WorkerSettings
from tests.llm.worker.running import Worker, running, until

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


def figure(worker: Worker, name: str) -> float:
    """One value of /metrics; 0 for what was never counted."""
    lines = worker.client.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


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


def test_the_place_in_the_queue_is_told_anew_when_it_changes(bytes_worker: Worker) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(streaming(bytes_worker))
        until(lambda: bytes_worker.queue()["running"] == 2)
        before = stack.enter_context(ExitStack())
        before.enter_context(streaming(bytes_worker))
        until(lambda: sum(bytes_worker.queue()["waiting"].values()) == 1)
        lines = stack.enter_context(streaming(bytes_worker, stream_options={"include_queue": True}))
        next(lines)
        assert json.loads(next(lines))["queue"]["position"] == 1
        before.close()
        assert json.loads(next(lines))["queue"]["position"] == 0


def test_the_queue_as_others_see_it(bytes_worker: Worker) -> None:
    nobody = {"interactive": 0, "command": 0, "background": 0}
    assert bytes_worker.queue() == {"waiting": nobody, "running": 0, "eta_s": 0.0}
    with crowded(bytes_worker):
        queue = bytes_worker.queue()
        assert queue["waiting"] == {**nobody, "interactive": 2}
        assert queue["running"] == 2
        assert queue["eta_s"] > 0


def test_waiting_and_refusals_are_counted(bytes_worker: Worker) -> None:
    refusals, waits = 'steward_requests_refused_total{code="queue_full",status="429"}', "steward_queue_seconds_count"
    before = figure(bytes_worker, refusals)
    with crowded(bytes_worker):
        bytes_worker.ask(max_tokens=2)
    assert figure(bytes_worker, refusals) == before + 1
    waited = figure(bytes_worker, waits + '{priority="command"}')
    assert bytes_worker.ask(max_tokens=2, priority="command").status_code == 200
    assert figure(bytes_worker, waits + '{priority="command"}') == waited + 1


def test_a_server_that_floods_leaves_a_place_for_the_next_one(bytes_folder: Path) -> None:
    settings = WorkerSettings(model=str(bytes_folder), device="cpu", max_running=1, max_waiting=12)
    with running(settings) as worker, ExitStack() as stack:
        for number in range(11):
            stack.enter_context(streaming(worker, user=f"flood/{number}"))
        until(lambda: sum(worker.queue()["waiting"].values()) == 10)
        stack.enter_context(streaming(worker, user="flood/11"))
        refused = worker.ask(user="flood/12")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
        assert "from this server" in refused.json()["error"]["message"]
        stack.enter_context(streaming(worker, user="quiet/1"))


@pytest.fixture(scope="module")
def hasty_worker(bytes_folder: Path) -> Iterator[Worker]:
    """Two requests at a time; nobody waits long, and none may take as long as it would like to."""
    settings = WorkerSettings(
        model=str(bytes_folder), device="cpu", max_running=2, queue_timeout_s=0.2, request_timeout_s=2.5
    )
    with running(settings) as worker:
        yield worker


def test_a_request_that_takes_too_long_is_ended_and_frees_everything(hasty_worker: Worker) -> None:
    with streaming(hasty_worker) as lines:
        refused = hasty_worker.ask(max_tokens=LONG, temperature=1.0)
        last = json.loads(list(lines)[-1])
    assert (refused.status_code, refused.json()["error"]["code"]) == (504, "deadline_exceeded")
    assert (last["error"]["type"], last["error"]["code"]) == ("timeout_error", "deadline_exceeded")
    idle(hasty_worker)
    assert hasty_worker.ask(max_tokens=1).status_code == 200


def test_who_waits_too_long_is_told_when_to_come_back(hasty_worker: Worker) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(streaming(hasty_worker))
        until(lambda: hasty_worker.queue()["running"] == 2)
        lines = stack.enter_context(streaming(hasty_worker))
        refused = hasty_worker.ask(max_tokens=1)
        last = json.loads(list(lines)[-1])
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "queue_timeout")
    assert int(refused.headers["Retry-After"]) >= 1
    assert last["error"]["code"] == "queue_timeout"
    idle(hasty_worker)


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
