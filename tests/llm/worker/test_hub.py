"""Downloads from a hub over real HTTP: what is fetched, resumed, refused; and the commands around it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner, Result

from bot.cli import app
from llm.worker import models
from llm.worker.checkpoint import Checkpoint, obtain, obtain_adapter, obtain_config
from llm.worker.errors import LoadError
from llm.worker.loader import load
from tests.conftest import REPOSITORY
from tests.llm.worker.hubs import COMMIT, FakeHub, etag, running_hub
from tests.llm.worker.running import make_llama, until
from tests.ports import free_port

MIB = 2**20
HALF = 12 * MIB  # huggingface_hub writes pieces of 10 MiB: less than this would leave nothing to resume
WEIGHTS = bytes(range(256)) * (24 * MIB // 256)
NAME = "owner/name"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with running_hub() as hub:
        hub.repositories[NAME] = {
            "config.json": b'{"model_type": "llama"}',
            "tokenizer.json": b"{}",
            "model.safetensors": WEIGHTS,
            "consolidated.safetensors": b"the same once more",
            "pytorch_model.bin": b"never asked for",
            "modeling_name.py": b"print('no')",
            "README.md": b"words",
        }
        yield hub


@pytest.fixture
def here(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process's own cache, filled from the fake hub."""
    hub.point_here(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(hub: FakeHub, cache: Path, *arguments: str) -> subprocess.Popen[str]:
    """`steward models …` in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "STEWARD_"))}
    environment = {**kept, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "COLUMNS": "200"}
    command = [sys.executable, "-m", "bot", "models", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=pipe, stderr=pipe, text=True)


def steward(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["models", *arguments], input=typed)


def quiet(_here: int, _total: int) -> None:
    """Nobody watches the progress."""


def rows(name: str) -> list[str]:
    """The lines of `steward models list` that begin with that name."""
    return [line for line in steward("list").output.splitlines() if line.strip("│ ").startswith(name)]


def pull() -> Path:
    return obtain(NAME, (), quiet).folder


def test_pull_fetches_what_is_needed_then_list_and_remove(hub: FakeHub, here: Path) -> None:
    out, err = (process := start(hub, here, "pull", NAME)).communicate(timeout=120)
    assert process.returncode == 0, err
    assert f"{NAME} is complete" in out
    folder = here / "models--owner--name" / "snapshots" / COMMIT
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    (row,) = rows(NAME)
    assert "hub cache" in row and "25.2 MB" in row and "incomplete" not in row
    assert steward("remove", NAME, typed="n\n").exit_code == 1 and folder.is_dir()
    assert "25.2 MB are free again" in steward("remove", NAME, "--yes").output
    assert rows(NAME) == []
    assert steward("remove", NAME, "--yes").exit_code == 2


def test_a_broken_connection_is_continued_at_once(hub: FakeHub, here: Path) -> None:
    hub.cut_once_after = HALF
    assert (pull() / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.downloads("model.safetensors") == ["", f"bytes={10 * MIB}-"]


def test_a_killed_pull_goes_on_where_it_stopped(hub: FakeHub, here: Path) -> None:
    hub.stop_after = HALF
    process = start(hub, here, "pull", NAME)
    blobs = here / "models--owner--name" / "blobs"
    until(lambda: any(path.stat().st_size == 10 * MIB for path in blobs.glob("*.partial")), 120)
    process.kill()
    process.communicate()
    assert "incomplete: pull it again" in rows(NAME)[0]
    hub.stop_after = None
    hub.asked.clear()
    assert (pull() / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.downloads("model.safetensors") == [f"bytes={10 * MIB}-"]
    pull()
    assert len(hub.downloads("model.safetensors")) == 1


def test_the_progress_counts_what_is_here_already(hub: FakeHub, here: Path) -> None:
    seen: list[tuple[int, int]] = []
    obtain(NAME, (), lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert seen == sorted(seen)


def test_a_damaged_file_is_not_kept(here: Path) -> None:
    blobs = here / "models--owner--name" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{etag('model.safetensors', WEIGHTS)}.partial").write_bytes(b"x" * HALF)
    with pytest.raises(LoadError, match="arrived damaged"):
        pull()
    assert not list(blobs.glob("*.partial"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("owner/nobody", "knows no model owner/nobody"),
        (f"{NAME}@v9", "has no revision 'v9'"),
        ("owner/gated", "is gated: accept its licence"),
        ("owner/pickled", r"are pickled \(pytorch_model.bin\)"),
        ("owner/empty", "has no weights"),
        ("owner/name/other.gguf", "no file other.gguf"),
    ],
)
def test_what_cannot_be_pulled(hub: FakeHub, here: Path, name: str, said: str) -> None:
    hub.repositories |= {
        "owner/gated": {},
        "owner/pickled": {"config.json": b"{}", "pytorch_model.bin": b"\x80"},
        "owner/empty": {"config.json": b"{}"},
    }
    hub.gated.add("owner/gated")
    with pytest.raises(LoadError, match=said) as refused:
        obtain(name, (), quiet)
    assert "\n" not in str(refused.value)


def test_the_code_of_a_model_comes_with_trust_only(hub: FakeHub, here: Path) -> None:
    def get(name: str, *trusted: str) -> Checkpoint:
        return obtain(name, trusted, quiet)

    hub.repositories[NAME]["model.safetensors"] = b"short"
    assert not list(get(NAME, "owner/other").folder.glob("*.py"))
    assert list(get(NAME, NAME).folder.glob("*.py"))
    hub.repositories["owner/borrowing"] = {
        "config.json": b'{"auto_map": {"AutoConfig": "owner/other--configuration.Other"}}',
        "model.safetensors": b"short",
    }
    with pytest.raises(LoadError, match="runs code of owner/other"):
        get("owner/borrowing", "owner/borrowing")
    assert get("owner/borrowing", "owner/borrowing", "owner/other").trusted


def test_a_gguf_file_is_fetched_alone(hub: FakeHub, here: Path) -> None:
    hub.repositories[NAME]["small.Q4_0.gguf"] = b"GGUF"
    checkpoint = obtain(f"{NAME}/small.Q4_0.gguf", (), quiet)
    assert checkpoint.gguf == "small.Q4_0.gguf"
    assert [path.name for path in checkpoint.folder.iterdir()] == ["small.Q4_0.gguf"]


def test_an_adapter_comes_without_what_lies_beside_it(hub: FakeHub, here: Path) -> None:
    files = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"short", "training_args.bin": b"\x80"}
    hub.repositories["owner/adapter"] = files
    hub.repositories["owner/pickled"] = {"adapter_config.json": b"{}", "adapter_model.bin": b"\x80"}
    folder = obtain_adapter("owner/adapter@main", quiet)
    assert sorted(path.name for path in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    with pytest.raises(LoadError, match=r"are pickled \(adapter_model.bin\)"):
        obtain_adapter("owner/pickled", quiet)
    with pytest.raises(LoadError, match="holds no adapter"):
        obtain_adapter(NAME, quiet)
    with pytest.raises(LoadError, match=r"a LoRA adapter belongs into \[worker\] adapter"):
        obtain("owner/adapter", (), quiet)


def test_the_worker_downloads_what_it_serves(hub: FakeHub, here: Path) -> None:
    hub.add("owner/small", make_llama(here / "small"))
    said: list[str] = []
    loaded = load(f"owner/small@{COMMIT}", "none", "cpu", lambda reason, progress: said.append(reason))
    assert loaded.context == 512
    assert any(reason.startswith("downloading owner/small@") for reason in said)
    hub.asked.clear()
    load("owner/small", "none", "cpu", lambda *_: None)
    assert not hub.downloads("model.safetensors")


def test_fit_fetches_the_config_alone(hub: FakeHub, here: Path) -> None:
    hub.add("owner/small", make_llama(here / "small"))
    result = CliRunner(env={"COLUMNS": "200"}).invoke(models.app, ["fit", "owner/small", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert {file for _, file, _ in hub.asked} == {"config.json"}
    for word in ("none (float32)", "int8", "nf4", "512 tokens", "fits", "RAM:"):
        assert word in result.output


def test_without_a_network(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pull()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert (pull() / "model.safetensors").is_file()
    with pytest.raises(LoadError, match=r"no connection to http://127\.0\.0\.1.*on this machine"):
        obtain_config("owner/other", ())
    with pytest.raises(LoadError, match="not completely, on this machine"):
        obtain(NAME, (NAME,), quiet)  # its code was never fetched
    local = make_llama(here / "local")
    assert obtain_config(str(local), ()).folder == local
