"""What comes of one question: the model's text as it arrives, how it ended, and what is said under it. Does no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.conversation.prompting import Prompt
from bot.conversation.rendering import render, small
from bot.conversation.running import Why
from bot.errors import explain
from llm.errors import LLMError
from llm.types import ChatEvent, FinishReason, QueuePosition, Usage
from storage.history import NOTHING_READ, Read, StoredReply
from storage.usage import Used

NOTHING_ASKED = "Yes? Write your question after my name, or use `/help` to see what I can do."
NO_ANSWER = "I have no answer to that. Please ask in other words."
ONLY_THOUGHT = (
    "I thought about it until my answer had reached its length limit, and came to no result. "
    "Please ask for less at once."
)
CUT_OFF = "this answer reached its length limit; reply “go on” for more"
STOPPED: dict[Why, str] = {
    Why.PRESSED: "stopped here",
    Why.DELETED: "stopped here, since the question was deleted",
    Why.PAUSED: "stopped here: a moderator has paused me",
    Why.CLOSING: "stopped here: I am being restarted",
    Why.ANSWERED: "",
    Why.LEFT: "",
}
STOPPED_AT_ONCE: dict[Why, str] = {
    Why.PRESSED: "Stopped before I had said anything.",
    Why.DELETED: "",
    Why.PAUSED: "I do not answer this: a moderator has paused me.",
    Why.CLOSING: "I am being restarted, so I could not answer this. Press *Retry* when I am back.",
    Why.ANSWERED: "",
    Why.LEFT: "",
}
LONGEST_IN_SECONDS = 120
SHORT_WAIT_S = 10


@dataclass(slots=True)
class Answer:
    """What came of one question. Times in seconds since it was asked; `instead` stands where the model says nothing.

    `before` is what stood there already, where this goes on with an answer that was too long; `unread` says what of the
    question was not read; `read` is what other people said, and what is remembered, that the model read for it."""

    clock: Clock
    before: str = ""
    model: str = ""
    prompt: Prompt | None = None
    pieces: list[str] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    begun: float = 0.0
    first_token_s: float | None = None
    error: LLMError | None = None
    why_stopped: Why | None = None
    instead: str = NO_ANSWER
    has_thought: bool = False
    unread: Sequence[str] = ()
    read: Read = NOTHING_READ

    def __post_init__(self) -> None:
        self.begun = self.clock.now()

    @property
    def text(self) -> str:
        """The model's own text so far; blank space around it says nothing."""
        return f"{self.before} {''.join(self.pieces).strip()}".strip()

    def add(self, event: ChatEvent) -> None:
        """Take one event of the stream in. What the model thinks is not kept: it is no part of the answer."""
        if event.recalls:
            self.pieces.clear()
        self.has_thought = self.has_thought or bool(event.reasoning)
        if event.finish_reason == "length" and self.has_thought:
            self.instead = ONLY_THOUGHT
        if event.text:
            self.pieces.append(event.text)
            if self.first_token_s is None:
                self.first_token_s = self.clock.now() - self.begun
        self.finish_reason = event.finish_reason or self.finish_reason
        self.usage = event.usage or self.usage

    def take_back(self, instead: str) -> None:
        """Say this instead of all that the model said."""
        self.before, self.instead, self.error, self.finish_reason = "", instead, None, "cancelled"
        self.pieces.clear()

    @property
    def is_shown(self) -> bool:
        """Whether there is something of the model's to see."""
        return bool(render(self.text))

    def footer(self) -> str:
        """What is said under the answer, or instead of one that shows nothing: why it is partial, what was not read."""
        if not self.is_shown:
            return self._sentence()
        remarks = []
        if self.why_stopped:
            remarks.append(STOPPED[self.why_stopped])
        elif self.error:
            remarks.append(explain(self.error).sentence)
        if self.finish_reason == "length":
            remarks.append(CUT_OFF)
        if self.prompt and (remark := self.prompt.context.left_out(is_counted=self.prompt.is_counted)):
            remarks.append(remark)
        remarks += self.unread
        return small(" · ".join(remarks)) if remarks else ""

    def as_stored(self, message_id: int, question_id: int) -> StoredReply:
        """How the reply that begins with this message came to be."""
        usage = self.usage
        return StoredReply(
            message_id=message_id,
            prompt_message_id=question_id,
            model=self.model,
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            first_token_s=self.first_token_s,
            duration_s=self.clock.now() - self.begun,
            finish_reason="error" if self.error else self.finish_reason or "cancelled",
            error=type(self.error).__name__ if self.error else None,
        )

    def used(self) -> Used:
        """What it counts for: nothing where the engine failed or was not asked. Of an answer that was stopped the
        engine does not say it: then what was sent and what has arrived counts."""
        if self.error or self.prompt is None:
            return Used()
        if self.usage is not None:
            return Used(1, self.usage.prompt_tokens, self.usage.completion_tokens)
        return Used(1, self.prompt.tokens, len(self.pieces)) if self.pieces else Used(1)

    def _sentence(self) -> str:
        if self.why_stopped:
            return STOPPED_AT_ONCE[self.why_stopped]
        return explain(self.error).sentence if self.error else self.instead


def place_in_line(place: QueuePosition) -> str:
    """ "3rd in line, about 20 s"; the wait in round figures, so that it changes seldom."""
    line = "next in line" if place.position == 0 else f"{_ordinal(place.position + 1)} in line"
    return f"{line}, about {_wait(place.eta_s)}" if place.eta_s > 0 else line


def _ordinal(number: int) -> str:
    is_teen = 10 <= number % 100 <= 20
    return f"{number}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _wait(seconds: float) -> str:
    if seconds > LONGEST_IN_SECONDS:
        return f"{round(seconds / 60)} minutes"
    return f"{max(1, round(seconds))} s" if seconds <= SHORT_WAIT_S else f"{5 * round(seconds / 5)} s"
