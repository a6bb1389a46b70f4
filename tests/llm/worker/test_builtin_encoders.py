"""The committed models for names and moods: small, not pickled, with a card, and right about plain things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llm import builtin
from llm.config import Task, TaskModelSettings
from llm.worker.classifiers import EntityModel, LabelModel, TaskModel
from llm.worker.metrics import Metrics
from llm.worker.task_building import build
from llm.worker.tasks import wanted
from llm.worker.threads import Threads

LARGEST = 5_000_000  # bytes of one file
TASKS: dict[Task, str] = {"entities": "embedded/entities", "classify": "embedded/sentiment"}
TEXTS = [
    "👩‍💻 Ada Lovelace lives in London 🇬🇧 and works for Microsoft",
    "Jose\u0301 Garci\u0301a ❤\ufe0f flew to Zu\u0308rich",
    "I met Barack Obama in Paris 👋🏽!",
    "日本 and \u200dfamily 👨‍👩‍👧‍👦 of Angela Merkel\u0301",
    "",
    "😀",
]


@pytest.fixture
async def models() -> AsyncIterator[dict[Task, TaskModel]]:
    threads = Threads()
    settings = TaskModelSettings()
    yield {task: build(task, name, "cpu", settings, threads, Metrics(), []) for task, name in TASKS.items()}
    threads.close()


@pytest.mark.parametrize("name", TASKS.values())
def test_adapter_and_head_are_small_and_the_card_says_where_they_come_from(name: str) -> None:
    folder = builtin.folder_of(name)
    assert folder == builtin.EMBEDDED / name.removeprefix(builtin.PREFIX)
    files = {path.name: path for path in Path(folder).iterdir()}
    weights = {"adapter_model.safetensors", builtin.HEAD}
    assert set(files) == {"config.json", "adapter_config.json", "README.md", *weights}
    assert all(files[weight].stat().st_size <= LARGEST for weight in weights)
    card = files["README.md"].read_text(encoding="utf-8")
    assert all(part in card for part in ("license:", "## Data", "## Recipe", "seed", "## Quality", "## Limits"))


def test_they_serve_where_nothing_is_named() -> None:
    found = wanted(TaskModelSettings())
    assert {task: found[task] for task in TASKS} == TASKS


async def test_names_and_their_places(models: dict[Task, TaskModel]) -> None:
    model = models["entities"]
    assert isinstance(model, EntityModel)
    answers = await model.entities(TEXTS)
    for text, found in zip(TEXTS, answers, strict=True):
        assert all(text[one.start : one.end] == one.text for one in found)
    named = [{one.text: one.type for one in found} for found in answers]
    assert named[0]["Ada Lovelace"] == "PER" and named[0]["London"] == "LOC"
    assert "Jose\u0301 Garci\u0301a" in named[1] and "Zu\u0308rich" in named[1]
    assert named[2] == {"Barack Obama": "PER", "Paris": "LOC"}
    assert named[4] == named[5] == {}


async def test_moods_of_plain_messages(models: dict[Task, TaskModel]) -> None:
    model = models["classify"]
    assert isinstance(model, LabelModel)
    texts = ["this is wonderful, thank you!", "I hate this, it is awful", "the meeting is at three"]
    best = [max(scores, key=lambda label: scores[label]) for scores in await model.scores(texts)]
    assert best == ["positive", "negative", "neutral"]
