"""Collects what many requests ask of one model and computes it together. Pure asyncio: it knows no torch and no text.

Waits until 32 items are there or 5 ms are over, takes them in turn from all waiting requests, sorts them by length so
that little is padded, and computes them in one worker thread: the event loop is never blocked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from llm.worker.errors import ApiError, GenerationFailed, NotReady, QueueFull

log = structlog.get_logger()

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_POOL = 32  # items that are collected before they are computed
PATIENCE_S = 0.005  # how long the oldest item waits for company
WORTHWHILE = 0.75  # share of a batch that must be content; below it the batch is cut in two
RETRY_S = 1.0  # when to come back to a full queue


@dataclass(frozen=True, slots=True)
class Shape(Generic[Item]):
    """What the batcher must know of an item: its length in tokens, and which items can be computed together at all."""

    length: Callable[[Item], int]
    kind: Callable[[Item], Hashable] = lambda _: None
    largest_batch: Callable[[Item], int] = lambda _: LARGEST_POOL


@dataclass(eq=False, slots=True)
class _Request(Generic[Item, Result]):
    """One request's items: `todo` holds the places of those that have not begun."""

    items: Sequence[Item]
    todo: deque[int]
    done: asyncio.Future[list[Result]]
    results: list[Any] = field(default_factory=list)
    missing: int = 0


Work = tuple[_Request[Item, Result], int]  # a request and the place of one of its items


class MicroBatcher(Generic[Item, Result]):
    """One model's batches. `run` computes a batch in `executor` and returns one result for each item, in order.

    When a batch fails its items are computed once more one by one, so that only the guilty request learns of it."""

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result]],
        shape: Shape[Item],
        executor: Executor,
        max_waiting: int,
        observe: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`max_waiting` bounds the items that wait; `observe` is told the size of each batch."""
        self._run = run
        self._shape = shape
        self._executor = executor
        self._max_waiting = max_waiting
        self._observe = observe
        self._requests: deque[_Request[Item, Result]] = deque()  # those with items that have not begun
        self._unanswered: set[_Request[Item, Result]] = set()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed: str | None = None

    @property
    def waiting(self) -> int:
        """Items that have not begun."""
        return sum(len(request.todo) for request in self._requests)

    async def submit(self, items: Sequence[Item]) -> list[Result]:
        """The results of one request's items, in their order. Cancelling takes what has not begun out of the queue.

        Raises QueueFull, NotReady, GenerationFailed, and ApiError for a request that no empty queue could hold."""
        self._check(len(items))
        if not items:
            return []
        order = sorted(range(len(items)), key=lambda place: self._shape.length(items[place]))
        done = asyncio.get_running_loop().create_future()
        request: _Request[Item, Result] = _Request(items, deque(order), done, [None] * len(items), len(items))
        self._requests.append(request)
        self._unanswered.add(request)
        self._arrived.set()
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="microbatcher")
        try:
            results: list[Result] = await done
            return results
        finally:
            request.todo.clear()
            self._unanswered.discard(request)

    async def close(self, reason: str) -> None:
        """Refuse what waits and what comes; a batch that is being computed ends in its thread."""
        self._closed = reason
        for request in self._unanswered:
            _fail(request, NotReady(reason, retry_after_s=RETRY_S))
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _check(self, new: int) -> None:
        if self._closed is not None:
            raise NotReady(self._closed, retry_after_s=RETRY_S)
        if new > self._max_waiting:
            raise ApiError(
                f"The request comes to {new} pieces of work (windows of the texts, times labels); "
                f"{self._max_waiting} are allowed: send it in parts.",
                param="input",
            )
        if self.waiting + new > self._max_waiting:
            raise QueueFull(
                f"{self.waiting} texts are waiting for this model already; try again later.", retry_after_s=RETRY_S
            )

    async def _work(self) -> None:
        while True:
            self._arrived.clear()
            if not self.waiting:
                await self._arrived.wait()
            await self._company()
            for batch in cut(self._collect(), self._shape):
                await self._compute(batch)

    async def _company(self) -> None:
        """Wait until a pool is full or the patience is over, whichever is first."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while self.waiting < LARGEST_POOL and loop.time() < deadline:
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._arrived.wait()
            except TimeoutError:
                return

    def _collect(self) -> list[Work[Item, Result]]:
        """At most a pool of items, one from each request in turn: a large request does not keep a small one waiting."""
        pool: list[Work[Item, Result]] = []
        while self._requests and len(pool) < LARGEST_POOL:
            request = self._requests.popleft()
            if request.todo:
                pool.append((request, request.todo.popleft()))
                self._requests.append(request)
        return pool

    async def _compute(self, batch: list[Work[Item, Result]]) -> None:
        alive = [(request, place) for request, place in batch if not request.done.done()]
        if not alive:
            return
        try:
            results = await self._in_thread(alive)
        except Exception as error:  # the worker's edge: whatever a model raises becomes an answer
            await self._after_failure(alive, error)
            return
        for (request, place), result in zip(alive, results, strict=True):
            request.results[place] = result
            request.missing -= 1
            if not request.missing and not request.done.done():
                request.done.set_result(request.results)

    async def _in_thread(self, batch: list[Work[Item, Result]]) -> Sequence[Result]:
        self._observe(len(batch))
        items = [request.items[place] for request, place in batch]
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, items)

    async def _after_failure(self, batch: list[Work[Item, Result]], error: Exception) -> None:
        if len(batch) > 1:
            for work in batch:
                await self._compute([work])
            return
        request, _ = batch[0]
        log.error("task_batch_failed", kind=type(error).__name__)
        _fail(request, GenerationFailed(f"The model failed on this input: {type(error).__name__}"))


def cut(pool: list[Work[Item, Result]], shape: Shape[Item]) -> Iterator[list[Work[Item, Result]]]:
    """Batches of what can be computed together: sorted by length, cut where too much would be padding."""

    def item(work: Work[Item, Result]) -> Item:
        return work[0].items[work[1]]

    kinds: dict[Hashable, list[Work[Item, Result]]] = {}
    for work in pool:
        kinds.setdefault(shape.kind(item(work)), []).append(work)
    for alike in kinds.values():
        alike.sort(key=lambda work: shape.length(item(work)))
        batch: list[Work[Item, Result]] = []
        content = 0
        for work in alike:
            length = max(1, shape.length(item(work)))
            padded = length * (len(batch) + 1)
            if batch and (content + length < WORTHWHILE * padded or len(batch) >= shape.largest_batch(item(work))):
                yield batch
                batch, content = [], 0
            batch.append(work)
            content += length
        yield batch


def _fail(request: _Request[Any, Any], error: Exception) -> None:
    request.todo.clear()
    if not request.done.done():
        request.done.set_exception(error)
