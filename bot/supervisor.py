"""Keeps a child process alive: start, watch, back off, give up loudly. Knows nothing of what the child does."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

log = structlog.get_logger()

EXIT_MISCONFIGURED = 2
"""Exit status of a child that said what is wrong with its settings: starting it again would say the same."""

LOOKS = 10  # at a child within `patience_s`, before it is killed
PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal a process gets when its parent dies


class ChildGaveUp(Exception):
    """A child process could not be kept alive; the text says which one, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pause before the next start: doubles from `first_s` to `longest_s`; a run of `healthy_s` starts over.

    After `attempts` short runs in a row the supervisor gives up.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    healthy_s: float = 60.0
    attempts: int = 8

    def pause_s(self, failures: int) -> float:
        """Seconds to wait after that many short runs in a row (at least one)."""
        return min(self.longest_s, self.first_s * 2.0 ** (failures - 1))


class Supervisor:
    """One child process: `run` starts it again whenever it ends, until it is cancelled."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = monotonic,
        grace_s: float = 10.0,
        answers: Callable[[], Awaitable[bool]] | None = None,
        patience_s: float = 120.0,
    ) -> None:
        """`answers` says whether the child still answers; one that has not for `patience_s` is killed, and starts anew.

        That is for a child that stands still as a whole: then no watchdog of its own runs in there either."""
        self.name = name
        self.restarts = 0
        self._command = list(command)
        self._environment = dict(os.environ if environment is None else environment)
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._grace_s = grace_s
        self._answers = answers
        self._patience_s = patience_s
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Process id while the child runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def run(self) -> None:
        """Keeps the child alive until cancelled, then ends it. Raises ChildGaveUp."""
        failures = 0
        try:
            while True:
                started = self._clock()
                status = await self._run_once()
                if status == EXIT_MISCONFIGURED:
                    raise ChildGaveUp(f"The {self.name} could not start; it says why above.")
                failures = 1 if self._clock() - started >= self._backoff.healthy_s else failures + 1
                if failures > self._backoff.attempts:
                    raise ChildGaveUp(
                        f"The {self.name} ended {failures} times in a row (last: {_describe(status)}). "
                        f"Its own messages above say why; `steward doctor` checks the rest."
                    )
                await self._pause(status, failures)
                self.restarts += 1
        finally:
            await self._end()

    async def _run_once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends its children in order
            preexec_fn=_die_with_parent() if sys.platform == "linux" else None,
        )
        log.info("child started", child=self.name, pid=self._process.pid)
        watch = asyncio.create_task(self._watch(self._process, self._answers)) if self._answers else None
        try:
            return await self._process.wait()
        finally:
            if watch is not None:
                watch.cancel()

    async def _watch(self, process: asyncio.subprocess.Process, answers: Callable[[], Awaitable[bool]]) -> None:
        """Kills a child that has been silent for long. Looks are counted, since this process may have been asleep."""
        silent = 0
        while silent < LOOKS:
            await asyncio.sleep(self._patience_s / LOOKS)
            silent = 0 if await answers() else silent + 1
        log.error("child does not answer; killing it", child=self.name, pid=process.pid, patience_s=self._patience_s)
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _pause(self, status: int, failures: int) -> None:
        pause_s = self._backoff.pause_s(failures)
        log.warning("child ended; starting it again", child=self.name, cause=_describe(status), pause_s=pause_s)
        await asyncio.sleep(pause_s)

    async def _end(self) -> None:
        """Asks the child to stop, and insists when it has not after `grace_s` seconds."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(self._grace_s):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


def _describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def _die_with_parent() -> Callable[[], None]:
    """Linux: a child must not survive a killed supervisor, or it would hold the port against the next start."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare
