"""Encoders against transformers' own pipelines, alone and in company, short and long."""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from transformers import pipeline

from llm.config import Task, TaskModelSettings
from llm.worker.classifiers import EntityModel, LabelModel, TaskModel, ZeroShotModel, softmax
from llm.worker.errors import ApiError, LoadError
from llm.worker.metrics import Metrics
from llm.worker.spans import Entity
from llm.worker.task_building import build
from llm.worker.threads import Threads
from tests.llm.worker.tiny import POSITIONS, WORDS, make_byte_ner, make_ner, make_nli, make_topics, make_toxicity

SHORT = [
    "Ada Lovelace lives in London",
    "the microsoft example in Paris, and Berlin!",
    "this is (very) lon.",
    "loveada in-paris 3.5 is",
    "",
]
LONG = " ".join(random.Random(0).choices([*WORDS, "Lovelace", "London", "Microsoft,"], k=150))


class Built:
    """Builds task models from folders; closes them after the test."""

    def __init__(self) -> None:
        self.threads = Threads()
        self.models: list[TaskModel] = []

    def __call__(self, task: Task, folder: Path, **settings: object) -> TaskModel:
        chosen = TaskModelSettings.model_validate(settings)
        model = build(task, str(folder), "cpu", chosen, self.threads, Metrics(), self.models)
        self.models.append(model)
        return model


@pytest.fixture
async def built() -> AsyncIterator[Built]:
    making = Built()
    yield making
    for model in making.models:
        await model.close("the test is over")
    making.threads.close()


@pytest.fixture(scope="module")
def ner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ner(tmp_path_factory.mktemp("ner"))


@pytest.fixture(scope="module")
def nli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_nli(tmp_path_factory.mktemp("nli"))


def entity_model(built: Built, folder: Path) -> EntityModel:
    model = built("entities", folder)
    assert isinstance(model, EntityModel)
    return model


def check_offsets(text: str, found: list[Entity]) -> None:
    assert all(text[entity.start : entity.end] == entity.text and entity.text.strip() for entity in found)
    assert all(left.end <= right.start for left, right in pairwise(found))


async def test_entities_equal_the_pipelines_first_aggregation(built: Built, ner: Path) -> None:
    reference = pipeline("token-classification", model=str(ner), aggregation_strategy="first", device="cpu")
    found = await entity_model(built, ner).entities(SHORT)
    seen = 0
    for text, ours in zip(SHORT, found, strict=True):
        theirs = reference(text) if text else []
        assert [(e.start, e.end, e.type) for e in ours] == [(e["start"], e["end"], e["entity_group"]) for e in theirs]
        assert [e.score for e in ours] == pytest.approx([e["score"] for e in theirs], abs=1e-5)
        seen += len(ours)
    assert seen >= 8, "the random model must find something to compare"


async def test_whole_words_make_simple_aggregation_the_same(built: Built, ner: Path) -> None:
    texts = ["ada is in paris", "the example and love this berlin"]  # every word is one piece
    reference = pipeline("token-classification", model=str(ner), aggregation_strategy="simple", device="cpu")
    found = await entity_model(built, ner).entities(texts)
    for text, ours in zip(texts, found, strict=True):
        theirs = reference(text)
        assert [(e.start, e.end, e.type) for e in ours] == [(e["start"], e["end"], e["entity_group"]) for e in theirs]


async def test_a_text_is_answered_alone_as_among_many_others(built: Built, ner: Path) -> None:
    model = entity_model(built, ner)
    texts = [*SHORT, *(f"{word} lives in Paris {'and ' * (place % 9)}" for place, word in enumerate(WORDS * 3))][:33]
    together = await model.entities(texts)
    assert len(together) == 33
    for text, ours in zip(texts[:8], together, strict=False):
        (alone,) = await model.entities([text])
        assert [(e.start, e.end, e.type) for e in alone] == [(e.start, e.end, e.type) for e in ours]
        assert [e.score for e in alone] == pytest.approx([e.score for e in ours], abs=1e-4)


async def test_a_long_text_is_read_to_its_end_in_windows(built: Built, ner: Path) -> None:
    model = entity_model(built, ner)
    (found,) = await model.entities([LONG])
    check_offsets(LONG, found)
    assert found[-1].end > len(LONG) - 60
    assert model.max_model_len == POSITIONS
    # what lies well inside the first window is seen as if it stood there alone with the same neighbours
    windows = model.encoder.windows([LONG], 12)[0]
    assert len(windows) > 3 and all(len(window.ids) <= POSITIONS for window in windows)
    first = LONG[: windows[0].offsets[POSITIONS - 2][1]]
    (alone,) = await model.entities([first])
    inner = [(e.start, e.end, e.type) for e in alone if e.end < windows[0].offsets[POSITIONS - 12][0]]
    assert [(e.start, e.end, e.type) for e in found][: len(inner)] == inner


