"""The worker's figures for Prometheus, in a registry of their own: two apps in one process do not share them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from llm.types import Priority

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TASK_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32)
WAIT_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters and gauges of one worker. Gauges that follow a state are read when somebody asks for them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory and start time: a new start time is a restart
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        waits = partial(histogram, buckets=WAIT_BUCKETS_S)

        self.finished = counter("steward_requests_finished", "Chat requests that ended, by how", ["reason"])
        self.refused = counter("steward_requests_refused", "Requests answered with an error", ["status", "code"])
        self.first_token = waits("steward_first_token_seconds", "From a request's arrival to its first token")
        self.queued = waits("steward_queue_seconds", "From a request's arrival to its turn, by class", ["priority"])
        self._waiting = gauge("steward_waiting", "Requests in the queue, by class", ["priority"])
        self._running = gauge("steward_running", "Requests being computed")

        self.prompt_tokens = counter("steward_prompt_tokens", "Prompt tokens received")
        self._computed_tokens = counter("steward_prompt_tokens_computed", "Prompt tokens computed until a first token")
        self._reused_tokens = counter("steward_prompt_tokens_reused", "Prompt tokens that came from the prefix cache")
        self.answer_tokens = counter("steward_answer_tokens", "Tokens generated")
        self._cache = gauge("steward_cache_used_ratio", "Share of the KV cache in running requests' hands")
        self._capacity = gauge("steward_cache_capacity_tokens", "Tokens that the KV cache can hold at once")

        self.batch_size = histogram("steward_batch_size", "Requests computed in one step", buckets=BATCH_BUCKETS)
        self.task_batch = histogram(
            "steward_task_batch_size", "Texts that a task model computed at once", ["model"], buckets=TASK_BATCH_BUCKETS
        )
        self.model_bytes = gauge("steward_task_model_bytes", "Memory of a task model's weights", ["model"])

        self._ready = gauge("steward_ready", "1 while requests are taken, else 0")
        self.rebuilds = counter("steward_engine_rebuilds", "Engines built to replace one that died")
        self.resubmitted = counter("steward_jobs_resubmitted", "Jobs that an engine's death sent to the next one")
        self.shrinks = counter("steward_out_of_memory_shrinks", "Times that lack of memory made the engine smaller")
        self._show_zeros()

    def _show_zeros(self) -> None:
        """A count that first appears as 1 looks like no increase: what is known to happen is there from the start."""
        for reason in ("stop", "length", "cancelled", "deadline", "error"):
            self.finished.labels(reason)
        for priority in get_args(Priority):
            self.queued.labels(priority)
            self._waiting.labels(priority)

    def prefilled(self, prompt: int, reused: int) -> None:
        """Count a prompt whose first token came: `reused` of its tokens were in the prefix cache."""
        self._computed_tokens.inc(prompt - reused)
        self._reused_tokens.inc(reused)

    def refuse(self, status: int, code: str | None) -> None:
        """Count a request that was answered with an error, before its stream began or in the middle of it."""
        self.refused.labels(str(status), code or "").inc()

    def follow_running(self, read: Callable[[], float]) -> None:
        """Ask `read` for the number of running requests whenever the figures are read."""
        self._running.set_function(read)

    def follow_cache(self, used: Callable[[], float], capacity: Callable[[], float]) -> None:
        """Ask for the used share (0 to 1) of the KV cache and for its size in tokens whenever the figures are read."""
        self._cache.set_function(used)
        self._capacity.set_function(capacity)

    def follow_ready(self, read: Callable[[], bool]) -> None:
        """Ask `read` whether the worker is ready whenever the figures are read."""
        self._ready.set_function(read)

    def follow_waiting(self, priority: str, read: Callable[[], float]) -> None:
        """Ask `read` for the number of waiting requests of one class whenever the figures are read."""
        self._waiting.labels(priority).set_function(read)

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self.registry)
