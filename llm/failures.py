"""The edge where the openai library's errors become ours. Knows HTTP statuses and error bodies, not what people read.

Engines shape their errors differently: OpenAI's object, TGI's and Ollama's `{"error": "text"}`, FastAPI's
`{"detail": …}`, a proxy's HTML page. Only the engine's own sentence is kept, its first line and shortened: a
validation error may quote a member's text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from openai import APIConnectionError, APIError, APIResponseValidationError, APIStatusError, OpenAIError

from llm.errors import (
    ContextTooLong,
    EngineBusy,
    EngineTimeout,
    EngineUnavailable,
    LLMError,
    RequestRefused,
    SettingsRefused,
    StreamBroken,
)

NOT_OPENAI = "the address answers, but not as OpenAI's API does: is [llm] base_url right?"

_MESSAGE_LIMIT = 300
_BUSY_WORDS = frozenset(
    {"429", "queue_full", "queue_timeout", "rate_limit_exceeded", "rate_limit_error", "overloaded", "overloaded_error"}
)
_BUSY_PHRASE = re.compile(r"\bbusy\b|overloaded|too many requests|backpressure|at capacity", re.IGNORECASE)
_TIMEOUT_WORDS = frozenset({"408", "504", "timeout", "deadline_exceeded", "timeout_error"})
_REFUSED_WORDS = frozenset({"400", "404", "422", "invalid_request_error", "BadRequestError", "validation"})
_SETTINGS_WORDS = frozenset({"401", "402", "insufficient_quota", "invalid_api_key", "model_not_found"})
_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_PHRASE = re.compile(
    r"context (length|size|window)|prompt is too long|`inputs` (must have less than|tokens \+ `max_new_tokens`)",
    re.IGNORECASE,
)
_IMAGES_PHRASE = re.compile(
    r"\bimages?\b|image_url|multi-?modal|\bvision\b|content part|reads text only|must be a string", re.IGNORECASE
)
_FLAGGED_PHRASE = re.compile(r"flagged|moderation|content.policy|safety", re.IGNORECASE)


def translate(error: OpenAIError, begun: bool = False) -> LLMError:
    """Our error for the library's; `begun` says that a part of the answer had arrived already."""
    if isinstance(error, APIStatusError):
        return _from_status(error)
    if isinstance(error, APIConnectionError):
        cause = error.__cause__ or error
        return broken(f"the connection to the engine failed: {str(cause) or type(cause).__name__}", begun)
    if isinstance(error, APIResponseValidationError):
        return SettingsRefused(NOT_OPENAI)
    if isinstance(error, APIError):
        return _from_stream(error, begun)
    return broken(str(error), begun)


def is_about_images(error: LLMError) -> bool:
    """Whether an engine refused because its model sees no images: llama.cpp says so with a 500, others with a 400."""
    if isinstance(error, EngineTimeout | EngineBusy | SettingsRefused | ContextTooLong | StreamBroken):
        return False
    return _IMAGES_PHRASE.search(str(error)) is not None


def broken(message: str, begun: bool) -> LLMError:
    """The engine went away: in the middle of an answer, or before there was any of it."""
    return StreamBroken(message) if begun else EngineUnavailable(message)


def _from_status(error: APIStatusError) -> LLMError:
    status, message, words = error.status_code, _message(error), _words(error)
    if status == 402 or words & _SETTINGS_WORDS:  # before 429: OpenAI says "quota spent" with that status, too
        return SettingsRefused(message, error.param)
    busy = status >= 500 and _BUSY_PHRASE.search(message)
    if status == 429 or words & _BUSY_WORDS or busy:
        return EngineBusy(message, _seconds(error.response.headers.get("retry-after")))
    if status in (408, 504):
        return EngineTimeout(message)
    if status >= 500:
        return EngineUnavailable(message)
    if status in (401, 404) or (status == 403 and not _FLAGGED_PHRASE.search(message)):
        return SettingsRefused(message, error.param)
    return _refused(error, message, too_long=status == 413)


def _from_stream(error: APIError, begun: bool) -> LLMError:
    """An error object inside the stream has no status; its `code` and `type` are all there is."""
    message, words = _message(error), _words(error)
    if words & _SETTINGS_WORDS:
        return SettingsRefused(message, error.param)
    if words & _BUSY_WORDS:
        return EngineBusy(message)
    if words & _TIMEOUT_WORDS:
        return EngineTimeout(message)
    if words & (_REFUSED_WORDS | _CONTEXT_CODES):
        return _refused(error, message)
    return broken(message, begun)


def _words(error: APIError) -> set[str]:
    return {str(error.code), str(error.type)}


def _refused(error: APIError, message: str, too_long: bool = False) -> RequestRefused:
    if too_long or _words(error) & _CONTEXT_CODES or _CONTEXT_PHRASE.search(message):
        return ContextTooLong(message, error.param)
    return RequestRefused(message, error.param)


def _message(error: APIError) -> str:
    where = f"HTTP {error.status_code}" if isinstance(error, APIStatusError) else "inside the stream"
    if said := _said(error.body):
        return f"{said} ({where})"
    return f"the engine answered with an error ({where}) and no reason"


def _said(body: object) -> str:
    """The engine's own sentence in an error body of any known shape; empty where there is none."""
    if isinstance(body, str):
        return _first_line(body)
    if isinstance(body, Mapping):
        said = next((text for key in ("message", "detail", "error", "msg") if (text := _said(body.get(key)))), "")
        place = body.get("loc")  # pydantic's: which field
        field = str(place[-1]) if isinstance(place, Sequence) and place and not isinstance(place, str) else ""
        return f"{field}: {said}" if said and field else said
    if isinstance(body, Sequence):
        return next((text for part in body if (text := _said(part))), "")
    return ""


def _first_line(text: str) -> str:
    """The first line, shortened; of an HTML page its title."""
    if text.lstrip().startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = f"a web page: {title[1]}" if title else ""
    lines = text.strip().splitlines()
    return lines[0].strip()[:_MESSAGE_LIMIT] if lines else ""


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds, whether it is a number or a date; None where it is missing or neither."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        seconds = _seconds_until(header)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float:
    """Seconds until an HTTP date; NaN where it is none."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
