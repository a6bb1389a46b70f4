"""A posted answer without what rests on messages that are gone. Pure: text in, text out.

It knows how answers with links are written: a sentence with its links at its end, alone in a line or one after the
other; a heading with a link over the lines that belong to it; or lines over the link of the one message they are about.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_URL = r"https://discord\.com/channels/\d+/(\d+)/(\d+)"
_LINK = re.compile(rf"\[↗\]\({_URL}\)")
_ALONE = re.compile(rf"<?{_URL}>?$")
_SENTENCE = re.compile(rf"\s*(?:(?!\[↗\]).)*(?:\[↗\]\({_URL}\)\s*)+", re.DOTALL)
_HEADING = re.compile(rf"\*\*.*\*\* \[↗\]\({_URL}\)$")
_TITLE = re.compile(r"\*\*[^*]+\*\*(?: <#\d+>)?$")


def cited_in(text: str) -> dict[int, int]:
    """The messages that a posted answer rests on, and in which channel each is."""
    found = {int(message): int(channel) for channel, message in _LINK.findall(text)}
    alone = [match for line in text.splitlines() if (match := _ALONE.match(line))]
    return found | {int(match[2]): int(match[1]) for match in alone}


def without_citing(text: str, gone: Collection[int]) -> str | None:
    """What is left of it when these messages are gone; None where nothing is that rests on any other."""
    lines = list(_left(text.splitlines(), set(gone)))
    rest = "\n".join(line for place, line in enumerate(lines) if not _is_empty_title(lines, place))
    return rest if cited_in(rest) else None


def _left(lines: list[str], gone: set[int]) -> Iterator[str]:
    is_below = False
    for line in lines:
        cited = set(cited_in(line))
        if not cited:
            if not is_below or line.startswith("-# "):
                yield line
            continue
        is_below = bool(cited & gone) and _HEADING.match(line) is not None
        if not cited & gone:
            yield line
        elif _ALONE.match(line):
            return
        elif not line.startswith("- ") and not is_below and (rest := _sentences(line, gone)):
            yield rest


def _sentences(line: str, gone: set[int]) -> str:
    """The sentences of one line that rest on nothing that is gone."""
    said = [match[0] for match in _SENTENCE.finditer(line)]
    return "".join(one for one in said if not gone & set(cited_in(one))).strip()


def _is_empty_title(lines: list[str], place: int) -> bool:
    """Whether a title inside the answer has nothing under it any more."""
    if not _TITLE.match(lines[place]) or place < 2:
        return False
    below = lines[place + 1] if place + 1 < len(lines) else ""
    return not below or below.startswith("-# ") or _TITLE.match(below) is not None
