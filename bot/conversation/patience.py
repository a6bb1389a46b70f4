"""How long a question waits for an engine that loads or is being restarted. Does not know what is asked."""

from __future__ import annotations

import asyncio
import time

from llm.errors import EngineUnavailable, LLMError, StreamBroken

PATIENCE_S = 60.0
"""How long a question waits before it is given up with a sentence."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 4.0


class Patience:
    """One question's patience, `limit_s` seconds from now."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._begun = time.monotonic()
        self._pause = FIRST_PAUSE_S

    @property
    def waited_s(self) -> float:
        """Seconds since the question was asked."""
        return time.monotonic() - self._begun

    def bears(self, error: LLMError) -> bool:
        """Whether to try again after this error: the engine comes back, and there is time left for it."""
        comes_back = isinstance(error, EngineUnavailable | StreamBroken)
        return comes_back and self.waited_s + self._pause <= self._limit_s

    async def pause(self) -> None:
        """Wait before the next try; each time a little longer."""
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
