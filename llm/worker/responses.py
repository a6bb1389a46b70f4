"""The shapes of answers, as OpenAI's clients expect them. Pure: events in, dictionaries and server-sent events out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from llm.types import ChatEvent, Usage
from llm.worker.errors import ApiError

Json = dict[str, Any]
DONE = b"data: [DONE]\n\n"


def server_sent(payload: Json) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def usage_json(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


@dataclass(frozen=True, slots=True)
class Completion:
    """One chat completion's identity, the same in each of its chunks."""

    id: str
    model: str
    created: int

    def plain(self, text: str, reasoning: str, last: ChatEvent) -> Json:
        """The whole answer at once; `last` is the event that carries finish reason and usage."""
        message = {"role": "assistant", "content": text, "refusal": None}
        if reasoning:
            message["reasoning_content"] = reasoning
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": last.finish_reason}
        body = {**self._head("chat.completion"), "choices": [choice]}
        return body if last.usage is None else {**body, "usage": usage_json(last.usage)}

    def opening(self) -> Json:
        """The first chunk, which names the speaker."""
        return self._chunk({"role": "assistant", "content": ""}, None)

    def chunks(self, event: ChatEvent, include_usage: bool, include_queue: bool) -> list[Json]:
        """An event's chunks: none, for a place in the queue that was not asked for."""
        out: list[Json] = []
        if event.queue is not None and include_queue:
            out.append({**self._head("chat.completion.chunk"), "choices": [], "queue": asdict(event.queue)})
        if event.reasoning:
            out.append(self._chunk({"reasoning_content": event.reasoning}, None))
        if event.text:
            out.append(self._chunk({"content": event.text}, None))
        if event.finish_reason is not None:
            out.append(self._chunk({}, event.finish_reason))
        if event.usage is not None and include_usage:
            out.append({**self._head("chat.completion.chunk"), "choices": [], "usage": usage_json(event.usage)})
        return out

    def _head(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(self, delta: Json, finish_reason: str | None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}


def error_event(error: ApiError) -> bytes:
    """An error in the middle of a stream: OpenAI's clients raise it as an APIError."""
    return server_sent(dict(error.body()))
