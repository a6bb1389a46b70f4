"""Logs of IRC channels → who said what when. Their clock knows minutes only: what was said in one is spread over it.

    [09:14] <ada> does anybody know …        a message; `=== ada has joined` and the like are none
    [09:14]  * ada shrugs

It measures nothing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

DAY_MIN = 24 * 60
ODD_MIN = 60
"""A clock that goes back by less than this was set; further back, another day or half of one has begun."""
_SAID = re.compile(r"\[(\d\d):(\d\d)\] (?:<([^>]+)> |\s*\* (\S+) )(.*\S)")


@dataclass(frozen=True, slots=True)
class Line:
    """`at_s`: seconds since the log's first minute."""

    at_s: float
    nick: str
    text: str


def read(path: Path) -> list[Line]:
    """What was said in one log, in order."""
    return parse(path.read_text(encoding="utf-8", errors="replace").splitlines())


def parse(lines: Sequence[str]) -> list[Line]:
    """Lines without an author are left out."""
    said = list(_by_minute(lines))
    spread = []
    for minute, group in itertools.groupby(said, key=lambda one: one[0]):
        together = list(group)
        for place, (_, nick, text) in enumerate(together):
            spread.append(Line(60 * (minute - said[0][0] + (place + 0.5) / len(together)), nick, text))
    return spread


def _by_minute(lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Minute, nick, text. The minutes go on over midnight, and over noon where the clock counts to twelve."""
    gone, before = 0, 0
    for line in lines:
        found = _SAID.match(line)
        if not found:
            continue
        minute = 60 * int(found[1]) + int(found[2])
        back = before - minute
        if back > ODD_MIN:
            gone += DAY_MIN // 2 if back <= DAY_MIN // 2 else DAY_MIN
        before = minute if back > ODD_MIN else max(before, minute)
        yield gone + before, found[3] or found[4], found[5]
