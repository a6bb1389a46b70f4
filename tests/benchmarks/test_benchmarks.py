"""Every benchmark runs, with toy sizes, and ends in one JSON line. No figure is judged: they are for free machines."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import models
from benchmarks.worker_prefix import Turn, between_cuts
from llm.config import WorkerSettings
from tests.conftest import REPOSITORY
from tests.llm.worker.running import running

LITTLE = ["--prompt", "12", "--new", "4"]
TOYS = {
    "summarize_batching": ["--logs", "nowhere", "--messages", "40"],
    "bot_prefix": ["--turns", "3", "--message", "10", "--reply", "10"],
    "worker_cancel": ["--requests", "6", "--prompt", "12", "--new", "200"],
    "worker_fairness": ["--guilds", "2", "--people", "1", "--flood", "3", "--seconds", "0.5", *LITTLE],
    "worker_first_token": ["--background", "2", "--long", "400", "--questions", "2", "--prompt", "12"],
    "worker_http": ["--chats", "2", "--rounds", "1", *LITTLE],
    "worker_prefix": ["--turns", "4", "--message", "10", "--reply", "10"],
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with models.saved("tiny") as made:
        yield made


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """A worker that runs already, so that no benchmark has to start one."""
    with running(WorkerSettings(model=str(folder), device="cpu")) as worker:
        yield worker.url


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return figures


def run(name: str, arguments: list[str]) -> None:
    importlib.import_module(f"benchmarks.{name}").main(arguments)


@pytest.mark.parametrize("name", list(TOYS))
def test_benchmarks_of_a_running_worker(name: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(name, ["--url", url, *TOYS[name]])
    figures = last_line(capsys)
    assert figures["bench"] == name
    assert figures["machine"]["cores"] >= 1
    if name == "worker_cancel":
        assert figures["left"] > 0
        assert not any(figures["held"].values())
    if name == "worker_prefix":
        assert 0 < figures["between_cuts"] <= 2


def test_the_engine_alone(capsys: pytest.CaptureFixture[str]) -> None:
    run("worker_throughput", ["--model", "tiny", "--chats", "2", *LITTLE])
    assert last_line(capsys)["ratio"] > 0


def test_against_transformers_serve_with_processes_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    run(
        "worker_vs_transformers_serve",
        ["--model", "tiny", "--chats", "2", "--rounds", "1", "--peer-dtypes", "auto", *LITTLE],
    )
    figures = last_line(capsys)
    assert set(figures["tokens_per_s"]) == {"worker", "transformers serve, auto"}


def test_the_gpu_benchmark_runs_a_toy_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    run("gpu", ["--tiny", "--chats", "2", "--rounds", "1", *LITTLE])
    figures = last_line(capsys)
    assert [(row["quantization"], row["chats"]) for row in figures["rows"]] == [("none", 2), ("nf4", 2)]


def test_the_intake_benchmark_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run("storage_intake", ["--messages", "60", "--alone", "3", "--kills", "1", "--until-killed", "0.05"])
    figures = last_line(capsys)
    assert figures["lost"] == 0
    assert figures["most_lost_ms"] >= 0


def test_the_context_benchmark_takes_one_statement(capsys: pytest.CaptureFixture[str]) -> None:
    run("context_build", ["--messages", "60", "--read", "20", "--turns", "3"])
    figures = last_line(capsys)
    assert figures["statements"] == 1
    assert 0 < figures["kept"] <= 20


def test_every_promise_names_a_benchmark() -> None:
    source = (REPOSITORY / "benchmarks" / "__main__.py").read_text()
    named = {line.split('"')[1] for line in source.splitlines() if line.strip().startswith("Target(")}
    assert named
    assert [name for name in named if not (REPOSITORY / "benchmarks" / f"{name}.py").is_file()] == []


def test_what_the_random_model_says_reads_back_as_the_same_tokens(folder: Path) -> None:
    tokenizer = models.word_tokenizer(models.SHAPES["tiny"].vocabulary)
    (saying,) = models.sayings(1, 20)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": saying}], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    assert len(ids) == 20
    assert tokenizer(" " + saying)["input_ids"] == ids[1:-2]


def test_a_cut_among_the_watched_turns_is_no_figure() -> None:
    turns = [Turn(prompt=100 * number, cached=100 * number - 50, new=100, cut=False) for number in range(1, 21)]
    assert between_cuts(turns) == [0.5] * 10
    with pytest.raises(RuntimeError, match="cut"):
        between_cuts([*turns[:14], Turn(800, 0, 100, cut=True), *turns[15:]])
