"""An engine that outlives the engine inside it. It knows no torch, no transformers, no text and no HTTP.

When the inner engine dies, a new one is built in a thread, and every job goes on there as prompt + tokens so far, with
the tokens that it may still have; whoever reads its stream notices a pause. What the death means for the jobs:

- Out of memory: the sizes are too big, no job is to blame. The next engine gets a smaller step and a smaller cache
  (`memory.Sizes`), down to a floor; at the floor, or when a rebuild fails for another reason, it is a failure as any.
- Any other failure makes all jobs inside suspects. They are tried one at a time, each alone in the new engine until it
  has said PROBATION_TOKENS (it broke before its next one) or TRIAL_S are over; everybody else waits for that.
  A job is failed only when the engine dies a second time under it while it is alone: so the others are not to blame.
- More than MAX_FAILURES within WINDOW_S, a rebuild that fails, or a step that hangs (no thread can be killed): the
  engine is dead for good, every job fails with the cause, and the process should end and be started again.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace

import structlog

from llm.worker.engine import Engine, EngineDied, EngineError, EngineStats, Job, Tokens
from llm.worker.memory import Sizes
from llm.worker.metrics import Metrics
from llm.worker.survivor import Survivor

log = structlog.get_logger()

TRIAL_S = 10.0  # a reader who has stopped reading must not hold up the others for longer
MAX_FAILURES, WINDOW_S = 5, 120.0
REBUILD_S = 180.0

Build = Callable[[Sizes, Callable[[EngineDied], None]], Engine]


class RebuildingEngine:
    """An `Engine` over a factory of engines. Build it in any thread, use it from `loop` only."""

    def __init__(
        self,
        build: Build,
        sizes: Sizes,
        eos_ids: Collection[int],
        loop: asyncio.AbstractEventLoop,
        on_death: Callable[[EngineDied], None],
        metrics: Metrics,
    ) -> None:
        """Builds the first engine, smaller where memory is short; raises EngineDied when none can be built.

        `on_death` is called in `loop`, once, when there will be no other engine."""
        self._build = build
        self._eos_ids = frozenset(eos_ids)
        self._loop = loop
        self._on_death = on_death
        self._metrics = metrics
        self._works: dict[str, Survivor] = {}
        self._waiting: dict[str, Survivor] = {}
        self._inside: dict[str, Survivor] = {}
        self._on_trial: Survivor | None = None
        self._number = 0  # of the engine inside: how many died before it
        self._failures: deque[float] = deque()  # when, in the loop's time
        self._rebuilding: asyncio.Task[None] | None = None
        self._lock = threading.Lock()  # guards _engine and _closing, which other threads set
        self._closing = False
        self._death: EngineDied | None = None
        self._sizes = sizes
        self._first_cache, self._capacity = sizes.cache_tokens or 0, 0
        self._engine: Engine | None = self._build_fitting()
        self._first_cache = self._capacity
        self._open = True

    @property
    def capacity(self) -> int:
        return self._capacity

    async def submit(self, job: Job) -> AsyncGenerator[Tokens, None]:
        work = self._works[job.id] = Survivor(job)
        try:
            over = False
            while not over:
                async with aclosing(self._spell(work)) as pieces:
                    async for piece in pieces:
                        over = piece.finished
                        yield piece
        finally:
            self._works.pop(job.id, None)

    def cancel(self, job_id: str) -> None:
        waiting = self._waiting.pop(job_id, None)
        if waiting is not None and waiting.turn is not None and not waiting.turn.done():
            waiting.turn.set_exception(EngineError("the job was cancelled"))
        elif job_id in self._inside and self._engine is not None:
            self._engine.cancel(job_id)

    def stats(self) -> EngineStats:
        engine = self._engine
        return EngineStats(len(self._works), engine.stats().cache_used if engine is not None and self._open else 0.0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        engine = self._engine
        if engine is None or not self._open:
            raise EngineError(str(self._death or "the engine is being built again"))
        with engine.paused():
            del engine  # a dead one must not be kept in memory while the next is built
            yield

    def close(self) -> bool:
        """May be called from any thread, and more than once. False also when a step hangs: its thread cannot end."""
        with self._lock:
            self._closing = True
            engine = self._engine
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(self._refuse_waiting, "the engine was closed")
        if self._death is not None and self._death.hung:
            return False
        return engine.close() if engine is not None else True

    async def _spell(self, work: Survivor) -> AsyncGenerator[Tokens, None]:
        """The job's time in one engine: until it is finished, or that dies, or the trial is passed."""
        try:
            # no variable holds the engine: it would keep a dead one in memory while the next is built
            async with aclosing((await self._turn(work)).submit(work.rest())) as pieces:
                async for piece in pieces:
                    yield work.heard(piece, self._eos_ids)
        except EngineDied:
            if work.engine == self._number:  # a slow reader learns of it when there is a new engine already
                self._open = False  # whoever comes now waits for `_died`, which is on its way
            if work.verdict is not None or self._death is not None:
                raise EngineError(work.verdict or str(self._death)) from None
        finally:
            self._leave(work)

    async def _turn(self, work: Survivor) -> Engine:
        """Wait until the job may enter an engine. Raises EngineError when there will be none, or when it is too big."""
        if self._death is not None or self._closing:
            raise EngineError(str(self._death or "the engine was closed"))
        work.turn = self._loop.create_future()
        self._waiting[work.job.id] = work
        self._let_in()
        try:
            engine = await work.turn
        finally:
            self._waiting.pop(work.job.id, None)
            work.turn = None
        need = len(work.job.prompt) + work.job.max_tokens
        if need > engine.capacity:
            raise EngineError(f"the request needs {need} tokens of KV cache, and there are {engine.capacity} now")
        return engine

    def _leave(self, work: Survivor) -> None:
        self._inside.pop(work.job.id, None)
        if self._on_trial is work:
            self._acquit(work)
        else:
            self._let_in()

    def _acquit(self, work: Survivor) -> None:
        """The trial is over, and the job has done no harm."""
        if self._on_trial is work:
            self._on_trial = None
            work.suspect = work.alone = False
            self._let_in()

    def _let_in(self) -> None:
        """Everybody who waits; but where nothing runs, one suspect alone."""
        if not self._open or self._engine is None or self._on_trial is not None:
            return
        if not self._inside:
            suspect = next((work for work in self._waiting.values() if work.suspect), None)
            if suspect is not None:
                self._try(suspect, self._engine)
                return
        for work in list(self._waiting.values()):
            work.suspect = False
            self._enter(work, self._engine)

    def _try(self, work: Survivor, engine: Engine) -> None:
        self._on_trial = work
        work.alone = engine.stats().cache_used == 0.0  # one that was cancelled a moment ago may still be computed
        self._loop.call_later(TRIAL_S, self._acquit, work)
        self._enter(work, engine)

    def _enter(self, work: Survivor, engine: Engine) -> None:
        del self._waiting[work.job.id]
        if work.turn is not None and not work.turn.done():
            self._inside[work.job.id] = work
            work.engine = self._number
            work.turn.set_result(engine)

    def _died(self, death: EngineDied) -> None:
        """The inner engine has ended; those inside learn it after this."""
        self._open = False
        self._number += 1
        lost, tried = list(self._inside.values()), self._on_trial
        self._inside.clear()
        self._on_trial = None
        log.error("engine_died", cause=str(death), jobs=len(lost), out_of_memory=death.out_of_memory)
        if self._closing:
            return
        if death.hung:
            self._end(death)
        elif death.out_of_memory and self._shrink():
            self._begin_rebuild(len(lost))
        else:
            self._blame(lost, tried, death)
            if self._failures_lately() > MAX_FAILURES:
                self._end(EngineDied(f"more than {MAX_FAILURES} failures within {WINDOW_S:g} s, the last one: {death}"))
            else:
                self._begin_rebuild(len(lost))

    def _failures_lately(self) -> int:
        """How many there were, this one included."""
        now = self._loop.time()
        self._failures.append(now)
        while self._failures[0] < now - WINDOW_S:
            self._failures.popleft()
        return len(self._failures)

    def _blame(self, lost: list[Survivor], tried: Survivor | None, death: EngineDied) -> None:
        for work in lost:
            work.failures += 1
            work.suspect = True
        if tried is not None and tried.alone and tried.failures >= 2:
            tried.verdict = f"this request broke the engine twice: {death}"
            log.error("job_blamed", job=tried.job.id, prompt_tokens=len(tried.job.prompt), said=len(tried.said))

    def _begin_rebuild(self, jobs: int) -> None:
        self._metrics.rebuilds.inc()
        self._metrics.resubmitted.inc(jobs)
        self._rebuilding = self._loop.create_task(self._rebuild())

    async def _rebuild(self) -> None:
        try:
            async with asyncio.timeout(REBUILD_S):
                await asyncio.to_thread(self._replace)
        except TimeoutError:
            self._end(EngineDied(f"building a new engine took longer than {REBUILD_S:g} s", hung=True))
        except EngineDied as death:
            self._end(EngineDied(f"no new engine could be built: {death}"))
        else:
            log.info("engine_rebuilt", cache_tokens=self._capacity, step_tokens=self._sizes.step_tokens)
            self._open = True
            self._let_in()

    def _replace(self) -> None:
        """Free the old engine, then build the next. Runs in a thread of its own."""
        with self._lock:
            old, self._engine = self._engine, None
        if old is not None:
            old.close()
        del old
        engine = self._build_fitting()
        with self._lock:
            self._engine = engine
            closing = self._closing
        if closing:  # nobody else knows of this one
            engine.close()

    def _build_fitting(self) -> Engine:
        """Build an engine, smaller where memory is short. Raises EngineDied."""
        while True:
            try:
                engine = self._build(self._sizes, self._died)
            except EngineDied as death:
                if not (death.out_of_memory and self._shrink()):
                    raise
            else:
                self._capacity = engine.capacity
                return engine

    def _shrink(self) -> bool:
        """Make the sizes smaller; False at the floor."""
        now = replace(self._sizes, cache_tokens=self._sizes.cache_tokens or self._capacity or None)
        less = now.smaller(self._first_cache)
        if less is None:
            return False
        log.warning("out_of_memory", step_tokens=less.step_tokens, cache_tokens=less.cache_tokens)
        self._sizes = less
        self._metrics.shrinks.inc()
        return True

    def _end(self, death: EngineDied) -> None:
        self._death = death
        self._refuse_waiting(str(death))
        self._on_death(death)

    def _refuse_waiting(self, reason: str) -> None:
        for work in self._waiting.values():
            if work.turn is not None and not work.turn.done():
                work.turn.set_exception(EngineError(reason))
