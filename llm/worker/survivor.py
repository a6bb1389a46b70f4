"""One job on its way through as many engines as it takes. It knows what is left to do, and no engine.

Who decides about its turns and its blame is `rebuilding`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from llm.worker.engine import Engine, Job, Tokens

PROBATION_TOKENS = (
    2  # a suspect that says so many is past the point where the engine broke: that was before its next one
)


@dataclass(slots=True, eq=False)
class Survivor:
    """A job, what it has said so far, and what is held against it."""

    job: Job
    said: list[int] = field(default_factory=list)
    cached: int | None = None  # of the prompt, when the first token came
    engine: int = 0  # number of the engine that it is in, or was in last
    failures: int = 0
    suspect: bool = False
    probation: bool = False  # what was submitted ends before the job does
    alone: bool = False  # on trial, and nothing else was left in the engine when it went in
    verdict: str | None = None
    turn: asyncio.Future[Engine] | None = None

    def rest(self) -> Job:
        """What is left to do; on trial no more than the probation."""
        left = self.job.max_tokens - len(self.said)
        limit = min(left, PROBATION_TOKENS) if self.suspect else left
        self.probation = limit < left
        return replace(self.job, prompt=[*self.job.prompt, *self.said], max_tokens=limit)

    def heard(self, piece: Tokens, eos_ids: Collection[int]) -> Tokens:
        """Remember what was said; the end of a probation is not the job's, unless it said an end token."""
        self.said.extend(piece.ids)
        if self.cached is None and piece.ids:
            self.cached = piece.cached
        ended = not self.probation or (bool(self.said) and self.said[-1] in eos_ids)
        return Tokens(piece.ids, piece.finished and ended, self.cached or 0)
