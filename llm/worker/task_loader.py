"""A task model's name → model and tokenizer in memory. It knows neither batches nor requests.

safetensors only, no code from the model; what is missing from the files is an error, never random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from llm import builtin
from llm.builtin import ForeignWeights
from llm.config import Device, Task
from llm.worker.checkpoint import obtain
from llm.worker.errors import LoadError
from llm.worker.hub import TASK_MODEL
from llm.worker.loader import choose_device, first_line, quiet_libraries
from llm.worker.names import DEFAULT_REVISION, locate, served_name
from llm.worker.overlay import assembled

KINDS: dict[Task, tuple[Any, str]] = {
    "entities": (AutoModelForTokenClassification, "a token-classification model"),
    "classify": (AutoModelForSequenceClassification, "a text-classification model"),
    "zero_shot": (AutoModelForSequenceClassification, "a text-classification model"),
    "moderations": (AutoModelForSequenceClassification, "a text-classification model"),
    "embeddings": (AutoModel, "an encoder"),
    "seq2seq": (AutoModelForSeq2SeqLM, "an encoder-decoder model"),
}
ARCHITECTURES: dict[Task, str] = {
    "entities": "ForTokenClassification",
    "classify": "ForSequenceClassification",
    "zero_shot": "ForSequenceClassification",
    "moderations": "ForSequenceClassification",
}
UNUSED = ("pooler.",)  # BERT's head for sentence pairs: an embedding does not read it


@dataclass(frozen=True, slots=True)
class LoadedTask:
    """A task model in memory, and where its files are."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    source: str
    revision: str


def load_task(task: Task, name: str, device: Device) -> LoadedTask:
    """Load the model of that name for a task. Raises LoadError, one line that names task and model."""
    quiet_libraries()
    try:
        target = choose_device(device)
        builtin.check_weights(served_name(name))
        if served_name(name) in builtin.OVER:
            return _over(task, served_name(name), target)
        source, revision = str(obtain(name, (), _silently, TASK_MODEL).folder), DEFAULT_REVISION
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=False)
        model = _read(task, source, revision, target)
    except (LoadError, ForeignWeights) as error:
        raise LoadError(f"[tasks] {task}: {error}") from error
    except (OSError, ValueError, ImportError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise LoadError(f"[tasks] {task}: cannot load the model {name!r}: {_reason(error)}") from error
    return LoadedTask(model, tokenizer, source, revision)


def _over(task: Task, name: str, target: str) -> LoadedTask:
    """A built-in model of which adapter and head lie here; its tokenizer is the one of the model below."""
    folder, below = (locate(each)[0] for each in (name, builtin.OVER[name]))
    factory, kind = KINDS[task]
    _check_architecture(task, folder, DEFAULT_REVISION, kind)
    tokenizer = AutoTokenizer.from_pretrained(below, trust_remote_code=False)
    model = assembled(factory, Path(below), Path(folder)).eval().to(target)
    return LoadedTask(model, tokenizer, folder, DEFAULT_REVISION)


def _read(task: Task, source: str, revision: str, target: str) -> PreTrainedModel:
    """In float32 on a CPU, where half precision is slow; as it was stored on a GPU."""
    factory, kind = KINDS[task]
    _check_architecture(task, source, revision, kind)
    model, found = factory.from_pretrained(
        source,
        revision=revision,
        dtype=torch.float32 if target == "cpu" else "auto",
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    missing = sorted(name for name in found["missing_keys"] if not name.startswith(UNUSED))
    if missing:
        raise ValueError(f"it is not {kind}, or incomplete: its files lack {missing[0]} ({len(missing)} in all)")
    return model.eval().to(target)


def _check_architecture(task: Task, source: str, revision: str, kind: str) -> None:
    """The heads of classifiers look alike: what a model was saved as says what it was trained for."""
    expected = ARCHITECTURES.get(task)
    stated = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False).architectures or []
    if expected is not None and stated and not any(name.endswith(expected) for name in stated):
        raise ValueError(f"it is not {kind} but {', '.join(stated)}")


def _silently(_here: int, _total: int) -> None:
    """Task models are small beside the chat model: their download is not told apart."""


def _reason(error: Exception) -> str:
    if "entencePiece" in str(error) or "sentencepiece" in str(error):
        return "its tokenizer needs the package sentencepiece: pip install sentencepiece"
    return first_line(error)
