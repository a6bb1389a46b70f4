"""What is being served and in what state: loading → ready → dead, only ever forward.

It loads the model in a thread of its own, so that the server answers from its first moment. torch comes in there.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import psutil
import structlog

from llm.config import WorkerSettings
from llm.worker.admission import CLASSES, Admission
from llm.worker.engine import Engine
from llm.worker.errors import LoadError, NotReady, UnknownModel
from llm.worker.gate import Gate
from llm.worker.memory import cache_blocks, cache_budget
from llm.worker.metrics import Metrics
from llm.worker.names import served_name

if TYPE_CHECKING:
    from llm.worker.loader import LoadedModel

log = structlog.get_logger()

RETRY_LOADING_S = 5.0
SHORTEST_CONTEXT = 64  # tokens; a KV cache that holds less is of no use to anybody
SHUTTING_DOWN = "the worker is shutting down"
EXIT_LOAD_FAILED, EXIT_ENGINE_DIED = 2, 1

Status = Literal["loading", "ready", "dead"]


@dataclass(frozen=True, slots=True)
class ChatModel:
    """One model that answers chats; `context` is what model and KV cache allow, prompt and answer together."""

    name: str
    loaded: LoadedModel
    engine: Engine
    gate: Gate
    context: int
    created: int = field(default_factory=lambda: int(time.time()))


class Serving:
    """Loads, serves and buries the model. All but the loading itself happens in the event loop."""

    def __init__(
        self, settings: WorkerSettings, metrics: Metrics, on_fatal: Callable[[int, str], None] | None = None
    ) -> None:
        """`on_fatal(exit_code, reason)` is called once when there is nothing left to serve."""
        self.status: Status = "loading"
        self.reason = "starting"
        self.progress = 0.0
        self.chat: ChatModel | None = None
        self.renderer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="template")
        self._settings = settings
        self._metrics = metrics
        self._on_fatal = on_fatal
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to load; returns at once."""
        self._loop = loop = asyncio.get_running_loop()
        if self._settings.model == "none":
            self._become_ready(None)
            return
        threading.Thread(target=self._load, args=(loop,), name="loader", daemon=True).start()

    def drain(self) -> None:
        """Take nothing new, refuse what waits, let what runs finish for `drain_s`, then end it. For signal handlers."""
        if self._loop is not None:
            _post(self._loop, self._drain, self._loop)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.status == "dead":
            return
        self.status, self.reason = "dead", SHUTTING_DOWN
        if self.chat is not None:
            self.chat.gate.close(SHUTTING_DOWN)
            loop.call_later(self._settings.drain_s, loop.run_in_executor, None, self.chat.engine.close)

    def close(self) -> bool:
        """End the engine; False when its thread would not end. Blocks for some seconds at most."""
        self.status, self.reason = "dead", SHUTTING_DOWN
        self.renderer.shutdown(wait=False, cancel_futures=True)
        return self.chat.engine.close() if self.chat is not None else True

    def find(self, name: str | None) -> ChatModel:
        """The model of that name, None meaning the only one. Raises NotReady, UnknownModel."""
        if self.status == "loading":
            raise NotReady(f"The model is loading ({self.reason}); try again soon.", retry_after_s=RETRY_LOADING_S)
        if self.status == "dead":
            raise NotReady(f"The worker is down: {self.reason}", code="engine_dead", retry_after_s=RETRY_LOADING_S)
        if self.chat is None:
            raise UnknownModel("This worker serves no chat model.", param="model")
        if name is not None and name not in (self.chat.name, self._settings.model):
            raise UnknownModel(f"The model {name!r} is not served here; served: {self.chat.name!r}.", param="model")
        return self.chat

    def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loader thread. The edge where anything may go wrong: whatever it is, health must say so."""
        try:
            chat = self._build(loop)
        except LoadError as error:
            _post(loop, self._die, EXIT_LOAD_FAILED, str(error))
        except Exception as error:
            log.exception("model_load_failed", model=self._settings.model)
            reason = f"cannot load the model {self._settings.model!r}: {type(error).__name__}: {error}"
            _post(loop, self._die, EXIT_LOAD_FAILED, reason)
        else:
            if not _post(loop, self._become_ready, chat):
                chat.engine.close()

    def _build(self, loop: asyncio.AbstractEventLoop) -> ChatModel:
        settings = self._settings
        self._report("importing the libraries", 0.0)
        from llm.worker.batching import BatchingEngine, BatchingSettings
        from llm.worker.loader import load

        loaded = load(settings.model, settings.quantization, settings.device, self._report)
        self._report("preparing the KV cache", 0.9)
        context = min(loaded.context, settings.max_model_len or loaded.context)
        sizes = BatchingSettings(
            max_batch_tokens=settings.max_batch_tokens,
            page_size=settings.page_size,
            max_running=settings.max_running,
            cache_blocks=self._cache_blocks(loaded, context),
            silence_s=settings.token_timeout_s,
        )
        try:
            engine = BatchingEngine(loaded.model, loaded.eos_ids, sizes, loop, self._engine_died)
        except (MemoryError, ValueError, RuntimeError) as error:
            raise LoadError(f"the model {settings.model!r} loads, but cannot be run: {error}") from error
        return self._assemble(loaded, engine, min(context, engine.capacity))

    def _cache_blocks(self, loaded: LoadedModel, context: int) -> int | None:
        settings = self._settings
        if loaded.device == "cuda" and settings.cache_mib is None:
            return None
        budget = cache_budget(psutil.virtual_memory().available, settings.cache_mib)
        return cache_blocks(
            budget,
            loaded.kv_bytes_per_token,
            context,
            settings.max_running,
            settings.page_size,
            settings.max_batch_tokens,
        )

    def _assemble(self, loaded: LoadedModel, engine: Engine, context: int) -> ChatModel:
        settings = self._settings
        if context < SHORTEST_CONTEXT:
            engine.close()
            raise LoadError(f"the KV cache has room for {context} tokens only: give it more memory (cache_mib)")
        admission = Admission(settings.max_waiting, settings.max_running, engine.capacity)
        gate = Gate(admission, settings.max_running, settings.queue_timeout_s)
        return ChatModel(served_name(settings.model), loaded, engine, gate, context)

    def _report(self, reason: str, progress: float) -> None:
        self.reason, self.progress = reason, progress

    def _become_ready(self, chat: ChatModel | None) -> None:
        if self.status != "loading":  # closed meanwhile: nobody will use this engine
            if chat is not None:
                chat.engine.close()
            return
        self.chat = chat
        self.status, self.reason, self.progress = "ready", "", 1.0
        if chat is not None:
            self._follow(chat)
            loaded = chat.loaded
            log.info(
                "model_ready",
                model=chat.name,
                device=loaded.device,
                quantization=loaded.quantization,
                context=chat.context,
                cache_tokens=chat.engine.capacity,
            )

    def _follow(self, chat: ChatModel) -> None:
        self._metrics.follow_running(lambda: chat.engine.stats().running)
        self._metrics.follow_cache(lambda: chat.engine.stats().cache_used)
        for name in CLASSES:
            self._metrics.follow_waiting(name, lambda name=name: chat.gate.waiting()[name])  # type: ignore[misc]

    def _engine_died(self, cause: str) -> None:
        self._die(EXIT_ENGINE_DIED, f"the engine died: {cause}")

    def _die(self, exit_code: int, reason: str) -> None:
        if self.status == "dead":
            return
        self.status, self.reason = "dead", reason
        log.error("worker_dead", reason=reason)
        if self._on_fatal is not None:
            self._on_fatal(exit_code, reason)


def _post(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> bool:
    """Call back in the event loop; False when the worker was closed meanwhile and there is no loop any more."""
    try:
        loop.call_soon_threadsafe(callback, *arguments)
    except RuntimeError:
        return False
    return True
