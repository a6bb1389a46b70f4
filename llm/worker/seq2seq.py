"""What the encoder-decoder model answers: translations, summaries and whatever else it was trained to write.

Texts of requests that ask for the same are generated together. It knows no torch and no HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from llm.worker.errors import ApiError, NotReady
from llm.worker.languages import Direction, Languages
from llm.worker.microbatch import RETRY_S, MicroBatcher, Shape
from llm.worker.threads import Threads

DEFAULT_TOKENS = 256  # longest answer, where neither the request nor the model says one
MOST_ROWS = 16  # texts times beams that are generated together


@dataclass(frozen=True, slots=True)
class Options:
    """What can be generated together: everything but the text. None leaves it to the model."""

    direction: Direction
    max_tokens: int
    min_tokens: int
    num_beams: int


@dataclass(frozen=True, slots=True)
class Source:
    """One text as token ids; `truncated` says that its end did not fit. `abandoned` is set when nobody waits."""

    ids: Sequence[int]
    truncated: bool
    options: Options
    abandoned: threading.Event


@dataclass(frozen=True, slots=True)
class Written:
    """One answer, and whether only the beginning of its source was read."""

    text: str
    truncated: bool


class Writer(Protocol):
    """A model as `seq2seq_model.EncoderDecoder` wraps it; `generate` belongs to one thread, the rest to another."""

    @property
    def languages(self) -> Languages:
        """The languages that it knows."""
        ...

    @property
    def longest_source(self) -> int:
        """Tokens of the longest source."""
        ...

    @property
    def longest_answer(self) -> int:
        """Tokens of the longest answer."""
        ...

    @property
    def bytes(self) -> int:
        """Memory that the weights take."""
        ...

    def options(
        self, direction: Direction, max_tokens: int | None, min_tokens: int | None, num_beams: int | None
    ) -> Options:
        """The request's choices, and the model's own where it makes none."""
        ...

    def encode(self, texts: Sequence[str], options: Options, abandoned: threading.Event) -> list[Source]:
        """Token ids of texts, cut to `longest_source`."""
        ...

    def generate(self, sources: Sequence[Source]) -> list[list[int]]:
        """Answers to sources of the same options, as token ids."""
        ...

    def decode(self, answers: Sequence[Sequence[int]]) -> list[str]:
        """Answers as text."""
        ...


def shape() -> Shape[Source]:
    """How the batcher sees sources."""
    return Shape(
        length=lambda source: len(source.ids),
        kind=lambda source: source.options,
        largest_batch=lambda source: max(1, MOST_ROWS // source.options.num_beams),
    )


@dataclass(slots=True)
class Seq2SeqModel:
    """One loaded encoder-decoder model with its batcher."""

    name: str
    writer: Writer
    batcher: MicroBatcher[Source, list[int]]
    threads: Threads
    timeout_s: float

    @property
    def max_model_len(self) -> int:
        return self.writer.longest_source

    @property
    def bytes(self) -> int:
        return self.writer.bytes

    def about(self) -> dict[str, Any]:
        return {"languages": self.writer.languages.listed()}

    async def close(self, reason: str) -> None:
        await self.batcher.close(reason)

    async def write(
        self,
        texts: Sequence[str],
        source_language: str | None = None,
        target_language: str | None = None,
        max_tokens: int | None = None,
        min_tokens: int | None = None,
        num_beams: int | None = None,
    ) -> list[Written]:
        """One answer per text; an empty text has an empty one. Raises ApiError. Cancelling stops the generation."""
        direction = self.writer.languages.direction(source_language, target_language)
        longest = self.writer.longest_answer
        for name, asked in (("max_tokens", max_tokens), ("min_tokens", min_tokens)):
            if asked is not None and asked > longest:
                raise ApiError(f"{name}: this model writes {longest} tokens at most", param=name)
        options = self.writer.options(direction, max_tokens, min_tokens, num_beams)
        abandoned = threading.Event()
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._write(texts, options, abandoned)
        except TimeoutError:
            raise NotReady(
                f"The model {self.name!r} did not answer within {self.timeout_s:g} s; ask for less at once.",
                code="task_timeout",
                retry_after_s=RETRY_S,
            ) from None
        finally:
            abandoned.set()

    async def _write(self, texts: Sequence[str], options: Options, abandoned: threading.Event) -> list[Written]:
        loop = asyncio.get_running_loop()
        filled = [text for text in texts if text.strip()]
        sources = await loop.run_in_executor(self.threads.text, self.writer.encode, filled, options, abandoned)
        answers = await self.batcher.submit(sources)
        decoded = await loop.run_in_executor(self.threads.text, self.writer.decode, answers)
        pairs = zip(decoded, sources, strict=True)
        written = iter([Written(text, source.truncated) for text, source in pairs])
        return [next(written) if text.strip() else Written("", False) for text in texts]
