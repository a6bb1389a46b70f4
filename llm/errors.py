"""Everything that can go wrong between a message list and its answer.

LLMError
├── EngineUnavailable     nobody listens at the address, or the engine is loading or dead
├── EngineBusy            the queue is full; `retry_after_s` says when to come back
├── EngineTimeout         no token came within the deadline
├── StreamBroken          the engine went away in the middle of an answer
├── RequestRefused        the engine understood and said no
│   ├── ContextTooLong    prompt and answer do not fit the model's context
│   └── SettingsRefused   the owner's key, model name, address or quota is not what the engine expects
│       └── NotServed     there is no model that can do this
└── EmptyConversation     there is no message to send; also a ValueError, since the caller made it
"""

from __future__ import annotations


class LLMError(Exception):
    """Base of every error of this package; `str(error)` is a sentence for a log, not for a member."""


class EngineUnavailable(LLMError):
    """Nobody listens at the address, or the engine is loading or dead."""


class EngineBusy(LLMError):
    """The engine's queue is full."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineTimeout(LLMError):
    """No token came within the deadline."""


class StreamBroken(LLMError):
    """The engine went away in the middle of an answer; what had arrived was already yielded."""


class RequestRefused(LLMError):
    """The engine understood the request and refused it; `param` names the field where the engine named one."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class ContextTooLong(RequestRefused):
    """Prompt and answer together exceed the model's context."""


class SettingsRefused(RequestRefused):
    """The key, the model's name, the address or the quota is at fault: only the owner can mend that."""


class NotServed(SettingsRefused):
    """No model that can do this is served: the owner can name one."""


class EmptyConversation(LLMError, ValueError):
    """There is no message to send: a mistake of the calling code, never of a member."""
