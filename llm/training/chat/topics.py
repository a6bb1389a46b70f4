"""Small talk, and what Steward says about itself, as written in `text/topics.toml`."""

from __future__ import annotations

from dataclasses import dataclass

from llm.training.chat.written import written


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that people say, in many ways, and the answers to it. `weight` is how often it is drawn."""

    name: str
    asks: str
    answers: tuple[str, ...]
    weight: int = 2


TOPICS: tuple[Topic, ...] = tuple(
    Topic(entry["name"], entry["asks"], tuple(entry["answers"]), entry.get("weight", 2))
    for entry in written("topics")["topic"]
)
