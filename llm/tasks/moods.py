"""How many people sound together, and never one alone: sums over messages, by time and over people. Pure.

Nobody's own mood can be read off: too few people, one who wrote nearly everything, and times in which few wrote are
refused or left out. It does not know how a mood is told (`sentiment`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from llm.tasks.sentiment import MOODS, Mood

FEWEST_PEOPLE = 3
MOST_BY_ONE = 2 / 3
"""Of the messages: with more the others would hide nobody."""
FEWEST_COMPARED = 5
"""People of whom it is told how many sound how."""
MOST_BARS = 48
_HOURS = (1, 2, 3, 6, 12, 24, 48, 168, 720)
"""Lengths of the times side by side: hours, where those of the whole range are few enough."""

Why = Literal["few people", "one voice"]


@dataclass(frozen=True, slots=True)
class Heard:
    """One message: who wrote it, when, and how it sounds."""

    id: int
    author: str
    at: datetime
    mood: Mood


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some hours: `counts` by mood, None where fewer than FEWEST_PEOPLE wrote."""

    begin: datetime
    counts: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class Together:
    """`counts` of messages in the order of MOODS; of the people, how many wrote more positive than negative messages,
    as many, and more negative ones (None where they are too few to tell)."""

    counts: tuple[int, int, int]
    people: int
    leaning: tuple[int, int, int] | None
    hours: int
    stretches: tuple[Stretch, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    def percent(self, mood: Mood) -> int:
        """The share of one mood."""
        return round(100 * self.counts[MOODS.index(mood)] / self.total)


def refused(authors: Sequence[str]) -> Why | None:
    """Why messages by these people, one name for each message, must not be judged together."""
    counts = Counter(authors)
    if len(counts) < FEWEST_PEOPLE:
        return "few people"
    return "one voice" if max(counts.values()) > MOST_BY_ONE * len(authors) else None


def together(heard: Sequence[Heard]) -> Together:
    """The sums of messages that may be judged; there is at least one."""
    hours, stretches = _stretches(heard)
    return Together(_counts(heard), len({one.author for one in heard}), _leaning(heard), hours, stretches)


def _counts(heard: Sequence[Heard]) -> tuple[int, int, int]:
    counts = Counter(one.mood for one in heard)
    return counts["positive"], counts["neutral"], counts["negative"]


def _leaning(heard: Sequence[Heard]) -> tuple[int, int, int] | None:
    balance: defaultdict[str, int] = defaultdict(int)
    for one in heard:
        balance[one.author] += (one.mood == "positive") - (one.mood == "negative")
    if len(balance) < FEWEST_COMPARED:
        return None
    values = balance.values()
    return sum(each > 0 for each in values), sum(each == 0 for each in values), sum(each < 0 for each in values)


def _stretches(heard: Sequence[Heard]) -> tuple[int, tuple[Stretch, ...]]:
    """The whole time in stretches of so many hours (UTC), also those in which nobody wrote."""
    first, last = min(one.at for one in heard), max(one.at for one in heard)
    span = (last - first) / timedelta(hours=1)
    hours = next((each for each in _HOURS if span / each <= MOST_BARS - 2), _HOURS[-1])
    found: defaultdict[int, list[Heard]] = defaultdict(list)
    for one in heard:
        found[_number(one.at, hours)].append(one)
    return hours, tuple(
        Stretch(datetime.fromtimestamp(number * hours * 3600, UTC), _shown(found.get(number, [])))
        for number in range(_number(first, hours), _number(last, hours) + 1)
    )


def _shown(heard: Sequence[Heard]) -> tuple[int, int, int] | None:
    return _counts(heard) if len({one.author for one in heard}) >= FEWEST_PEOPLE else None


def _number(at: datetime, hours: int) -> int:
    return int(at.timestamp() // (hours * 3600))
