"""The threads in which task models compute. It knows no model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field


@dataclass(slots=True)
class Threads:
    """Where task models compute, so that nothing blocks the event loop and no generation keeps an encoder waiting.

    One thread each: tokenizers and models are not made for several at once."""

    text: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "task-text"))
    encoders: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "encoders"))
    seq2seq: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "seq2seq"))

    def close(self) -> None:
        for executor in (self.text, self.encoders, self.seq2seq):
            executor.shutdown(wait=False, cancel_futures=True)