@pytest.mark.parametrize("make", [make_ner, make_byte_ner])
async def test_offsets_count_code_points_whatever_the_tokenizer(built: Built, make: object, tmp_path: Path) -> None:
    model = entity_model(built, make(tmp_path / "model"))  # type: ignore[operator]
    texts = [
        "👩‍💻 Ada 👋🏽 lives in Zoe\u0308lia 🇫🇷!",
        "e\u0301cole ﬁ İstanbul ẞ Ω 日本 の paris",
        "שלום Ada مرحبا \u200fParis\u200f",
        "\t\n  Ada\u00a0Lovelace\r\n\u2028 in  Paris  ",
        "𝔄𝔡𝔞 🏳️‍🌈" * 20,
    ]
    found = await model.entities(texts)
    for text, of_text in zip(texts, found, strict=True):
        check_offsets(text, of_text)
    assert sum(map(len, found)) > 5


async def test_labels_equal_the_pipelines(built: Built, tmp_path: Path) -> None:
    for make, task in ((make_topics, "classify"), (make_toxicity, "classify")):
        folder = make(tmp_path / make.__name__)
        model = built(task, folder)  # type: ignore[arg-type]
        assert isinstance(model, LabelModel)
        reference = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
        for text, scores in zip(SHORT, await model.scores(SHORT), strict=True):
            theirs = {entry["label"]: entry["score"] for entry in reference([text])[0]}
            assert scores == pytest.approx(theirs, abs=1e-5)


async def test_every_window_of_a_long_text_counts(built: Built, tmp_path: Path) -> None:
    folder = make_toxicity(tmp_path / "model")
    model = built("moderations", folder, harmless_labels=["neither"])
    assert isinstance(model, LabelModel)
    (long,) = await model.moderate([LONG])
    assert set(long) == {"hate", "offensive"}, "what is harmless is no category"
    windows = model.encoder.windows([LONG], 0)[0]
    each = softmax(np.stack(model.encoder.run(windows)))
    assert long["hate"] == pytest.approx(each[:, 0].max(), abs=1e-4)
    (mean,) = await model.scores([LONG])
    weights = [window.content for window in windows]
    assert list(mean.values()) == pytest.approx(np.average(each, axis=0, weights=weights).tolist(), abs=1e-4)


async def test_zero_shot_equals_the_pipeline(built: Built, nli: Path) -> None:
    model = built("zero_shot", nli)
    assert isinstance(model, ZeroShotModel)
    reference = pipeline("zero-shot-classification", model=str(nli), device="cpu")
    for labels in (["love", "paris", "micro soft"], ["love"]):
        for text, scores in zip(SHORT[:3], await model.scores(SHORT[:3], labels), strict=True):
            theirs = reference(text, candidate_labels=labels)
            assert scores == pytest.approx(dict(zip(theirs["labels"], theirs["scores"], strict=True)), abs=1e-5)
    (long,) = await model.scores([LONG], ["love", "paris"])
    assert math.isclose(sum(long.values()), 1, abs_tol=1e-5)


async def test_a_label_that_leaves_no_room_for_the_text_is_refused(built: Built, nli: Path) -> None:
    model = built("zero_shot", nli)
    assert isinstance(model, ZeroShotModel)
    with pytest.raises(ApiError, match="24 tokens") as refused:
        await model.scores(["ada"], ["x" * 100])
    assert refused.value.param == "labels"


async def test_models_that_do_not_fit_their_task_are_refused_at_load(built: Built, ner: Path, tmp_path: Path) -> None:
    toxicity = make_toxicity(tmp_path / "toxicity")
    for task, folder, said in (
        ("zero_shot", toxicity, "entailment is not among its labels"),
        ("entities", toxicity, "not a token-classification model"),
        ("classify", ner, "not a text-classification model"),
        ("entities", tmp_path / "nowhere", "unknown model"),
    ):
        with pytest.raises(LoadError, match=said) as refused:
            built(task, folder)  # type: ignore[arg-type]
        assert f"[tasks] {task}: " in str(refused.value) and "\n" not in str(refused.value)


async def test_one_model_for_two_tasks_is_loaded_once(built: Built, nli: Path) -> None:
    first, second = built("classify", nli), built("zero_shot", nli)
    assert isinstance(first, LabelModel) and isinstance(second, ZeroShotModel)
    assert first.encoder is second.encoder
    assert np.isfinite(list((await first.scores(["ada"]))[0].values())).all()
