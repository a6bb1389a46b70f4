"""The small interface that every engine has. It knows no HTTP, no text, no queue: token ids in, token ids out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How to choose one token. Values are already checked: `temperature` 0 is greedy, `top_k` 0 means no limit."""

    temperature: float
    top_p: float = 1.0
    top_k: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One generation: at most `max_tokens` tokens that continue `prompt`; `id` is unique in the process."""

    id: str
    prompt: Sequence[int]
    max_tokens: int
    sampling: SamplingParams


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that came since the last piece; `cached` of the prompt's tokens were reused, not computed."""

    ids: Sequence[int]
    finished: bool
    cached: int = 0


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What the engine is doing now; `cache_used` is the share (0 to 1) of the KV cache that running jobs hold."""

    running: int
    cache_used: float


class EngineError(Exception):
    """The engine broke, or fell silent, or has ended; `str(error)` is the cause."""


class EngineDied(EngineError):
    """The engine ended by itself, and with it every job: broken, out of memory, or hung in a step that does not end."""

    def __init__(self, cause: str, *, out_of_memory: bool = False, hung: bool = False) -> None:
        super().__init__(cause)
        self.out_of_memory = out_of_memory
        self.hung = hung

    def again(self) -> EngineDied:
        """The same news for one more listener: an exception that is raised twice keeps both their frames alive."""
        return EngineDied(str(self), out_of_memory=self.out_of_memory, hung=self.hung)


class Engine(Protocol):
    """Runs jobs together on one model. All methods are called from the event loop."""

    @property
    def capacity(self) -> int:
        """Tokens, of prompts and answers, that the KV cache can hold at once."""
        ...

    def submit(self, job: Job) -> AsyncGenerator[Tokens, None]:
        """Yield the job's tokens until one piece is `finished`. Closing the iterator cancels the job.

        Raises EngineDied when the engine ends under it, EngineError when only this job fails; never waits for ever."""
        ...

    def cancel(self, job_id: str) -> None:
        """End a job and free what it holds; its iterator raises EngineError. Unknown ids are no error."""
        ...

    def stats(self) -> EngineStats:
        """What the engine is doing now."""
        ...

    def paused(self) -> AbstractContextManager[None]:
        """Hold all jobs still while the calling thread, never the event loop's, uses the model: for moments only.

        Entering raises EngineError when nothing is running that could be held."""
        ...

    def close(self) -> bool:
        """End every job and the engine's thread; blocks for some seconds at most. False: the thread did not end."""
        ...
