"""Discord's markup in what people write (mentions, custom emoji, commands, times) → words that a model reads. Pure.

It does not know who is who: names are given to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from llm.prompt import speaker

_MARKUP = re.compile(
    r"<@!?(?P<person>\d{1,20})>|<@&(?P<role>\d{1,20})>|<#(?P<channel>\d{1,20})>|<a?:(?P<emoji>\w+):\d+>"
    r"|</(?P<command>[^:<>\n]+):\d+>|<t:(?P<time>-?\d{1,20})(?::[tTdDfFRsS])?>"
)
_LETTER = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Names:
    """What Discord's markup stands for. `mine` holds Steward's own id and that of its role."""

    mine: frozenset[int]
    my_name: str
    people: Mapping[int, str] = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)
    channels: Mapping[int, str] = field(default_factory=dict)


def readable(content: str, names: Names) -> str:
    """Discord's markup as words: display names, channel and role names, :emoji:, times. Steward's own mention goes.

    Names are cleaned as authors' are, so that none of them can look like another speaker's turn.
    """
    amid = _span_of_words(content)
    text = _MARKUP.sub(lambda match: _words(match, names, amid), content)
    return text.strip()


def _words(match: re.Match[str], names: Names, amid: tuple[int, int]) -> str:
    kind = match.lastgroup
    value = match[kind] if kind else ""
    if kind in ("emoji", "command"):
        return f":{value}:" if kind == "emoji" else f"/{value}"
    if kind == "time":
        return _moment(int(value))
    number = int(value)
    if number in names.mine:
        is_amid_words = amid[0] <= match.start() and match.end() <= amid[1]
        return speaker(names.my_name) if is_amid_words else ""  # at an end it is just an address
    if kind == "channel":
        return f"#{speaker(names.channels.get(number, 'channel'))}"
    return speaker(names.roles.get(number, "a role") if kind == "role" else names.people.get(number, "someone"))


def _span_of_words(content: str) -> tuple[int, int]:
    """Where the first word ends and the last one begins, markup apart: what lies between has words on both sides."""
    ends = [match.end() for match in _MARKUP.finditer(content)]
    begins = [match.start() for match in _MARKUP.finditer(content)]
    gaps = list(zip([0, *ends], [*begins, len(content)], strict=True))
    first = next((match.end() for gap in gaps if (match := _LETTER.search(content, *gap))), len(content))
    last = next((begin for begin, end in reversed(gaps) if _LETTER.search(content, begin, end)), 0)
    return first, last


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "some time"
