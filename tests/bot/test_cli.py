from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.config import PlaygroundSettings, TasksSettings
from bot.processes import local_url, models_command, playground_command, worker_command
from llm.config import WorkerSettings
from tests.conftest import REPOSITORY


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DISCORD_TOKEN", "STEWARD_DATA", "STEWARD_DATABASE_URL", "STEWARD_WORKER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def steward(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=typed)


@pytest.mark.parametrize("module", ["bot.cli", "bot.app", "bot.doctor"])
def test_the_bot_leaves_torch_out(module: str) -> None:
    code = f"import {module}, sys; sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'sklearn')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_every_command_of_the_interface_is_there() -> None:
    text = steward("--help").output
    for name in ("run", "bot", "worker", "playground", "chat", "doctor", "db", "models", "eval", "bench", "train"):
        assert f" {name} " in text


def test_the_database_is_made_checked_and_purged() -> None:
    upgraded = steward("db", "upgrade")
    assert upgraded.exit_code == 0, upgraded.output
    assert Path("data/playground/steward.sqlite3").is_file()
    checked = steward("db", "check")
    assert checked.exit_code == 0
    assert "Sound" in checked.output
    refused = steward("db", "purge", "--days", "30", typed="n\n")
    assert refused.exit_code == 1
    purged = steward("db", "purge", "--days", "30", "--yes")
    assert purged.exit_code == 0
    assert "messages: 0 deleted" in purged.output


def test_a_broken_database_is_a_sentence_and_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("broken.sqlite3").write_bytes(b"this is no database, it only has the name of one" * 100)
    monkeypatch.setenv("STEWARD_DATABASE_URL", "sqlite:///broken.sqlite3")
    result = steward("db", "upgrade")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_bad_setting_ends_with_status_2() -> None:
    Path("steward.toml").write_text("[bot]\nguids = [1]\n")
    result = steward("doctor")
    assert result.exit_code == 2


def test_the_bot_alone_needs_a_token_or_a_playground() -> None:
    assert steward("bot").exit_code == 2


@pytest.mark.parametrize(
    ("command", "known"), [("eval", "Known: chat,"), ("train", "Known: chat,"), ("bench", "worker_throughput")]
)
def test_an_unknown_name_is_answered_with_the_known_ones(command: str, known: str) -> None:
    result = steward(command, "nothing")
    assert result.exit_code == 2
    assert known in result.output


def test_the_worker_command_line_says_every_setting() -> None:
    command = worker_command(WorkerSettings(model="a/b", port=9000), TasksSettings(harmless_labels=["a", "b"]))
    assert command[:3] == [sys.executable, "-m", "llm.worker"]
    pairs = list(zip(command[3::2], command[4::2], strict=True))
    flags = dict(pairs)
    assert flags["--model"] == "a/b"
    assert flags["--port"] == "9000"
    assert flags["--max-batch-tokens"] == "512"
    assert flags["--entities"] == ""
    assert [value for flag, value in pairs if flag == "--harmless-labels"] == ["a", "b"]
    assert "--summary-items" not in flags


def test_the_models_command_line_says_whose_code_may_run() -> None:
    command = models_command(WorkerSettings(trust_remote_code=["a/b"]), "fit", "a/b")
    assert command[1:] == ["-m", "llm.worker.models", "fit", "a/b", "--trust-remote-code", "a/b"]


def test_the_playground_command_line_names_its_state(tmp_path: Path) -> None:
    command = playground_command(PlaygroundSettings(state=tmp_path / "x"))
    assert command[-2:] == ["--state", str(tmp_path / "x")]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("::", "http://[::1]:1"),
        ("::1", "http://[::1]:1"),
        ("worker", "http://worker:1"),
    ],
)
def test_where_a_server_on_this_machine_is_reached(host: str, url: str) -> None:
    assert local_url(host, 1) == url
