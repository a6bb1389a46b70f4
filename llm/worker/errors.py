"""What the worker answers when it cannot do what was asked, in OpenAI's shape.

ApiError                400  the request is wrong; `param` names the field
├── ContextExceeded     400  prompt, or prompt and answer, do not fit the model's context
├── UnknownModel        404  the model named is not served here
├── QueueFull           429  too many wait; Retry-After says when to come back
├── NotReady            503  loading, dead or draining; Retry-After says when to come back
├── DeadlineExceeded    504  the whole request took longer than it may
└── GenerationFailed    500  the engine broke while it answered
LoadError                    the model cannot be served at all (never travels over HTTP: the process ends with it)

This file knows no route and no engine.
"""

from __future__ import annotations

import math


class ApiError(Exception):
    """The request cannot be answered; `message` says what was wrong, what was expected and what to do."""

    status = 400
    type = "invalid_request_error"
    code: str | None = "invalid_value"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.status = status or self.status
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, dict[str, str | None]]:
        """The JSON body that every OpenAI client understands."""
        return {"error": {"message": self.message, "type": self.type, "code": self.code, "param": self.param}}

    def headers(self) -> dict[str, str]:
        """Whole seconds, rounded up: Retry-After knows no fractions."""
        return {} if self.retry_after_s is None else {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}


class ContextExceeded(ApiError):
    """Prompt, or prompt and answer together, do not fit the model's context."""

    code = "context_length_exceeded"


class UnknownModel(ApiError):
    """The model named in the request is not served here."""

    status = 404
    code = "model_not_found"


class QueueFull(ApiError):
    """As many requests as are allowed to wait are waiting."""

    status = 429
    type = "rate_limit_error"
    code = "queue_full"


class NotReady(ApiError):
    """The model is loading, dead or draining."""

    status = 503
    type = "service_unavailable_error"
    code = "not_ready"


class DeadlineExceeded(ApiError):
    """The whole request, waiting included, took longer than it may."""

    status = 504
    type = "timeout_error"
    code = "deadline_exceeded"


class GenerationFailed(ApiError):
    """The engine broke, or fell silent, while it answered."""

    status = 500
    type = "server_error"
    code = "generation_failed"


class LoadError(Exception):
    """The model cannot be served; `str(error)` is one line for the owner: what is wrong and what to do."""
