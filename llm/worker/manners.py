"""What a chat template can be told, and how any conversation is brought into that shape. Pure: messages in and out.

It does not know how a template is found out about (`probing`) nor what renders it (`template`). Nothing is left out of
a conversation but what has no text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from llm.prompt import OPENING

Message = dict[str, str]
Systems = Literal["anywhere", "first", "never"]

GO_ON = "(Please go on.)"
"""Stands in for the user's turn at the end, for templates that let the assistant speak only after one."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What one template understands."""

    systems: Systems = "anywhere"  # where it takes a system's text
    alternates: bool = False  # user and assistant must take turns
    user_first: bool = False  # a user must begin, and be there at all
    user_last: bool = False  # it opens the assistant's turn only behind a user's
    needs_text: bool = False  # it refuses a message without text
    parts: bool = False  # a content is a list of typed parts
    header: str = ""  # what opens the assistant's turn, where the template leaves that out


STRICT = Manners(systems="never", alternates=True, user_first=True, user_last=True, needs_text=True)
"""What every chat template understands: turns, from a user's to a user's, and nothing else."""


def shapes(manners: Manners) -> tuple[Manners, ...]:
    """What to try one after the other: as found out, then ever more strictly, where a conversation is refused."""
    strict = replace(STRICT, parts=manners.parts, header=manners.header)
    return manners, replace(strict, systems=manners.systems), strict


def adapt(messages: Sequence[Message], manners: Manners) -> list[Message]:
    """The same conversation in a shape that the template takes; every text of it stays, in order within its role."""
    turns = [dict(message) for message in messages]
    if manners.needs_text:
        turns = [turn for turn in turns if turn["content"].strip()]
    system = ""
    if manners.systems != "anywhere":
        system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
        turns = [turn for turn in turns if turn["role"] != "system"]
    if manners.alternates:
        turns = _merged(turns)
    if manners.user_first:
        turns = _begun_by_user(turns)
    if manners.user_last and turns and turns[-1]["role"] == "assistant":
        turns.append(_turn("user", GO_ON))
    return _with_system(turns, system, manners.systems) if system else turns


def _merged(turns: list[Message]) -> list[Message]:
    merged: list[Message] = []
    for role, group in groupby(turns, key=lambda turn: turn["role"]):
        if role == "system":
            merged += group
        else:
            merged.append(_turn(role, "\n".join(turn["content"] for turn in group)))
    return merged


def _begun_by_user(turns: list[Message]) -> list[Message]:
    begin = next((place for place, turn in enumerate(turns) if turn["role"] != "system"), len(turns))
    if begin < len(turns) and turns[begin]["role"] == "user":
        return turns
    return [*turns[:begin], _turn("user", OPENING), *turns[begin:]]


def _with_system(turns: list[Message], system: str, systems: Systems) -> list[Message]:
    """The system's text in front; where the template has no place for one, at the head of the first user's turn."""
    first = next((place for place, turn in enumerate(turns) if turn["role"] == "user"), None)
    if systems == "first":
        return [_turn("system", system), *turns]
    if first is None:
        return [_turn("user", system), *turns]
    turns[first] = _turn("user", f"{system}\n\n{turns[first]['content']}")
    return turns


def _turn(role: str, content: str) -> Message:
    return {"role": role, "content": content}
