"""The tokenizer and the loop, on a recipe so small that it trains in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from llm.training.chat.batches import round_of_batches
from llm.training.chat.corpus import RIVALS, SHORT, conversations
from llm.training.chat.export import export
from llm.training.chat.muon import orthogonalized
from llm.training.chat.recipe import Recipe
from llm.training.chat.tokenizer import encode, for_transformers, train_tokenizer
from llm.training.chat.training import Run

TINY = Recipe(
    vocabulary=512,
    hidden=64,
    intermediate=64,
    layers=1,
    heads=2,
    rounds=2,
    conversations=20,
    drill_rounds=1,
    short_rounds=0,
    batch_tokens=1024,
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices this small only wait for each other on several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(conversations("tokenizer", 60, SHORT), TINY.vocabulary)


@given(st.text(st.characters(codec="utf-8")))
@settings(deadline=None)
def test_any_text_survives(tokenizer: Tokenizer, text: str) -> None:
    wrapped = for_transformers(tokenizer)
    marks = set(wrapped.all_special_tokens)
    if not any(mark in text for mark in marks):
        assert wrapped.decode(wrapped(text, add_special_tokens=False)["input_ids"]) == text


def test_a_word_has_the_same_tokens_wherever_it_stands(tokenizer: Tokenizer) -> None:
    inside = tokenizer.encode(" hello Zorvin").tokens[-4:]
    assert tokenizer.encode("hello\nZorvin").tokens[-4:] == inside


def test_digits_stand_alone(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("in 1984").tokens[-4:] in (["Ġ1", "9", "8", "4"], ["1", "9", "8", "4"])


def test_training_sees_what_the_template_renders(tokenizer: Tokenizer) -> None:
    wrapped = for_transformers(tokenizer)
    for talk in conversations("template", 30, SHORT):
        messages = [{"role": turn.role, "content": turn.content} for turn in talk]
        ids, spoken = encode(tokenizer, talk)
        assert wrapped.apply_chat_template(messages, return_dict=False) == ids
        said = wrapped.decode([number for number, flag in zip(ids, spoken, strict=True) if flag])
        assert said == "".join(f"{turn.content}<|end|>" for turn in talk if turn.role == "assistant")


def test_batches_hold_every_conversation_once_and_mark_padding(tokenizer: Tokenizer) -> None:
    batches = round_of_batches(tokenizer, "batches", ((25, SHORT), (15, RIVALS)), tokens=2048, has_notes=True)
    assert sum(len(batch.ids) for batch in batches) == 40
    assert not any((batch.spoken & batch.padding).any() for batch in batches)
    assert all(batch.spoken.any(dim=1).all() for batch in batches)


def test_orthogonalized_matrices_have_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((2, 16, 48), (2, 48, 16)):
        values = torch.linalg.svdvals(orthogonalized(torch.randn(shape)))
        assert values.min() > 0.5 and values.max() < 1.5


def test_an_interrupted_run_goes_on_exactly_where_it_was(tokenizer: Tokenizer, tmp_path: Path) -> None:
    whole = Run(TINY, tokenizer)
    whole.advance()
    whole.save(tmp_path / "checkpoint.pt")
    whole.advance()
    resumed = Run(TINY, tokenizer)
    resumed.resume(tmp_path / "checkpoint.pt")
    resumed.advance()
    assert (resumed.progress.rounds, resumed.is_over) == (2, False)
    assert resumed.progress.loss == pytest.approx(whole.progress.loss, rel=1e-4)


def test_a_run_learns_and_its_export_loads(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run = Run(TINY, tokenizer)
    run.advance()
    before = run.progress.loss
    run.advance()
    assert run.progress.loss < before
    export(run, tmp_path / "model")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype="auto")
    assert model.dtype == torch.bfloat16
    loaded = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert (
        loaded.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False) == "<|begin|><|user|> hi<|end|>"
    )


def test_the_rate_warms_up_holds_and_decays_to_nothing() -> None:
    recipe = Recipe(rounds=100, warmup=0.1, decay=0.5, noted_rounds=2, noted_rate=0.3)
    assert [recipe.rate(at) for at in (5, 30, 50, 75)] == [0.5, 1.0, 1.0, 0.5]
    assert [recipe.rate(at) for at in (100, 101, 102)] == [0.3, 0.15, 0.0]


def test_the_last_rounds_begin_from_an_exported_model_as_after_the_others(tokenizer: Tokenizer, tmp_path: Path) -> None:
    whole = Run(TINY, tokenizer)
    while whole.progress.rounds < TINY.rounds:
        whole.advance()
    export(whole, tmp_path / "first")
    whole.advance()
    later = Run(TINY, tokenizer)
    later.begin_notes(tmp_path / "first")
    later.advance()
    assert later.progress.loss == pytest.approx(whole.progress.loss, rel=1e-4)
    assert (later.is_over, later.progress.rounds) == (False, TINY.rounds + 1)
