"""The edge where the openai library's errors become ours. Knows HTTP statuses and error bodies, not what people read.

Only the engine's own message is kept, its first line and shortened: a validation error may quote a member's text.
"""

from __future__ import annotations

from collections.abc import Mapping

from openai import APIConnectionError, APIError, APIStatusError, OpenAIError

from llm.errors import (
    ContextTooLong,
    EngineBusy,
    EngineTimeout,
    EngineUnavailable,
    LLMError,
    RequestRefused,
    StreamBroken,
)

_MESSAGE_LIMIT = 300
_BUSY_WORDS = frozenset({"429", "queue_full", "queue_timeout", "rate_limit_exceeded", "rate_limit_error"})
_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_PHRASES = ("maximum context length", "context size", "context length")


def translate(error: OpenAIError, begun: bool = False) -> LLMError:
    """Our error for the library's; `begun` says that a part of the answer had arrived already."""
    if isinstance(error, APIStatusError):
        return _from_status(error)
    if isinstance(error, APIConnectionError):
        cause = error.__cause__ or error
        return broken(f"the connection to the engine failed: {str(cause) or type(cause).__name__}", begun)
    if isinstance(error, APIError):
        return _from_stream(error, begun)
    return broken(str(error), begun)


def broken(message: str, begun: bool) -> LLMError:
    """The engine went away: in the middle of an answer, or before there was any of it."""
    return StreamBroken(message) if begun else EngineUnavailable(message)


def _from_status(error: APIStatusError) -> LLMError:
    status, message = error.status_code, _message(error)
    if status == 429 or error.code in _BUSY_WORDS:
        return EngineBusy(message, _seconds(error.response.headers.get("retry-after")))
    if status in (408, 504):
        return EngineTimeout(message)
    if status >= 500:
        return EngineUnavailable(message)
    return _refused(error, message)


def _from_stream(error: APIError, begun: bool) -> LLMError:
    """An error object inside the stream has no status; its `code` and `type` are all there is."""
    message, words = _message(error), {str(error.code), str(error.type)}
    if words & _BUSY_WORDS:
        return EngineBusy(message)
    if words & {"408", "504", "timeout", "deadline_exceeded", "timeout_error"}:
        return EngineTimeout(message)
    if words & {"400", "404", "422", "invalid_request_error", "BadRequestError", *_CONTEXT_CODES}:
        return _refused(error, message)
    return broken(message, begun)


def _refused(error: APIError, message: str) -> RequestRefused:
    lowered = message.lower()
    if {error.code, error.type} & _CONTEXT_CODES or any(phrase in lowered for phrase in _CONTEXT_PHRASES):
        return ContextTooLong(message, error.param)
    return RequestRefused(message, error.param)


def _message(error: APIError) -> str:
    body = error.body
    said = body.get("message") if isinstance(body, Mapping) else None
    where = f"HTTP {error.status_code}" if isinstance(error, APIStatusError) else "inside the stream"
    if not isinstance(said, str) or not said.strip():
        return f"the engine answered with an error ({where}) and no reason"
    return f"{said.strip().splitlines()[0][:_MESSAGE_LIMIT]} ({where})"


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; None where it is missing or a date."""
    try:
        return float(header) if header is not None else None
    except ValueError:
        return None
