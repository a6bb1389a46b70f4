"""One streamed answer: the chunks of an HTTP response become ChatEvents, under deadlines. Knows no prompt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping

from openai import AsyncStream, OpenAIError
from openai.types.chat import ChatCompletionChunk

from llm.errors import EngineTimeout
from llm.failures import broken, translate
from llm.types import ChatEvent, FinishReason, QueuePosition, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "cancelled": "cancelled",
    "error": "error",
    "content_filter": "stop",
    "tool_calls": "stop",
}


class AnswerStream:
    """Reads one response. The first sign of an answer is due at `first_token_by` (the loop's time), waiting in the
    engine's queue included; afterwards no silence may be longer than `token_timeout_s`."""

    def __init__(self, chunks: AsyncStream[ChatCompletionChunk], first_token_by: float, token_timeout_s: float) -> None:
        self._chunks = chunks
        self._first_token_by = first_token_by
        self._token_timeout_s = token_timeout_s
        self._begun = False
        self._finish_reason: FinishReason | None = None
        self._usage: Usage | None = None

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """Queue positions, then text, then one last event with finish reason and usage. Closing it closes the response.

        Raises EngineUnavailable or StreamBroken (before, after the answer began), EngineTimeout, and what the engine
        says inside the stream.
        """
        try:
            while (chunk := await self._next()) is not None:
                for event in self._read(chunk):
                    yield event
            yield self._end()
        finally:
            await self._chunks.close()

    async def _next(self) -> ChatCompletionChunk | None:
        clock = asyncio.get_running_loop()
        deadline = clock.time() + self._token_timeout_s if self._begun else self._first_token_by
        try:
            async with asyncio.timeout_at(deadline):
                return await anext(self._chunks, None)
        except TimeoutError as error:
            raise EngineTimeout(self._silence()) from error
        except OpenAIError as error:
            raise translate(error, self._begun) from error
        except ValueError as error:  # a chunk that is no JSON
            raise broken("the engine sent something that is not a chat completion chunk", self._begun) from error

    def _silence(self) -> str:
        if self._begun:
            return f"the engine fell silent for {self._token_timeout_s:g} s in the middle of its answer"
        return "the engine did not begin its answer in time"

    def _read(self, chunk: ChatCompletionChunk) -> Iterator[ChatEvent]:
        if chunk.usage is not None:
            details = chunk.usage.prompt_tokens_details
            cached = (details.cached_tokens or 0) if details is not None else 0
            self._usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens, cached)
        if (place := _queue_position(chunk)) is not None:
            yield ChatEvent(queue=place)
        for choice in chunk.choices[:1]:
            if choice.finish_reason is not None:
                self._finish_reason = _FINISH_REASONS.get(choice.finish_reason, "stop")
            # A reasoning model thinks in fields of its own: a sign of life, but no text for people.
            self._begun = self._begun or any(value for key, value in choice.delta if key != "role")
            if choice.delta.content:
                yield ChatEvent(text=choice.delta.content)

    def _end(self) -> ChatEvent:
        if self._finish_reason is None:
            raise broken("the engine ended its answer without a finish reason", self._begun)
        return ChatEvent(finish_reason=self._finish_reason, usage=self._usage)


def _queue_position(chunk: ChatCompletionChunk) -> QueuePosition | None:
    queue = (chunk.model_extra or {}).get("queue")
    if not isinstance(queue, Mapping) or not isinstance(queue.get("position"), int):
        return None
    return QueuePosition(queue["position"], float(queue.get("eta_s") or 0.0))
