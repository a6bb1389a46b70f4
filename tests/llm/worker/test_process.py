"""`python -m llm.worker` as a process: its flags, its refusals, its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from llm.config import WorkerSettings
from tests.llm.worker.running import until

ROOT = Path(__file__).resolve().parents[3]
START_S = 180.0


@contextmanager
def process(*arguments: str, token: str | None = None) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}
    environment.pop("STEWARD_WORKER_TOKEN", None)
    if token is not None:
        environment["STEWARD_WORKER_TOKEN"] = token
    command = [sys.executable, "-m", "llm.worker", *arguments]
    worker = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def refusal(*arguments: str, token: str | None = None) -> str:
    """The one line on stderr of a worker that ends with exit code 2."""
    with process(*arguments, token=token) as worker:
        _, errors = worker.communicate(timeout=START_S)
        assert worker.returncode == 2, errors
        assert len(errors.strip().splitlines()) == 1, errors
        return errors.strip()


def url_of(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    for line in worker.stdout:
        if found := re.search(r"url=(http://\S+)", line):
            return found[1]
    raise AssertionError(f"the worker ended with {worker.wait()}")


def test_unknown_folder() -> None:
    assert "/no/such/model" in refusal("--model", "/no/such/model", "--port", "0")


def test_broken_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert str(tmp_path) in refusal("--model", str(tmp_path), "--port", "0")


def test_unknown_hub_model() -> None:
    assert "nobody/nothing" in refusal("--model", "nobody/nothing", "--port", "0")


def test_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refusal("--model", "none", "--port", str(port))


def test_the_second_worker_on_a_port_says_so_and_the_first_goes_on() -> None:
    with process("--model", "none", "--port", "0") as first:
        url = url_of(first)
        refused = refusal("--model", "none", "--port", url.rsplit(":", 1)[1])
        assert "is another worker running?" in refused
        assert httpx.get(f"{url}/health").json()["status"] in ("loading", "ready")


def test_an_open_address_needs_a_token() -> None:
    assert "STEWARD_WORKER_TOKEN" in refusal("--model", "none", "--host", "0.0.0.0", "--port", "0")


def test_a_wrong_value_names_its_flag() -> None:
    assert "--page-size" in refusal("--model", "none", "--page-size", "0")


def test_every_setting_has_its_flag() -> None:
    with process("--help") as worker:
        text, _ = worker.communicate(timeout=START_S)
    for name in WorkerSettings.model_fields:
        assert f"--{name.replace('_', '-')}" in text


def test_it_answers_while_loading_and_ends_in_order(bytes_folder: Path) -> None:
    # Long enough to finish on a busy machine: what is tested is that a running answer may end, not how soon.
    patient = ("--drain-s", "120")
    with process("--model", str(bytes_folder), "--port", "0", "--host", "0.0.0.0", *patient, token="t") as worker:
        url = url_of(worker).replace("0.0.0.0", "127.0.0.1")
        with httpx.Client(base_url=url, headers={"Authorization": "Bearer t"}, timeout=30) as client:
            loading = client.get("/health")
            assert (loading.status_code, loading.json()["status"]) == (503, "loading")
            body = {"model": str(bytes_folder), "messages": [{"role": "user", "content": "hi"}], "max_tokens": 200}
            early = client.post("/v1/chat/completions", json=body)
            assert (early.status_code, early.json()["error"]["code"]) == (503, "not_ready")
            assert int(early.headers["Retry-After"]) >= 1
            until(lambda: client.get("/health").status_code == 200, START_S)
            asked, endless = {**body, "stream": True}, {**body, "stream": True, "max_tokens": 2000}
            with client.stream("POST", "/v1/chat/completions", json=asked) as response:
                with client.stream("POST", "/v1/chat/completions", json=endless):  # given up when it has been checked
                    worker.send_signal(signal.SIGTERM)
                    until(lambda: client.get("/health").status_code == 503)
                    late = client.post("/v1/chat/completions", json=body)
                    assert (late.status_code, "shutting down" in late.text) == (503, True)
                    assert int(late.headers["Retry-After"]) >= 1
                assert [line for line in response.iter_lines() if line][-1] == "data: [DONE]"
        assert worker.wait(START_S) == 0


def test_sigterm_while_loading(bytes_folder: Path) -> None:
    with process("--model", str(bytes_folder), "--port", "0") as worker:
        url_of(worker)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(START_S) == 0


def test_sigterm_ends_what_would_not_end_by_itself(bytes_folder: Path) -> None:
    with process("--model", str(bytes_folder), "--port", "0", "--drain-s", "0", "--max-running", "1") as worker:
        with httpx.Client(base_url=url_of(worker), timeout=60) as client:
            until(lambda: client.get("/health").status_code == 200, START_S)
            body = {"model": str(bytes_folder), "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2000}
            with (
                client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as running,
                client.stream("POST", "/v1/chat/completions", json={**body, "stream": True}) as waiting,
            ):
                worker.send_signal(signal.SIGTERM)
                for response in (running, waiting):
                    assert '"error"' in response.read().decode()
        output, errors = worker.communicate(timeout=START_S)
        assert (worker.returncode, errors) == (0, "")
        assert "Traceback" not in output
