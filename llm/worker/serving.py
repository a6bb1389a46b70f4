"""What is being served and in what state: loading → ready → dead, only ever forward.

It loads the model in a thread of its own, so that the server answers from its first moment. torch comes in there.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import structlog

from llm.config import WorkerSettings
from llm.worker.admission import CLASSES, Admission
from llm.worker.engine import Engine, EngineDied, EngineError
from llm.worker.errors import LoadError, NotReady, UnknownModel
from llm.worker.gate import Gate
from llm.worker.machine import free_memory
from llm.worker.memory import Sizes, cache_blocks, cache_budget
from llm.worker.metrics import Metrics
from llm.worker.names import served_name
from llm.worker.rebuilding import Build, RebuildingEngine
from llm.worker.tasks import Tasks

if TYPE_CHECKING:
    from llm.worker.loader import LoadedModel

log = structlog.get_logger()

RETRY_LOADING_S = 5.0
DRAIN_LOOK_S = 0.05
MIB = 2**20
SHORTEST_CONTEXT = 64  # tokens; a KV cache that holds less is of no use to anybody
SHUTTING_DOWN = "the worker is shutting down"
EXIT_LOAD_FAILED, EXIT_ENGINE_DIED, EXIT_ENGINE_HUNG = 2, 1, 3

Status = Literal["loading", "ready", "dead"]


@dataclass(frozen=True, slots=True)
class ChatModel:
    """One model that answers chats; `longest` is what model and owner allow, prompt and answer together, in tokens."""

    name: str
    loaded: LoadedModel
    engine: Engine
    gate: Gate
    longest: int
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def context(self) -> int:
        """What the KV cache allows, too: a lack of memory makes it smaller."""
        return min(self.longest, self.engine.capacity)

    def about(self) -> dict[str, object]:
        """What the list of models says beyond OpenAI: how it was loaded and why, and what its defaults ask in vain."""
        loaded = self.loaded
        return {"quantization": loaded.quantization, "why": loaded.why, "ignored": dict(loaded.ignored)}


class Serving:
    """Loads, serves and buries the model. All but the loading itself happens in the event loop."""

    def __init__(
        self,
        settings: WorkerSettings,
        metrics: Metrics,
        on_fatal: Callable[[int, str], None] | None = None,
        tasks: Tasks | None = None,
    ) -> None:
        """`on_fatal(exit_code, reason)` is called once when there is nothing left to serve."""
        self.tasks = tasks
        self.status: Status = "loading"
        self.reason = "starting"
        self.progress = 0.0
        self.chat: ChatModel | None = None
        self.renderer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="template")
        self.thinking = settings.thinking
        self.request_timeout_s = settings.request_timeout_s
        self._settings = settings
        self._metrics = metrics
        metrics.follow_ready(lambda: self.status == "ready")
        self._on_fatal = on_fatal
        self._loop: asyncio.AbstractEventLoop | None = None
        self._drain: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to load; returns at once."""
        self._loop = loop = asyncio.get_running_loop()
        if self._settings.model == "none" and (self.tasks is None or not self.tasks.names):
            self._become_ready(None)
            return
        threading.Thread(target=self._load, args=(loop,), name="loader", daemon=True).start()

    def drain(self, on_drained: Callable[[], None]) -> None:
        """Take nothing new, refuse what waits, let what runs finish for `drain_s`, then end it. For signal handlers."""
        if self._loop is not None:
            _post(self._loop, self._begin_drain, self._loop, on_drained)

    def _begin_drain(self, loop: asyncio.AbstractEventLoop, on_drained: Callable[[], None]) -> None:
        if self._drain is not None or self.status == "dead":
            return
        self.status, self.reason = "dead", SHUTTING_DOWN
        self._drain = loop.create_task(self._run_dry())
        self._drain.add_done_callback(lambda _: on_drained())

    async def _run_dry(self) -> None:
        if self.chat is None:
            return
        self.chat.gate.close(SHUTTING_DOWN)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_s):
                while self.chat.gate.running:  # noqa: ASYNC110 - once in a process's life: not worth a subscription
                    await asyncio.sleep(DRAIN_LOOK_S)
        await asyncio.to_thread(self.chat.engine.close)

    def close(self) -> bool:
        """End the engine; False when its thread would not end. Blocks for some seconds at most."""
        self.status, self.reason = "dead", SHUTTING_DOWN
        self.renderer.shutdown(wait=False, cancel_futures=True)
        return self.chat.engine.close() if self.chat is not None else True

    def find(self, name: str | None) -> ChatModel:
        """The model of that name, None meaning the only one. Raises NotReady, UnknownModel."""
        self.check_ready()
        if self.chat is None:
            raise UnknownModel("This worker serves no chat model.", param="model")
        written = self._settings.adapter or self._settings.model
        if name is not None and name not in (self.chat.name, written):
            raise UnknownModel(f"The model {name!r} is not served here; served: {self.chat.name!r}.", param="model")
        return self.chat

    def ready_tasks(self) -> Tasks:
        """The task models. Raises NotReady, UnknownModel."""
        self.check_ready()
        if self.tasks is None:
            raise UnknownModel("This worker serves no task models.", param="model")
        return self.tasks

    def check_ready(self) -> None:
        """Raises NotReady while loading and after the end."""
        if self.status == "loading":
            raise NotReady(f"The model is loading ({self.reason}); try again soon.", retry_after_s=RETRY_LOADING_S)
        if self.status == "dead":
            raise NotReady(f"The worker is down: {self.reason}", code="engine_dead", retry_after_s=RETRY_LOADING_S)

    def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loader thread. The edge where anything may go wrong: whatever it is, health must say so."""
        try:
            if self.tasks is not None:
                self.tasks.load(self._report)  # first: the KV cache takes what they leave
            chat = self._build(loop) if self._settings.model != "none" else None
        except LoadError as error:
            _post(loop, self._die, EXIT_LOAD_FAILED, str(error))
        except Exception as error:
            log.exception("model_load_failed", model=self._settings.model)
            reason = f"cannot load the model {self._settings.model!r}: {type(error).__name__}: {error}"
            _post(loop, self._die, EXIT_LOAD_FAILED, reason)
        else:
            if not _post(loop, self._become_ready, chat) and chat is not None:
                chat.engine.close()

    def _build(self, loop: asyncio.AbstractEventLoop) -> ChatModel:
        settings = self._settings
        self._report("importing the libraries", 0.0)
        from llm.worker.loader import load

        loaded = load(
            settings.model,
            settings.quantization,
            settings.device,
            self._report,
            settings.trust_remote_code,
            settings.adapter,
        )
        self._report("preparing the KV cache", 0.9)
        context = min(loaded.context, settings.max_model_len or loaded.context)
        sizes = Sizes(settings.max_batch_tokens, self._cache_tokens(loaded, context))
        build = self._engine_factory(loaded, loop)
        try:
            engine = RebuildingEngine(build, sizes, loaded.eos_ids, loop, self._engine_died, self._metrics)
        except EngineError as error:
            raise LoadError(f"the model {settings.model!r} loads, but cannot be run: {error}") from error
        return self._assemble(loaded, engine, context)

    def _engine_factory(self, loaded: LoadedModel, loop: asyncio.AbstractEventLoop) -> Build:
        from llm.worker.batching import BatchingEngine, BatchingSettings

        settings = self._settings

        def build(sizes: Sizes, on_death: Callable[[EngineDied], None]) -> Engine:
            tokens = sizes.cache_tokens
            exact = BatchingSettings(
                max_batch_tokens=sizes.step_tokens,
                page_size=settings.page_size,
                max_running=settings.max_running,
                cache_blocks=None if tokens is None else tokens // settings.page_size + 1,
                silence_s=settings.token_timeout_s,
            )
            return BatchingEngine(loaded.model, loaded.eos_ids, exact, loop, on_death, self._metrics.batch_size.observe)

        return build

    def _cache_tokens(self, loaded: LoadedModel, context: int) -> int | None:
        """Tokens of KV cache to begin with; None: what the GPU has room for."""
        settings = self._settings
        wanted = settings.cache_mib
        if loaded.device == "cuda" and wanted is None:
            return None
        free = free_memory(loaded.device).free
        budget = cache_budget(free, wanted)
        if wanted is not None and budget < wanted * MIB:
            log.warning("cache_mib_is_not_there", cache_mib=wanted, free_mib=free // MIB, taken_mib=budget // MIB)
        blocks = cache_blocks(
            budget,
            loaded.kv_bytes_per_token,
            context,
            settings.max_running,
            settings.page_size,
            settings.max_batch_tokens,
        )
        return (blocks - 1) * settings.page_size

    def _assemble(self, loaded: LoadedModel, engine: Engine, context: int) -> ChatModel:
        settings = self._settings
        if engine.capacity < SHORTEST_CONTEXT:
            engine.close()
            raise LoadError(f"the KV cache has room for {engine.capacity} tokens only: give it more memory (cache_mib)")
        admission = Admission(settings.max_waiting, settings.max_running, engine.capacity, settings.page_size)
        gate = Gate(admission, settings.queue_timeout_s, capacity=lambda: engine.capacity)
        return ChatModel(served_name(loaded.adapter or settings.model), loaded, engine, gate, context)

    def _report(self, reason: str, progress: float) -> None:
        self.reason, self.progress = reason, max(self.progress, progress)

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
                why=loaded.why,
                context=chat.context,
                cache_tokens=chat.engine.capacity,
            )

    def _follow(self, chat: ChatModel) -> None:
        self._metrics.follow_running(lambda: chat.engine.stats().running)
        self._metrics.follow_cache(lambda: chat.engine.stats().cache_used, lambda: chat.engine.capacity)
        for name in CLASSES:
            self._metrics.follow_waiting(name, lambda name=name: chat.gate.waiting()[name])  # type: ignore[misc]

    def _engine_died(self, death: EngineDied) -> None:
        """There will be no other engine in this process."""
        self._die(EXIT_ENGINE_HUNG if death.hung else EXIT_ENGINE_DIED, f"the engine died: {death}")

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
