"""A long text → pieces that can be found and shown alone, cut where it has breaks; each says under which headings it
stands. Pure. It does not know where texts come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 700
"""Characters of a piece: what a small embedding model reads, and what a person reads at a glance."""
MOST_HEADINGS = 3
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_ENDS = (re.compile(r"(?<=[.!?。！？])\s+"), re.compile(r"\s+"))


def pieces(text: str, longest: int = LONGEST) -> list[str]:
    """The text in pieces of at most `longest` characters and their headings."""
    found: list[str] = []
    for headings, block in _sections(text):
        title = " › ".join(headings[-MOST_HEADINGS:])
        for piece in _joined(_short(block, longest), longest):
            found.append(f"{title}\n{piece}" if title else piece)
    return found


def _sections(text: str) -> Iterator[tuple[list[str], str]]:
    """Text between headings, with the headings above it; Markdown's marks inside code are none."""
    headings: list[tuple[int, str]] = []
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        in_code ^= _FENCE.match(line) is not None
        heading = None if in_code else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        yield [title for _, title in headings], "\n".join(lines)
        lines = []
        headings = [one for one in headings if one[0] < len(heading[1])] + [(len(heading[1]), heading[2])]
    yield [title for _, title in headings], "\n".join(lines)


def _short(block: str, longest: int) -> Iterator[str]:
    """Paragraphs; of long ones sentences, of long sentences words, of long words parts."""
    for paragraph in re.split(r"\n\s*\n", block):
        yield from _cut(paragraph.strip(), longest, 0)


def _cut(text: str, longest: int, level: int) -> Iterator[str]:
    if len(text) <= longest:
        if text:
            yield text
    elif level == len(_ENDS):
        yield from (text[start : start + longest] for start in range(0, len(text), longest))
    else:
        parts = (part for whole in _ENDS[level].split(text) for part in _cut(whole, longest, level + 1))
        yield from _joined(parts, longest, " ")


def _joined(parts: Iterator[str], longest: int, between: str = "\n") -> Iterator[str]:
    """Neighbours together, as long as there is room."""
    held = ""
    for part in parts:
        if held and len(held) + len(between) + len(part) > longest:
            yield held
            held = part
        else:
            held = f"{held}{between}{part}" if held else part
    if held:
        yield held
