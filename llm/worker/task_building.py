"""Puts a task model together: weights, batcher, and what its output means. It runs in the loader's thread."""

from __future__ import annotations

from collections.abc import Iterable

from llm.config import Device, Task, TaskModelSettings
from llm.worker import seq2seq
from llm.worker.classifiers import (
    EmbeddingModel,
    EncoderModel,
    EntityModel,
    LabelModel,
    TaskModel,
    Window,
    ZeroShotModel,
)
from llm.worker.encoders import Encoder
from llm.worker.errors import LoadError
from llm.worker.metrics import Metrics
from llm.worker.microbatch import MicroBatcher, Shape
from llm.worker.names import served_name
from llm.worker.pooling import read_pooling
from llm.worker.seq2seq import Seq2SeqModel
from llm.worker.seq2seq_model import EncoderDecoder
from llm.worker.task_loader import LoadedTask, load_task
from llm.worker.threads import Threads

WINDOW_SHAPE: Shape[Window] = Shape(length=lambda window: len(window.ids))


def build(
    task: Task,
    name: str,
    device: Device,
    settings: TaskModelSettings,
    threads: Threads,
    metrics: Metrics,
    built: Iterable[TaskModel],
) -> TaskModel:
    """The served model of one task; weights that another text-classification task has loaded are shared.

    Raises LoadError, one line that names the task."""
    served = served_name(name)
    shared = [model for model in built if model.name == served and isinstance(model, LabelModel | ZeroShotModel)]
    if shared and task in ("classify", "zero_shot", "moderations"):
        return _model(task, shared[0], settings)
    if task == "seq2seq":
        return _seq2seq(served, load_task(task, name, device), settings, threads, metrics)
    encoder = _encoder(task, load_task(task, name, device))
    observe = metrics.task_batch.labels(served).observe
    batcher = MicroBatcher(encoder.run, WINDOW_SHAPE, threads.encoders, settings.max_waiting_texts, observe)
    return _model(task, EncoderModel(served, encoder, batcher, threads, settings.task_timeout_s), settings)


def _seq2seq(
    name: str, loaded: LoadedTask, settings: TaskModelSettings, threads: Threads, metrics: Metrics
) -> Seq2SeqModel:
    writer = EncoderDecoder(loaded.model, loaded.tokenizer)
    observe = metrics.task_batch.labels(name).observe
    batcher = MicroBatcher(writer.generate, seq2seq.shape(), threads.seq2seq, settings.max_waiting_texts, observe)
    return Seq2SeqModel(name, writer, batcher, threads, settings.task_timeout_s)


def _encoder(task: Task, loaded: LoadedTask) -> Encoder:
    try:
        if task == "embeddings":
            pooling = read_pooling(loaded.source, loaded.revision)
            return Encoder(loaded.model, loaded.tokenizer, "vector", pooling.mode, pooling.longest)
        return Encoder(loaded.model, loaded.tokenizer, "tokens" if task == "entities" else "text")
    except LoadError as error:
        raise LoadError(f"[tasks] {task}: {error}") from error


def _model(task: Task, base: EncoderModel, settings: TaskModelSettings) -> TaskModel:
    parts = (base.name, base.encoder, base.batcher, base.threads, base.timeout_s)
    if task == "entities":
        return EntityModel(*parts)
    if task == "embeddings":
        return EmbeddingModel(*parts)
    if task == "zero_shot":
        return ZeroShotModel(*parts, _entailment(base.encoder.labels))
    if base.encoder.activation == "none":
        raise LoadError(f"[tasks] {task}: the model {base.name!r} was trained to guess numbers, not labels")
    harmless = frozenset(label.lower() for label in settings.harmless_labels)
    return LabelModel(*parts, base.encoder.activation == "sigmoid", harmless, settings.moderation_threshold)


def _entailment(labels: dict[int, str]) -> int:
    for place, label in labels.items():
        if label.lower().startswith("entail"):
            return place
    known = ", ".join(labels.values())
    raise LoadError(f"[tasks] zero_shot: the model was not made for it: entailment is not among its labels ({known})")
