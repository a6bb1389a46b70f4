"""What holds in one place for one person, with its types. Pure; where it comes from is `resolving`'s business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AnswerWhen = Literal["addressed", "mentioned", "everything", "nothing"]
AnswerIn = Literal["channel", "thread"]
Flags = Literal["off", "reply", "dm"]
Store = Literal["addressed", "everything", "nothing"]


@dataclass(frozen=True, slots=True)
class Rules:
    """Field by field what `catalogue` describes. An empty text, 0 and an empty `allowed_roles` mean "not limited"."""

    answer_when: AnswerWhen = "addressed"
    answer_in: AnswerIn = "channel"
    allowed_roles: tuple[int, ...] = ()
    persona: str = ""
    language: str = ""
    model: str = ""
    max_tokens: int = 512
    context_messages: int = 200
    context_tokens: int = 0
    requests_per_day: int = 0
    tokens_per_day: int = 0
    role_requests_per_day: int = 0
    role_tokens_per_day: int = 0
    store: Store = "addressed"
    retention_days: int = 30
    filter_own_text: bool = True
    flags: Flags = "off"
    sentiment: bool = False
    classify: bool = False
