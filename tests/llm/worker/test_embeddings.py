"""The built-in embedding model, MiniLM, for real; and how vectors are pooled."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from llm import builtin
from llm.config import TaskModelSettings
from llm.worker.classifiers import Array, EmbeddingModel
from llm.worker.errors import LoadError
from llm.worker.metrics import Metrics
from llm.worker.pooling import Mode, Pooling, pool, read_pooling
from llm.worker.task_building import build
from llm.worker.tasks import wanted
from llm.worker.threads import Threads

TEXTS = ["A cat sits on the mat.", "A kitten is resting on a rug.", "The central bank raised interest rates.", "é 👋🏽"]


@pytest.fixture
async def minilm() -> AsyncIterator[EmbeddingModel]:
    threads = Threads()
    model = build("embeddings", "embedded/embeddings", "cpu", TaskModelSettings(), threads, Metrics(), [])
    assert isinstance(model, EmbeddingModel)
    yield model
    await model.close("the test is over")
    threads.close()


def reference(texts: list[str]) -> Array:
    """Mean pooling as the model's card shows it."""
    folder = builtin.folder_of("embedded/embeddings")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        vectors = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    mean = torch.nn.functional.normalize((vectors * mask).sum(1) / mask.sum(1))
    found: Array = mean.numpy()
    return found


async def test_the_built_in_model_answers_as_its_card_says(minilm: EmbeddingModel) -> None:
    vectors, tokens = await minilm.embed(TEXTS)
    assert vectors == pytest.approx(reference(TEXTS), abs=1e-5)
    assert (minilm.max_model_len, minilm.name, tokens) == (256, "embedded/embeddings", 9 + 9 + 8 + 6)
    similar, other = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert similar > other + 0.3


async def test_alone_as_among_others_and_long_texts_to_their_end(minilm: EmbeddingModel) -> None:
    texts = [f"message number {place} about {'cats ' * (place % 20)}" for place in range(33)]
    together, _ = await minilm.embed(texts)
    alone, _ = await minilm.embed(texts[:1])
    assert alone[0] == pytest.approx(together[0], abs=1e-5)
    cats, banks = "The cat sits on the mat. " * 60, "The central bank raised interest rates. " * 60
    (long, only_cats, about_banks), _ = await minilm.embed([cats + banks, cats, TEXTS[2]])
    assert long @ about_banks > only_cats @ about_banks + 0.2, "the second half of a long text must count"
    assert np.linalg.norm(long) == pytest.approx(1, abs=1e-5)


def test_what_is_built_in_serves_where_nothing_is_named() -> None:
    assert wanted(TaskModelSettings())["embeddings"] == "embedded/embeddings"
    assert wanted(TaskModelSettings(embeddings="none", entities="a/b", classify="none")) == {"entities": "a/b"}


@pytest.mark.parametrize(
    ("mode", "expected"), [("mean", [1, 0.5]), ("cls", [2, 0]), ("max", [2, 1]), ("lasttoken", [0, 1])]
)
def test_padding_is_never_pooled(mode: Mode, expected: list[float]) -> None:
    vectors = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
    pooled = pool(vectors, torch.tensor([[1, 1, 0]]), mode)
    assert pooled[0].tolist() == pytest.approx((np.array(expected) / np.linalg.norm(expected)).tolist())


def modules(folder: Path, *kinds: str) -> None:
    entries = [
        {"idx": at, "name": str(at), "path": "" if at == 0 else f"{at}_x", "type": k} for at, k in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(entries))


def test_the_models_own_files_decide(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert read_pooling(str(tmp_path), "main") == Pooling("mean", None)
    modules(tmp_path, "sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling")
    (tmp_path / "1_x").mkdir()
    (tmp_path / "1_x" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 8, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    )
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 77}))
    assert read_pooling(str(tmp_path), "main") == Pooling("cls", 77)
    (tmp_path / "1_x" / "config.json").write_text(json.dumps({"embedding_dimension": 8, "pooling_mode": "lasttoken"}))
    assert read_pooling(str(tmp_path), "main") == Pooling("lasttoken", 77)
    (tmp_path / "1_x" / "config.json").write_text(json.dumps({"pooling_mode_weightedmean_tokens": True}))
    with pytest.raises(LoadError, match="weightedmean"):
        read_pooling(str(tmp_path), "main")
    modules(tmp_path, "sentence_transformers.models.Transformer", "sentence_transformers.models.Dense")
    with pytest.raises(LoadError, match="Dense"):
        read_pooling(str(tmp_path), "main")
