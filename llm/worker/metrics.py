"""The worker's figures for Prometheus, in a registry of their own: two apps in one process do not share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from llm.types import Priority

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TASK_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32)
FIRST_TOKEN_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters and gauges of one worker. Gauges that follow a state are read when somebody asks for them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory and start time: a new start time is a restart
        self.finished = Counter(
            "steward_requests_finished", "Chat requests that ended, by how", ["reason"], registry=self.registry
        )
        self.refused = Counter(
            "steward_requests_refused",
            "Requests answered with an error, by status and by the error's code",
            ["status", "code"],
            registry=self.registry,
        )
        self.prompt_tokens = Counter("steward_prompt_tokens", "Prompt tokens received", registry=self.registry)
        self._computed_tokens = Counter(
            "steward_prompt_tokens_computed",
            "Prompt tokens computed for the requests that got a first token",
            registry=self.registry,
        )
        self._reused_tokens = Counter(
            "steward_prompt_tokens_reused",
            "Prompt tokens of the same requests that came from the prefix cache",
            registry=self.registry,
        )
        self.answer_tokens = Counter("steward_answer_tokens", "Tokens generated", registry=self.registry)
        self.first_token = Histogram(
            "steward_first_token_seconds",
            "From the request's arrival to its first token",
            buckets=FIRST_TOKEN_BUCKETS_S,
            registry=self.registry,
        )
        self.queued = Histogram(
            "steward_queue_seconds",
            "From the request's arrival to its turn, by class",
            ["priority"],
            buckets=FIRST_TOKEN_BUCKETS_S,
            registry=self.registry,
        )
        self.batch_size = Histogram(
            "steward_batch_size",
            "Requests computed together in one step",
            buckets=BATCH_BUCKETS,
            registry=self.registry,
        )
        self.rebuilds = Counter(
            "steward_engine_rebuilds", "Engines built to replace one that died", registry=self.registry
        )
        self.resubmitted = Counter(
            "steward_jobs_resubmitted",
            "Jobs that an engine's death sent to the next one",
            registry=self.registry,
        )
        self.shrinks = Counter(
            "steward_out_of_memory_shrinks",
            "Times that lack of memory made the engine smaller",
            registry=self.registry,
        )
        self.task_batch = Histogram(
            "steward_task_batch_size",
            "Texts (windows of long ones) that a task model computed at once",
            ["model"],
            buckets=TASK_BATCH_BUCKETS,
            registry=self.registry,
        )
        self.model_bytes = Gauge(
            "steward_task_model_bytes", "Memory that a task model's weights take", ["model"], registry=self.registry
        )
        self._waiting = Gauge(
            "steward_waiting", "Requests in the queue, by class", ["priority"], registry=self.registry
        )
        self._running = Gauge("steward_running", "Requests being computed", registry=self.registry)
        self._cache = Gauge(
            "steward_cache_used_ratio", "Share of the KV cache in running requests' hands", registry=self.registry
        )
        self._capacity = Gauge(
            "steward_cache_capacity_tokens", "Tokens that the KV cache can hold at once", registry=self.registry
        )
        self._ready = Gauge("steward_ready", "1 while requests are taken, else 0", registry=self.registry)
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
