"""Encoder-decoder models of each family: languages, lengths, beams, truncation; the answers are `generate`'s own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from llm.config import TaskModelSettings
from llm.worker.errors import ApiError, LoadError
from llm.worker.metrics import Metrics
from llm.worker.seq2seq import Options, Seq2SeqModel
from llm.worker.seq2seq_model import EncoderDecoder
from llm.worker.task_building import build
from llm.worker.task_loader import load_task
from llm.worker.threads import Threads
from tests.llm.worker.tiny_seq2seq import make_m2m100, make_marian, make_mbart, make_mbart50, make_nllb, make_t5

TEXTS = ["Hello world", "a", "The quick brown fox jumps over it"]
Make = Callable[[Path], Path]


def make_marian_of_many(folder: Path) -> Path:
    return make_marian(folder, ">>fra<<", ">>deu<<", languages=None)


FAMILIES: list[tuple[Make, str | None, str | None]] = [
    (make_t5, None, None),
    (make_nllb, "eng_Latn", "fra_Latn"),
    (make_mbart50, "en_XX", "fr_XX"),
    (make_mbart, "en_XX", "ro_RO"),
    (make_m2m100, "en", "fr"),
    (make_marian, "en", "de"),
    (make_marian, None, None),
    (make_marian_of_many, None, "fra"),
]


def loaded(folder: Path) -> EncoderDecoder:
    task = load_task("seq2seq", str(folder), "cpu")
    return EncoderDecoder(task.model, task.tokenizer)


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture
def t5(t5_folder: Path) -> Iterator[Seq2SeqModel]:
    threads = Threads(*(ThreadPoolExecutor(1) for _ in range(3)))
    model = build("seq2seq", str(t5_folder), "cpu", TaskModelSettings(), threads, Metrics(), [])
    assert isinstance(model, Seq2SeqModel)
    yield model
    threads.close()


def answers(model: EncoderDecoder, texts: list[str], options: Options) -> list[str]:
    return model.decode(model.generate(model.encode(texts, options, threading.Event())))


@pytest.mark.parametrize(("make", "source", "target"), FAMILIES)
def test_each_family_answers_as_generate_does(
    make: Make, source: str | None, target: str | None, tmp_path: Path
) -> None:
    folder = make(tmp_path / "model")
    model = loaded(folder)
    direction = model.languages.direction(source, target)
    options = model.options(direction, 8, 2, 2)
    together = answers(model, TEXTS, options)
    assert together == [answers(model, [text], options)[0] for text in TEXTS], "padding changes an answer"
    reference, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    if direction.source is not None:
        tokenizer.src_lang = source
    inputs = tokenizer(direction.prefix + TEXTS[0], return_tensors="pt")
    first = {"forced_bos_token_id": direction.forced_bos, "decoder_start_token_id": direction.decoder_start}
    chosen = {name: token for name, token in first.items() if token is not None}
    with torch.inference_mode():
        written = reference.generate(**inputs, max_new_tokens=8, min_new_tokens=2, num_beams=2, **chosen)
    assert together[0] == model.decode(written.tolist())[0]


@pytest.mark.parametrize(
    ("make", "source", "target", "param", "named"),
    [
        (make_nllb, "eng_Latn", "french", "target_language", "fra_Latn"),
        (make_nllb, "en", "fra_Latn", "source_language", "eng_Latn"),
        (make_nllb, "eng_Latn", None, "target_language", "must be told"),
        (make_nllb, None, "fra_Latn", "source_language", "must be told"),
        (make_mbart50, "en_XX", "fr", "target_language", "fr_XX"),
        (make_m2m100, "en", "fra", "target_language", "fr"),
        (make_marian, "en", "fr", "target_language", "de"),
        (make_marian_of_many, None, "en", "target_language", "deu, fra"),
        (make_marian_of_many, None, None, "target_language", "deu, fra"),
        (make_t5, "en", None, "source_language", "leave the field out"),
    ],
)
def test_a_wrong_language_is_answered_with_the_known_ones(
    make: Make, source: str | None, target: str | None, param: str, named: str, tmp_path: Path
) -> None:
    languages = loaded(make(tmp_path / "model")).languages
    with pytest.raises(ApiError, match=named) as refused:
        languages.direction(source, target)
    assert (refused.value.status, refused.value.param) == (400, param)


def test_the_language_token_is_the_first_and_never_shown(tmp_path: Path) -> None:
    model = loaded(make_nllb(tmp_path / "model"))
    direction = model.languages.direction("eng_Latn", "fra_Latn")
    sources = model.encode(["Hi"], model.options(direction, 5, None, None), threading.Event())
    (ids,) = model.generate(sources)
    assert ids[1] == direction.forced_bos
    assert "fra_Latn" not in model.decode([ids])[0]


async def test_a_long_source_is_cut_and_said_to_be(t5: Seq2SeqModel) -> None:
    short, long, empty = await t5.write(["Hello", "word " * 50, "  "], max_tokens=4)
    assert (short.truncated, long.truncated, empty.truncated, empty.text) == (False, True, False, "")
    assert t5.max_model_len == 40


async def test_lengths_and_beams(t5: Seq2SeqModel) -> None:
    model = t5.writer
    assert isinstance(model, EncoderDecoder)
    options = model.options(model.languages.direction(None, None), 12, 12, 3)
    (ids,) = model.generate(model.encode(["Hello"], options, threading.Event()))
    assert len(ids) == 13  # and the token that starts the decoder
    with pytest.raises(ApiError, match="1023 tokens at most") as refused:
        await t5.write(["Hello"], max_tokens=2000)
    assert refused.value.param == "max_tokens"


def test_the_models_own_choices_hold_where_nothing_is_asked(t5_folder: Path) -> None:
    task = load_task("seq2seq", str(t5_folder), "cpu")
    task.model.generation_config.update(max_length=33, min_length=20, num_beams=4)
    model = EncoderDecoder(task.model, task.tokenizer)
    direction = model.languages.direction(None, None)
    assert model.options(direction, None, None, None) == Options(direction, 33, 20, 4)
    assert model.options(direction, 10, None, 1) == Options(direction, 10, 10, 1)


def test_what_nobody_waits_for_ends_early(t5_folder: Path) -> None:
    model = loaded(t5_folder)
    gone = threading.Event()
    gone.set()
    options = model.options(model.languages.direction(None, None), 500, 500, 1)
    (ids,) = model.generate(model.encode(["Hello"], options, gone))
    assert len(ids) < 5


async def test_requests_that_ask_for_the_same_are_generated_together(t5: Seq2SeqModel) -> None:
    alone = [(await t5.write([text], max_tokens=5))[0].text for text in TEXTS]
    assert [written.text for written in await t5.write(TEXTS, max_tokens=5)] == alone


def test_another_kind_of_model_is_refused_at_load(bytes_folder: Path) -> None:
    with pytest.raises(LoadError, match=r"\[tasks\] seq2seq: cannot load the model"):
        load_task("seq2seq", str(bytes_folder), "cpu")
