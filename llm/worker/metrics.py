"""The worker's figures for Prometheus, in a registry of their own: two apps in one process do not share them."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

TASK_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32)
FIRST_TOKEN_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters and gauges of one worker. Gauges that follow a state are read when somebody asks for them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self.reused_tokens = Counter(
            "steward_prompt_tokens_reused", "Prompt tokens taken from the prefix cache", registry=self.registry
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
        self._cache = Gauge("steward_cache_used_ratio", "Share of the KV cache in use", registry=self.registry)

    def refuse(self, status: int, code: str | None) -> None:
        """Count a request that was answered with an error, before its stream began or in the middle of it."""
        self.refused.labels(str(status), code or "").inc()

    def follow_running(self, read: Callable[[], float]) -> None:
        """Ask `read` for the number of running requests whenever the figures are read."""
        self._running.set_function(read)

    def follow_cache(self, read: Callable[[], float]) -> None:
        """Ask `read` for the used share (0 to 1) of the KV cache whenever the figures are read."""
        self._cache.set_function(read)

    def follow_waiting(self, priority: str, read: Callable[[], float]) -> None:
        """Ask `read` for the number of waiting requests of one class whenever the figures are read."""
        self._waiting.labels(priority).set_function(read)

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self.registry)
