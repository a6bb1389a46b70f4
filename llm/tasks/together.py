"""Several requests at once: all their results, or the first error. It does not know what is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from llm.errors import LLMError

T = TypeVar("T")


async def all_of(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order; the first that fails ends the others. Raises LLMError."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except* LLMError as errors:
        raise _first(errors) from None
    return [task.result() for task in tasks]


def _first(errors: BaseExceptionGroup[LLMError]) -> LLMError:
    error = errors.exceptions[0]
    return error if isinstance(error, LLMError) else _first(error)
