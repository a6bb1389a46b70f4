"""What a summary is made of and what it becomes. Plain data: it knows no Discord objects and no engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from llm.types import Usage

Method = Literal["extract", "model"]
Fallback = Literal["built-in model", "engine failed", "no room", "no citations", "as chosen"]
Engine = Literal["chat", "extractive"]
"""Who summarizes: a chat model, or members' own words speak, chosen by an embedding model."""
Style = Literal["brief", "bullets", "decisions", "questions"]
Length = Literal["short", "medium", "long"]
Kind = Literal["point", "decision", "action", "question"]

MEDIUM = 8


@dataclass(frozen=True, slots=True)
class SourceMessage:
    """One message to be summarized, with its author's display name; `place` is where it was said: what was said in
    different places is not one conversation."""

    id: int
    author: str
    text: str
    created_at: datetime
    place: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What kind of summary is wanted; `count` sentences at a medium length, `language` empty for the messages' own."""

    style: Style = "bullets"
    length: Length = "medium"
    language: str = ""
    count: int = MEDIUM

    @property
    def sentences(self) -> int:
        """How many sentences it may have."""
        return {"short": max(1, self.count // 2), "medium": self.count, "long": self.count * 2}[self.length]


@dataclass(frozen=True, slots=True)
class SummaryItem:
    """One sentence, and the messages that it rests on; `author` wrote the first of them. `owner`: whose an action or
    question is, where that was said."""

    text: str
    message_ids: tuple[int, ...]
    author: str
    kind: Kind = "point"
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens of all requests together: `computed` of the prompts were not reused by the engine."""

    requests: int = 0
    prompt: int = 0
    computed: int = 0
    completion: int = 0

    @classmethod
    def of(cls, usage: Usage | None) -> Cost:
        """One request's, as far as the engine told."""
        if usage is None:
            return cls(1)
        return cls(1, usage.prompt_tokens, usage.prompt_tokens - usage.cached_tokens, usage.completion_tokens)

    @property
    def usage(self) -> Usage | None:
        """The same as of one request; None where there was none."""
        return Usage(self.prompt, self.completion, self.prompt - self.computed) if self.requests else None

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.prompt + other.prompt,
            self.computed + other.computed,
            self.completion + other.completion,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """`items` in the order of their messages; `read` of `total` messages were looked at, the newest ones.

    They were read in `parts`, of which `reused` were known from before, and of which `cited` are spoken of. `dropped`
    sentences were not supported by what they cited. `method` "extract" means that items are members' own words;
    `fallback` says why no model wrote them.
    """

    items: list[SummaryItem]
    read: int
    total: int
    method: Method
    fallback: Fallback | None = None
    parts: int = 0
    reused: int = 0
    cited: int = 0
    dropped: int = 0
    cost: Cost = field(default_factory=Cost)
