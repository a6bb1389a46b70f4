"""The one file that runs transformers' continuous batching; what we put into its steps is in `attention.py` and
`sampling.py`, which say what they rely upon. It knows no text, no HTTP and no queue.

The manager computes in a thread of its own; what it delivers reaches the event loop by `call_soon_threadsafe`. What is
relied upon beyond its public methods (read in transformers 5.23): `output_router.result_handlers` (a cancelled request
leaves its handler there) and its `output_queue` (where outputs without a handler pile up), `batch_processor.cache`
(sizes, and what a prefix match reused) and its `scheduler` (jobs per step), `_generation_thread`,
`background_thread_status` (why it ended), and that the loop prepares a batch ten times a second also when idle.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import traceback
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from transformers import ContinuousBatchingConfig, GenerationConfig, PreTrainedModel
from transformers.generation.continuous_batching import ContinuousBatchingManager
from transformers.generation.continuous_batching.cache import PagedAttentionCache
from transformers.generation.continuous_batching.requests import GenerationOutput

from llm.worker import attention
from llm.worker.engine import EngineDied, EngineError, EngineStats, Job, SamplingParams, Tokens
from llm.worker.lean import make_lean
from llm.worker.machine import ram
from llm.worker.memory import SHARE_OF_GPU
from llm.worker.packing import pack_head
from llm.worker.sampling import Sampler
from llm.worker.spreading import is_spread, reach_across

COLDEST = 0.01  # below this temperature the division overflows into nothing but the best token anyway
HOTTEST = 100.0
STOP_TIMEOUT_S = 10.0
LOOKS = 10  # times that the watcher looks at the loop in `silence_s` before it calls it hung
# How Python, torch, CUDA and cuBLAS say that memory is short: the last three in a bare RuntimeError.
OUT_OF_MEMORY = ("MemoryError", "can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


@dataclass(frozen=True, slots=True)
class BatchingSettings:
    """Sizes of one manager. `cache_blocks` None lets transformers fill the GPU's free memory with KV cache."""

    max_batch_tokens: int
    page_size: int
    max_running: int
    cache_blocks: int | None
    silence_s: float  # longest wait of a job for its next token, and longest step before the engine counts as hung


class _Mailbox:
    """The newest output of one job: it repeats what those before it said, so whoever is slow reads fewer, longer ones.

    What has ended stays as it ended."""

    def __init__(self) -> None:
        self._newest: GenerationOutput | EngineError | None = None
        self._came = asyncio.Event()

    def put_nowait(self, output: GenerationOutput | EngineError) -> None:
        newest = self._newest
        ended = isinstance(newest, EngineError) or (newest is not None and newest.is_finished() and not newest.error)
        if not ended:
            self._newest = output
            self._came.set()

    async def get(self) -> GenerationOutput | EngineError:
        while self._newest is None:
            self._came.clear()
            await self._came.wait()
        output, self._newest = self._newest, None
        return output


@dataclass(slots=True)
class _Running:
    """One job inside the manager."""

    outputs: _Mailbox = field(default_factory=_Mailbox)
    sent: int = 0
    cached: int = 0


class _Nowhere(queue.Queue[GenerationOutput]):
    """For what a step still delivers of a job that was cancelled meanwhile; transformers would keep it for ever."""

    def put(self, item: GenerationOutput, block: bool = True, timeout: float | None = None) -> None:
        pass


def processor_arguments(sampling: SamplingParams, vocabulary: int) -> dict[str, float | int]:
    """The per-request arguments of `Sampler`: temperature 0 is greedy, `top_k` 0 is no limit.

    Requests are checked, a model's own generation_config is not: what is no number there is greedy, or no limit."""
    if not sampling.temperature >= COLDEST:  # not the same as "<": it is true of what is no number
        return {"temperature": 0.0, "top_k": 0, "top_p": 1.0}
    top_p = min(1.0, max(0.0, float(sampling.top_p))) if sampling.top_p == sampling.top_p else 1.0
    top_k = sampling.top_k if 0 < sampling.top_k < vocabulary else 0
    return {"temperature": min(HOTTEST, float(sampling.temperature)), "top_k": int(top_k), "top_p": top_p}


