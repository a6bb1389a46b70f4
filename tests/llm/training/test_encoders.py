"""What the recipes of the built-in encoders are made of: data, labels, loss, loop, and the way back into the worker."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertForTokenClassification,
    PreTrainedTokenizerBase,
)

from llm import builtin
from llm.config import TaskModelSettings
from llm.training.encoders import conll
from llm.training.encoders.adapted import adapt, base_folder, export, new_model
from llm.training.encoders.batches import IGNORED, Example, padded
from llm.training.encoders.conll import Sentence, WrongData
from llm.training.encoders.loop import Loop, Rates
from llm.training.entities.corpus import EARLY_TWITTER, LABELS, TWITTER, WNUT, encode
from llm.training.entities.recipe import loss_of
from llm.training.sentiment import corpus as sentiment
from llm.worker.classifiers import EntityModel
from llm.worker.metrics import Metrics
from llm.worker.overlay import assembled
from llm.worker.task_building import build
from llm.worker.threads import Threads


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(base_folder())


def test_a_line_with_a_hashtag_is_a_word_and_types_are_renamed(tmp_path: Path) -> None:
    path = tmp_path / "some.conll"
    path.write_text("#Paris\tB-location\nis\tO\nRick\tB-creative-work\nMorty\tI-creative-work\n\t\nok\tO\n")
    assert conll.read(path, conll.WNUT17) == [
        Sentence(("#Paris", "is", "Rick", "Morty"), ("B-LOC", "O", "B-MISC", "I-MISC")),
        Sentence(("ok",), ("O",)),
    ]
    with pytest.raises(WrongData, match="line 1: the tag 'B-location'"):
        conll.read(path, conll.BROAD_TWITTER)


def test_names_end_where_another_begins() -> None:
    assert list(conll.spans(("B-PER", "B-PER", "I-PER", "I-LOC", "O"))) == [(0, 1, "PER"), (1, 3, "PER"), (3, 4, "LOC")]


def test_each_word_of_the_tokenizer_has_a_label_at_its_first_token(tokenizer: PreTrainedTokenizerBase) -> None:
    sentence = Sentence(("Zarquonia", "U.S.", "ok"), ("B-LOC", "B-LOC", "O"))
    example = encode(sentence, WNUT, tokenizer)
    tokens = tokenizer.convert_ids_to_tokens(example.ids)
    labelled = [(token, LABELS[label]) for token, label in zip(tokens, example.labels, strict=True) if label >= 0]
    assert [label for _, label in labelled] == ["B-LOC", "B-LOC", "I-LOC", "I-LOC", "I-LOC", "O"]
    assert [token for token, _ in labelled][1:] == ["u", ".", "s", ".", "ok"]
    assert example.types[0] == 0 and example.types[1] == 1


@pytest.mark.parametrize(
    ("source", "read"), [(WNUT, ["O", "O", "O"]), (EARLY_TWITTER, ["O"]), (TWITTER, ["O", "O", "O"])]
)
def test_a_forgotten_mention_teaches_nothing(source: int, read: list[str], tokenizer: PreTrainedTokenizerBase) -> None:
    example = encode(Sentence(("@", "ada", "hi"), ("O", "O", "O")), source, tokenizer)
    assert [LABELS[label] for label in example.labels if label != IGNORED] == read
    marked = encode(Sentence(("@", "ada", "hi"), ("O", "B-PER", "O")), source, tokenizer)
    assert LABELS.index("B-PER") in marked.labels


def test_a_mention_with_and_without_a_space_reads_differently(tokenizer: PreTrainedTokenizerBase) -> None:
    glued, apart = (encode(Sentence((text, "hi"), ("O", "O")), WNUT, tokenizer) for text in ("@ada", "@ ada"))
    assert glued.ids == apart.ids and glued.types != apart.types


def test_where_misc_is_not_marked_it_is_hardly_wrong() -> None:
    logits = torch.zeros(1, 1, len(LABELS))
    logits[0, 0, LABELS.index("B-MISC")] = 9.0
    outside = torch.zeros(1, 1, dtype=torch.long)
    strict = loss_of(logits, outside, torch.tensor([WNUT]), 0.3)
    lenient = loss_of(logits, outside, torch.tensor([TWITTER]), 0.3)
    assert lenient == pytest.approx(1.2, abs=0.05) and strict > 8


def test_a_loop_goes_on_from_its_checkpoint_and_ends_with_the_mean(tmp_path: Path) -> None:
    def trained(stops: bool) -> torch.Tensor:
        torch.manual_seed(0)
        layer = torch.nn.Linear(2, 1)
        loop = Loop(layer, 8, Rates())
        path = tmp_path / "loop.pt"
        for _ in range(4):
            loop.step(layer(torch.ones(3, 2)).square().mean())
        if stops:
            loop.save(path, 1)
            layer = torch.nn.Linear(2, 1)
            loop = Loop(layer, 8, Rates())
            assert loop.resume(path) == 1
        for _ in range(4):
            loop.step(layer(torch.ones(3, 2)).square().mean())
        last = layer.weight.detach().clone()
        loop.take_mean()
        assert not torch.equal(last, layer.weight)
        return layer.weight.detach()

    assert torch.equal(trained(stops=False), trained(stops=True))


async def test_what_is_exported_is_what_the_worker_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = new_model(BertForTokenClassification, LABELS, 0.1)
    adapted = adapt(model, 2, 0.0)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if parameter.requires_grad:
                parameter.copy_((torch.randn_like(parameter) * 0.1 + parameter).half().float())
            assert parameter.requires_grad == ("lora_" in name or "classifier" in name or "token_type" in name)
    batch = padded([Example([101, 5000, 102], [0, 1, 0], [IGNORED] * 3)])
    inputs = {"input_ids": batch.ids, "token_type_ids": batch.types, "attention_mask": batch.mask}
    adapted.eval()
    with torch.inference_mode():
        expected = model(**inputs).logits
    folder = tmp_path / "entities"
    export(adapted, folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {"config.json", "adapter_config.json", "adapter_model.safetensors", builtin.HEAD}
    with torch.inference_mode():
        found = assembled(AutoModelForTokenClassification, base_folder(), folder).eval()(**inputs).logits
    assert found.numpy() == pytest.approx(expected.numpy(), abs=2e-3)
    with safe_open(folder / builtin.HEAD, framework="pt") as head:
        assert "bert.embeddings.token_type_embeddings.weight" in head.keys()  # noqa: SIM118
    monkeypatch.setattr(builtin, "EMBEDDED", tmp_path)
    await _serves()


async def _serves() -> None:
    threads = Threads()
    served = build("entities", "embedded/entities", "cpu", TaskModelSettings(), threads, Metrics(), [])
    assert isinstance(served, EntityModel) and served.name == "embedded/entities"
    assert set(served.encoder.labels.values()) == set(LABELS)
    windows = served.encoder.windows(["Ada met ada"], 0)[0]
    assert windows[0].types == [0, 1, 0, 0, 0]
    await served.entities(["Ada Lovelace lives in London."])
    await served.close("the test is over")
    threads.close()


def test_a_message_for_each_label_and_the_same_ones_again() -> None:
    made = sentiment.Corpus(1).epoch(0, 40)
    assert made == sentiment.Corpus(1).epoch(0, 40) != sentiment.Corpus(2).epoch(0, 40)
    assert [label for _, label in made] == [0] * 40 + [1] * 40 + [2] * 40
    assert not any("{" in text or not text.strip() for text, _ in made)
