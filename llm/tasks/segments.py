"""A text → the pieces in which an engine reads it, cut at paragraphs, lines, sentences or words; joined they are the
text again, to the last space. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

_BORDERS = (
    re.compile(r"(?<=\n\n)"),
    re.compile(r"(?<=\n)"),
    re.compile(r"(?<=[.!?…]\s)|(?<=[。！？])"),
    re.compile(r"(?<=\s)"),
)
_ATOM = re.compile(r"\[\d+\]|.", re.DOTALL)
"""What is never cut: a mark, else one character."""
_LINES = 1
"""Below which border lines are cut always, for engines that know no line breaks."""
_DRESSED = re.compile(r"^(\s*(?:(?:>>>|>|[-*+]|-?#{1,3}|\d{1,3}[.)])\s+)*)(.*?)(\s*)$", re.DOTALL)


def segments(text: str, longest: int, *, by_line: bool) -> list[str]:
    """Pieces of at most `longest` characters (a mark is one piece at least); `by_line`: none has more than one line."""
    if not by_line:
        return _cut(text, longest, 0)
    lines = [line for line in _BORDERS[_LINES].split(text) if line]
    return list(chain.from_iterable(_cut(line, longest, _LINES + 1) for line in lines))


def undressed(piece: str) -> tuple[str, str, str]:
    """What stands around a piece's words: Markdown's beginning of a line and spaces; together they are the piece."""
    match = _DRESSED.match(piece)
    assert match is not None, "the pattern matches every text"
    return match[1], match[2], match[3]


def _cut(text: str, longest: int, level: int) -> list[str]:
    if len(text) <= longest:
        return [text] if text else []
    if level == len(_BORDERS):
        return _joined(_ATOM.findall(text), longest)
    return _joined((part for whole in _BORDERS[level].split(text) for part in _cut(whole, longest, level + 1)), longest)


def _joined(parts: Iterable[str], longest: int) -> list[str]:
    """Neighbours together, as long as there is room."""
    found: list[str] = []
    for part in parts:
        if found and len(found[-1]) + len(part) <= longest:
            found[-1] += part
        else:
            found.append(part)
    return found