class BatchingEngine:
    """An `Engine` over transformers' ContinuousBatchingManager. Build it in any thread, use it from `loop` only."""

    def __init__(
        self,
        model: PreTrainedModel,
        eos_ids: Collection[int],
        settings: BatchingSettings,
        loop: asyncio.AbstractEventLoop,
        on_death: Callable[[EngineDied], None],
        on_step: Callable[[int], object] | None = None,
    ) -> None:
        """Allocates the KV cache and starts the thread; `on_death` is called in `loop` when that ends or hangs.

        `on_step` is called in the thread, before each step, with the number of jobs in it.

        Raises EngineDied where it cannot be built."""
        self._eos_ids = sorted(eos_ids)
        self._settings = settings
        self._vocabulary = int(model.get_input_embeddings().weight.shape[0])
        self._on_death = on_death
        self._loop = loop
        self._jobs: dict[str, _Running] = {}
        self._closing = False
        self._close_lock = threading.Lock()
        self._death: EngineDied | None = None
        self._turns = 0
        try:
            self._manager = build_manager(model, self._eos_ids, settings)
        except (MemoryError, RuntimeError, ValueError) as error:
            raise died_of(error) from None  # its traceback would hold on to the memory
        self._cache: PagedAttentionCache | None = self._manager.batch_processor.cache
        # One page less: the last one may be taken by rounding to whole pages.
        self._capacity = max(0, int(self._cache.num_blocks) - 1) * settings.page_size
        self._manager.output_router.output_queue = _Nowhere()
        self._meter_prefixes(self._cache)
        self._count_turns()
        if on_step is not None:
            self._meter_steps(on_step)
        self._manager.start()
        self._watcher = threading.Thread(target=self._watch, name="engine-watcher", daemon=True)
        self._watcher.start()

    @property
    def capacity(self) -> int:
        return self._capacity

    async def submit(self, job: Job) -> AsyncGenerator[Tokens, None]:
        running = self._jobs[job.id] = _Running()
        try:
            self._add(job, running)
            finished = False
            while not finished:
                piece = await self._next(running)
                finished = piece.finished
                yield piece
            del self._jobs[job.id]
        finally:
            self.cancel(job.id)

    def cancel(self, job_id: str) -> None:
        running = self._jobs.pop(job_id, None)
        if running is None:
            return
        router = self._manager.output_router
        with router._lock:
            router.result_handlers.pop(job_id, None)
        self._manager.cancel_request(job_id)
        running.outputs.put_nowait(EngineError("the job was cancelled"))

    def stats(self) -> EngineStats:
        return EngineStats(running=len(self._jobs), cache_used=self._cache_used())

    @contextmanager
    def paused(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(self._manager.pause())
            except RuntimeError as error:  # the loop has ended, or ends now
                raise EngineError(f"the generation loop cannot be paused: {error}") from None
            yield

    def close(self) -> bool:
        """May be called from any thread, and more than once."""
        self._closing = True
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(self._fail_all, "the engine was closed")
        with self._close_lock:
            if self._manager.is_running():
                self._manager.stop(block=True, timeout=STOP_TIMEOUT_S, hard_stop=True)
            ended = not self._manager.is_running()
            if ended:
                self._let_go()
            return ended

    def _let_go(self) -> None:
        """Free the KV cache now, whoever may still hold this engine: the next one needs the memory."""
        if self._cache is not None and self._manager.batch_processor is not None:
            del self._cache.search_prefix_match  # ours; circles that only the garbage collector would open
            del self._manager.batch_processor.prepare_next_batch
        self._cache = self._manager.batch_processor = None
        error = self._manager.background_thread_status.fatal_error
        while error is not None:  # its traceback holds the loop's frames, and those the step's tensors
            traceback.clear_frames(error.__traceback__)
            error = error.__context__

    def _add(self, job: Job, running: _Running) -> None:
        if self._death is not None:
            raise self._death.again()
        if self._closing:
            raise EngineError("the engine was closed")
        if not job.prompt or max(job.prompt) >= self._vocabulary:
            raise EngineError("the prompt is empty or has tokens that the model does not know")
        self._manager.register_result_handler(job.id, running.outputs.put_nowait)
        accepted = self._manager.add_request(
            list(job.prompt),
            request_id=job.id,
            max_new_tokens=job.max_tokens,
            streaming=True,
            eos_token_id=self._eos_ids,
            **processor_arguments(job.sampling, self._vocabulary),
        )
        if accepted is None:
            raise EngineDied("the generation loop has ended")

    async def _next(self, running: _Running) -> Tokens:
        output = await self._output(running)
        while output.error is not None:
            if self._manager.background_thread_status.can_accept_new_requests() is None:
                raise EngineError(output.error)
            output = await self._output(running)  # the loop is ending and fails everybody: `_died` says why
        new = output.generated_tokens[running.sent :]
        running.sent += len(new)
        return Tokens(new, output.is_finished(), running.cached)

    async def _output(self, running: _Running) -> GenerationOutput:
        try:
            async with asyncio.timeout(self._settings.silence_s):
                output = await running.outputs.get()
        except TimeoutError:
            raise EngineError(f"no token came for {self._settings.silence_s:g} s") from None
        if isinstance(output, EngineError):
            raise output
        return output

    def _count_turns(self) -> None:
        """Count the loop's turns, so that a step that never ends is noticed, whoever has stopped waiting for it."""
        processor = self._manager.batch_processor
        prepare = processor.prepare_next_batch

        def counted() -> bool:
            self._turns += 1
            return bool(prepare())

        processor.prepare_next_batch = counted

    def _meter_steps(self, on_step: Callable[[int], object]) -> None:
        """Learn how many jobs each step computes together."""
        scheduler = self._manager.batch_processor.scheduler
        schedule = scheduler.schedule_batch

        def metered(*limits: int) -> tuple[list[object] | None, bool, int, int]:
            scheduled: tuple[list[object] | None, bool, int, int] = schedule(*limits)
            if scheduled[0]:
                on_step(len(scheduled[0]))
            return scheduled

        scheduler.schedule_batch = metered

    def _meter_prefixes(self, cache: PagedAttentionCache) -> None:
        """Learn how many prompt tokens each job reused: the manager matches prefixes but does not report them."""
        search = cache.search_prefix_match

        def metered(request_id: str, prompt_ids: list[int]) -> int:
            matched = int(search(request_id, prompt_ids))
            running = self._jobs.get(request_id)
            if running is not None:
                running.cached = matched
            return matched

        cache.search_prefix_match = metered

    def _cache_used(self) -> float:
        """Share of the blocks in running jobs' hands; what is only kept for its prefix is free for the taking."""
        used, total = 0, 0
        for allocator in self._cache.cache_allocators.values() if self._cache is not None else ():
            used += len({block for table in list(allocator.block_table.values()) for block in list(table)})
            total += int(allocator.num_blocks)
        return used / total if total else 0.0

    def _watch(self) -> None:
        """Wait for the end of the loop's thread, or for a step without end, and report it: others wait for an answer.

        Looks are counted, not seconds: a process that was stopped for a while and goes on is not hung."""
        thread = self._manager._generation_thread
        turns, idle_looks = self._turns, 0
        while thread.is_alive() and idle_looks < LOOKS:
            thread.join(self._settings.silence_s / LOOKS)
            idle_looks = idle_looks + 1 if self._turns == turns else 0
            turns = self._turns
        if self._closing:
            return
        if thread.is_alive():
            death = EngineDied(f"a step has not ended in {self._settings.silence_s:g} s", hung=True)
        else:
            death = died_of(self._manager.background_thread_status.fatal_error)
        with suppress(RuntimeError):  # the event loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(self._died, death)

    def _died(self, death: EngineDied) -> None:
        self._death = death
        for running in self._jobs.values():
            running.outputs.put_nowait(death.again())
        self._on_death(death)

    def _fail_all(self, cause: str) -> None:
        for running in self._jobs.values():
            running.outputs.put_nowait(EngineError(cause))


def died_of(error: BaseException | None) -> EngineDied:
    """What ended the engine, in one line, and whether it was a lack of memory."""
    if error is None:
        return EngineDied("the generation loop ended")
    cause = f"{type(error).__name__}: {error}"
    return EngineDied(cause.splitlines()[0], out_of_memory=any(words in cause for words in OUT_OF_MEMORY))


def build_manager(model: PreTrainedModel, eos_ids: list[int], settings: BatchingSettings) -> ContinuousBatchingManager:
    """transformers' manager with our sampling and, on a CPU, our attention and our layers in it; not started."""
    generation = GenerationConfig(do_sample=False, eos_token_id=eos_ids or [-1])  # `Sampler` does the drawing
    batching = ContinuousBatchingConfig(
        page_size=settings.page_size,
        num_blocks=settings.cache_blocks,
        max_batch_tokens=settings.max_batch_tokens,
        max_requests_per_batch=min(settings.max_running, settings.max_batch_tokens),
        max_memory_percent=SHARE_OF_GPU if model.device.type == "cuda" else None,
        auto_switch_to_flash=False,  # it would fetch kernels from the hub; what the owner installed is chosen at load
        use_cuda_graph=False if is_spread(model) else None,  # a graph cannot be recorded over several GPUs
    )
    manager = model.init_continuous_batching(generation_config=generation, continuous_batching_config=batching)
    manager.logit_processor = Sampler()
    if model.device.type == "cpu":
        pack_head(model, ram().free)
    if is_spread(model):
        manager.batch_processor = manager._create_batch_processor()
        reach_across(manager.batch_processor.cache, model.device)
    manager.warmup()  # allocates the cache here, where running out of memory is an error and not a dead thread
    if attention.install(model, manager.batch_processor):
        make_lean(model)
    return manager
