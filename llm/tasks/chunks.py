"""A range of messages → the parts in which it is read: cut where conversations pause, each within a budget of tokens.

What was read before is found again by its content, so that only what is new is read anew. Pure; it knows no engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from llm.tasks.likeness import Measured
from llm.tasks.summary import SourceMessage, SummaryItem

PAUSE_S = 20 * 60.0
"""A silence of this length, or longer, ends a conversation."""
_FULL_ENOUGH = 0.35
"""Of its budget: a part that has so much is ended by a pause."""
_WORTH_KEEPING = 0.2
"""Of the budget: a part that was read before and is shorter is read again with what follows it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages of one place that are read together, and their `key`: another one as soon as anything differs."""

    messages: tuple[SourceMessage, ...]
    key: str

    @property
    def first_id(self) -> int:
        return self.messages[0].id


@dataclass(frozen=True, slots=True)
class Notes:
    """What was read in a part: what it began with, how many messages it had, and what of them is worth telling.

    `vectors`: of the items, where they were compared by some."""

    key: str
    first_id: int
    messages: int
    items: tuple[SummaryItem, ...]
    vectors: Measured | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A part to be read, or (`notes`) one that was read before."""

    chunk: Chunk
    notes: Notes | None = None


def key_of(messages: Sequence[SourceMessage], writer: str) -> str:
    """What tells one part from every other one: who reads it, and every message as it is now."""
    digest = sha256(writer.encode())
    for message in messages:
        for field in (str(message.id), message.author, message.text):
            data = field.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def plan(
    messages: Sequence[SourceMessage],
    tokens: Sequence[int],
    *,
    budget: int,
    writer: str,
    known: Mapping[int, Sequence[Notes]] | None = None,
) -> list[Planned]:
    """The parts in order; `tokens` of each message, `known` what was read before, by the id that it begins with."""
    planned: list[Planned] = []
    start = 0
    while start < len(messages):
        found = _known_at(messages, tokens, start, (known or {}).get(messages[start].id, ()), writer, budget)
        end = start + found.messages if found else _end(messages, tokens, start, budget, known or {})
        some = tuple(messages[start:end])
        planned.append(Planned(Chunk(some, found.key if found else key_of(some, writer)), found))
        start = end
    return planned


def shortened(message: SourceMessage, tokens: int, budget: int) -> SourceMessage:
    """The message, or as much of its beginning as a part can hold."""
    if tokens <= budget:
        return message
    return replace(message, text=message.text[: max(1, len(message.text) * budget // tokens)])


def _known_at(
    messages: Sequence[SourceMessage],
    tokens: Sequence[int],
    start: int,
    known: Sequence[Notes],
    writer: str,
    budget: int,
) -> Notes | None:
    """The longest part that was read before and begins here."""
    for notes in sorted(known, key=lambda one: -one.messages):
        end = start + notes.messages
        is_last = end == len(messages)
        worth = is_last or sum(tokens[start:end]) >= budget * _WORTH_KEEPING
        if worth and end <= len(messages) and key_of(messages[start:end], writer) == notes.key:
            return notes
    return None


def _end(
    messages: Sequence[SourceMessage],
    tokens: Sequence[int],
    start: int,
    budget: int,
    known: Mapping[int, Sequence[Notes]],
) -> int:
    """Where the part that begins at `start` ends: at its budget, but where a conversation pauses if it can."""
    used = 0
    for end in range(start, len(messages)):
        is_new = end > start
        if is_new and messages[end].place != messages[start].place:
            return end
        if is_new and used + tokens[end] > budget:
            return _best_pause(messages, tokens, start, end, budget)
        paused = is_new and _gap_s(messages, end) >= PAUSE_S and used >= budget * _FULL_ENOUGH
        if paused or (is_new and messages[end].id in known and used >= budget * _FULL_ENOUGH):
            return end
        used += tokens[end]
    return len(messages)


def _best_pause(messages: Sequence[SourceMessage], tokens: Sequence[int], start: int, end: int, budget: int) -> int:
    """Before which message of a part that is full the longest silence is, not counting the part's beginning."""
    earliest, used = start + 1, 0
    while earliest < end and used + tokens[earliest - 1] < budget * _FULL_ENOUGH:
        used += tokens[earliest - 1]
        earliest += 1
    return max(range(earliest, end + 1), key=lambda place: (_gap_s(messages, place), place))


def _gap_s(messages: Sequence[SourceMessage], place: int) -> float:
    return (messages[place].created_at - messages[place - 1].created_at).total_seconds()
