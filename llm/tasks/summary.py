"""What a summary is made of and what it becomes. Plain data: it knows no Discord objects and no engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from llm.types import Usage

Method = Literal["extract", "model"]
Fallback = Literal["built-in model", "engine failed", "no room", "no citations"]


@dataclass(frozen=True, slots=True)
class SourceMessage:
    """One message to be summarized, with its author's display name."""

    id: int
    author: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """One point, and the message that it rests on."""

    text: str
    message_id: int
    author: str


@dataclass(frozen=True, slots=True)
class Summary:
    """`items` in the order of their messages; `read` of `total` messages were looked at, the newest ones.

    `method` "extract" means that items are members' own words; `fallback` says why no model wrote them. `usage` is what
    the engine told of writing, if it was asked.
    """

    items: list[SummaryItem]
    read: int
    total: int
    method: Method
    fallback: Fallback | None = None
    usage: Usage | None = None
