"""A task model as the worker serves it, without HTTP: what the evaluations of names and labels ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llm.config import Task, TaskModelSettings
from llm.worker.classifiers import TaskModel
from llm.worker.metrics import Metrics
from llm.worker.task_building import build
from llm.worker.threads import Threads


@asynccontextmanager
async def served(task: Task, name: str) -> AsyncIterator[TaskModel]:
    """The model of that name (built in, a folder or a hub id). Raises LoadError."""
    threads = Threads()
    try:
        model = build(task, name, "auto", TaskModelSettings(), threads, Metrics(), [])
        yield model
        await model.close("the evaluation is over")
    finally:
        threads.close()
