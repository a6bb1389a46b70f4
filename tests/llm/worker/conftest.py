"""Workers that several tests share: loading one takes seconds, and every test leaves it as it found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from llm.config import WorkerSettings
from tests.llm.worker.running import Worker, make_llama, running


@pytest.fixture(scope="session")
def stories_folder(material: Path) -> Path:
    return material / "models" / "stories260K_hf"


@pytest.fixture(scope="session")
def stories(stories_folder: Path) -> Iterator[Worker]:
    """The real trained model of the material, float32, on the CPU."""
    with running(WorkerSettings(model=str(stories_folder), device="cpu")) as worker:
        yield worker


@pytest.fixture(scope="session")
def bytes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return make_llama(tmp_path_factory.mktemp("bytes"), width=128, context=2048, ends=False)


@pytest.fixture(scope="session")
def bytes_worker(bytes_folder: Path) -> Iterator[Worker]:
    """A random model of byte tokens that never ends by itself; two requests at once, two more may wait."""
    settings = WorkerSettings(model=str(bytes_folder), device="cpu", max_running=2, max_waiting=2)
    with running(settings) as worker:
        yield worker
