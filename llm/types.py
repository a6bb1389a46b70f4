"""What flows between the bot and an engine. Plain data: no network, no torch."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from math import ceil
from typing import Literal

_PATCH, _FEWEST_TOKENS = 28, 768
Role = Literal["system", "user", "assistant"]
Priority = Literal["interactive", "command", "background"]
FinishReason = Literal["stop", "length", "cancelled", "error"]
WorkerStatus = Literal["loading", "ready", "dead"]
HealthStatus = Literal[WorkerStatus, "unreachable", "refused"]
"""What our worker says of itself, and what is seen from outside: nobody there, or our key or address not taken."""


@dataclass(frozen=True, slots=True)
class ChatImage:
    """A picture in a user's message, as JPEG; width and height in pixels."""

    jpeg: bytes
    width: int
    height: int

    @property
    def url(self) -> str:
        """It all, as a data URL."""
        return f"data:image/jpeg;base64,{b64encode(self.jpeg).decode()}"

    @property
    def tokens(self) -> int:
        """An upper estimate of what it takes of the context: models cut pictures into patches of 28 pixels or larger
        ones, or take a fixed number for each."""
        return max(_FEWEST_TOKENS, ceil(self.width / _PATCH) * ceil(self.height / _PATCH))


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation; `name` is the speaker's display name and is only used for user messages.

    `images` reach engines whose model sees; others get the text alone."""

    role: Role
    content: str
    name: str | None = None
    images: tuple[ChatImage, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens. None leaves the choice to the engine; `temperature` 0 is greedy."""

    max_tokens: int = 512
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request; `cached_tokens` of the prompt were reused rather than computed, and `reasoning_tokens` of
    the completion were not for people."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Where a waiting request stands: 0 is next; `eta_s` is an estimate in seconds."""

    position: int
    eta_s: float


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """One piece of a streamed answer. The last one carries `finish_reason`, and `usage` where the engine reports it.

    `reasoning` is what the model thinks before it answers: never a part of the reply, never of a history. `recalls`:
    all the text so far was reasoning, as only now came out, and this event's text begins the answer anew."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    queue: QueuePosition | None = None
    reasoning: str = ""
    recalls: bool = False


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens of a rendered prompt. `exact` is False where the engine has no /tokenize: then it is an upper estimate."""

    count: int
    max_model_len: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One served model; `max_model_len` is its context in tokens, prompt and answer together.

    `ignored`: what its own settings ask for and our worker's engine has not, such as "repetition_penalty=1.1".
    `sees`: whether it reads images; None where nobody knows before it was tried."""

    id: str
    max_model_len: int
    owned_by: str
    ignored: tuple[str, ...] = ()
    sees: bool | None = None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A whole answer at once; `reasoning` is what the model thought before, no part of the answer."""

    text: str
    finish_reason: FinishReason
    usage: Usage | None = None
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """How the engine is; `reason` is empty when it is ready, `progress` (0 to 1) is known while a worker loads."""

    status: HealthStatus
    reason: str = ""
    progress: float | None = None
