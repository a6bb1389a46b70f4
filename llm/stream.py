"""One streamed answer: the chunks of an HTTP response become ChatEvents, under deadlines. Knows no prompt.

Reasoning stays apart, whether the engine sends it in a field of its own or leaves it in the answer's text.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping

from openai import AsyncStream, OpenAIError
from openai.types.chat import ChatCompletionChunk

from llm.errors import EngineTimeout
from llm.failures import broken, translate
from llm.reasoning import MARKED, ReasoningSplitter, Said
from llm.types import ChatEvent, FinishReason, QueuePosition, Usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "cancelled": "cancelled",
    "error": "error",
    "content_filter": "stop",
    "tool_calls": "stop",
}
_REASONING_FIELDS = ("reasoning_content", "reasoning")
"""What engines call it in a delta: DeepSeek, SGLang, llama.cpp and we; today's vLLM, Ollama and OpenRouter."""


class AnswerStream:
    """Reads one response. The first sign of an answer is due at `first_token_by` (the loop's time), waiting in the
    engine's queue included; afterwards no silence may be longer than `token_timeout_s`.

    `is_split`: the engine is known to keep reasoning out of its content by itself, so that the content is taken as it
    is."""

    def __init__(
        self,
        chunks: AsyncStream[ChatCompletionChunk],
        first_token_by: float,
        token_timeout_s: float,
        is_split: bool = False,
    ) -> None:
        self._chunks = chunks
        self._splitter = ReasoningSplitter(() if is_split else MARKED, watches_unopened=not is_split)
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
            end = self._end()
            if rest := self._splitter.finish():
                yield _event(rest)
            yield end
        finally:
            await self._chunks.close()

    async def _next(self) -> ChatCompletionChunk | None:
        clock = asyncio.get_running_loop()
        deadline = clock.time() + self._token_timeout_s if self._begun else self._first_token_by
        try:
            async with asyncio.timeout_at(deadline):
                return self._checked(await anext(self._chunks, None))
        except TimeoutError as error:
            raise EngineTimeout(self._silence()) from error
        except OpenAIError as error:
            raise translate(error, self._begun) from error
        except ValueError as error:  # a chunk that is no JSON
            raise broken("the engine sent something that is not a chat completion chunk", self._begun) from error

    def _checked(self, chunk: ChatCompletionChunk | None) -> ChatCompletionChunk | None:
        """The library takes any JSON for a chunk: vLLM's older error objects, too."""
        if chunk is None or (isinstance(chunk, ChatCompletionChunk) and str(chunk.object) != "error"):
            return chunk
        said = str((chunk.model_extra or {}).get("message", "")) if isinstance(chunk, ChatCompletionChunk) else ""
        raise broken(said or "the engine sent something that is not a chat completion chunk", self._begun)

    def _silence(self) -> str:
        if self._begun:
            return f"the engine fell silent for {self._token_timeout_s:g} s in the middle of its answer"
        return "the engine did not begin its answer in time"

    def _read(self, chunk: ChatCompletionChunk) -> Iterator[ChatEvent]:
        self._usage = _usage(chunk) or self._usage
        if (place := _queue_position(chunk)) is not None:
            yield ChatEvent(queue=place)
        for choice in (chunk.choices or [])[:1]:
            if choice.finish_reason is not None:
                self._finish_reason = _FINISH_REASONS.get(choice.finish_reason, "stop")
            if choice.delta is None:
                continue
            # Reasoning is a sign of life, but no text for people.
            self._begun = self._begun or any(value for key, value in choice.delta if key != "role")
            if thought_text := _reasoning(choice.delta.model_extra or {}):
                yield ChatEvent(reasoning=thought_text)
            if choice.delta.content and (said := self._splitter.push(choice.delta.content)):
                yield _event(said)

    def _end(self) -> ChatEvent:
        if self._finish_reason is None:
            raise broken("the engine ended its answer without a finish reason", self._begun)
        return ChatEvent(finish_reason=self._finish_reason, usage=self._usage)


def _event(said: Said) -> ChatEvent:
    return ChatEvent(text=said.text, reasoning=said.reasoning, recalls=said.recalls)


def _reasoning(extra: Mapping[str, object]) -> str:
    return next((value for name in _REASONING_FIELDS if isinstance(value := extra.get(name), str) and value), "")


def _usage(chunk: ChatCompletionChunk) -> Usage | None:
    """What the request took; None where the engine does not say, or not with figures."""
    said = chunk.usage
    if said is None or not isinstance(said.prompt_tokens, int) or not isinstance(said.completion_tokens, int):
        return None
    cached = said.prompt_tokens_details.cached_tokens if said.prompt_tokens_details else 0
    reasoning = said.completion_tokens_details.reasoning_tokens if said.completion_tokens_details else 0
    return Usage(said.prompt_tokens, said.completion_tokens, cached or 0, reasoning or 0)


def _queue_position(chunk: ChatCompletionChunk) -> QueuePosition | None:
    queue = (chunk.model_extra or {}).get("queue")
    if not isinstance(queue, Mapping) or not isinstance(queue.get("position"), int):
        return None
    return QueuePosition(queue["position"], float(queue.get("eta_s") or 0.0))
