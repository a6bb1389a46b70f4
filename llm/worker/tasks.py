"""The task models of a worker: which are wanted, loading them, finding the one that a request means.

It knows no HTTP. torch comes in only when there is something to load.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from llm import builtin
from llm.config import CHAT, OFF, TASKS, Device, Task, TaskModelSettings
from llm.worker.errors import UnknownModel
from llm.worker.metrics import Metrics
from llm.worker.names import served_name
from llm.worker.threads import Threads

if TYPE_CHECKING:
    from llm.worker.classifiers import TaskModel

log = structlog.get_logger()

BUILT_IN: dict[Task, str] = {
    "entities": "embedded/entities",
    "classify": "embedded/sentiment",
    "moderations": "embedded/toxicity",
    "embeddings": "embedded/embeddings",
}
"""What serves a task whose setting is empty, where that model is here."""

Model = TypeVar("Model", bound="TaskModel")
Report = Callable[[str, float], None]


def wanted(settings: TaskModelSettings) -> dict[Task, str]:
    """The name of the model of each task that is on."""
    names: dict[Task, str] = {}
    for task in TASKS:
        name = str(getattr(settings, task)) or BUILT_IN.get(task, OFF)
        built_in_only = not getattr(settings, task)
        if name not in (OFF, CHAT) and not (built_in_only and builtin.folder_of(name) is None):
            names[task] = name
    return names


class Tasks:
    """Loads and holds the task models. `load` runs in the loader's thread, all else in the event loop."""

    def __init__(self, settings: TaskModelSettings, device: Device, metrics: Metrics) -> None:
        self.settings = settings
        self.names = wanted(settings)
        self.created = int(time.time())
        self._device = device
        self._metrics = metrics
        self._threads = Threads()
        self._models: dict[Task, TaskModel] = {}

    def load(self, report: Report) -> None:
        """Load every model that is wanted. Raises LoadError for the first that cannot be."""
        if not self.names:
            return
        report("importing the libraries", 0.0)
        from llm.worker.task_building import build

        for place, (task, name) in enumerate(self.names.items()):
            report(f"reading the model for {task}: {name}", 0.1 * place / len(self.names))
            model = build(task, name, self._device, self.settings, self._threads, self._metrics, self._models.values())
            self._models[task] = model
            self._metrics.model_bytes.labels(model.name).set(model.bytes)
            log.info("task_model_ready", task=task, model=model.name, mib=model.bytes // 2**20)

    def find(self, tasks: tuple[Task, ...], name: str | None, kind: type[Model]) -> Model:
        """The model of that name among those of `tasks`; None means the first that is on. Raises UnknownModel."""
        models = [self._models[task] for task in tasks if task in self._models]
        if not models:
            raise UnknownModel(
                f"This worker serves no model for this: its owner can name one as [tasks] {tasks[0]}.",
                param="model" if name is not None else None,
            )
        wanted_name = models[0].name if name is None else served_name(name)
        for model in models:
            if model.name == wanted_name and isinstance(model, kind):
                return model
        served = ", ".join(repr(model.name) for model in models)
        raise UnknownModel(f"The model {name!r} is not served for this; served: {served}.", param="model")

    def listed(self) -> list[tuple[str, int, dict[str, Any]]]:
        """(name, longest input in tokens, what else is to be known) of each model, every name once."""
        about = {model.name: (model.max_model_len, model.about()) for model in self._models.values()}
        return [(name, length, more) for name, (length, more) in about.items()]

    @property
    def bytes(self) -> int:
        """Memory that the weights take."""
        return sum({model.name: model.bytes for model in self._models.values()}.values())

    async def close(self, reason: str) -> None:
        """Refuse what waits and what comes."""
        for model in self._models.values():
            await model.close(reason)
        self._threads.close()
