"""Where a long text may be cut into messages: between paragraphs, lines or words, never inside one thing. Pure.

Whole things are inline code, links, emphasis, spoilers, formulas, runs of backticks, and what looks like one character.
What is longer than a message is cut all the same; what was open at the cut (a code block, a table, a spoiler) is
handed on, so that the next message can open it again. It does not know how the pieces are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from bot.conversation.tables import Head, open_table

LONGEST_WHOLE = 250
"""Characters of the longest inline thing that is kept whole; so far beyond a border the text is looked at."""

_FENCE = re.compile("```")
_FENCE_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.\-]{1,32}(?=\n)")
_PARAGRAPH = re.compile(r"\n\n")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"[.!?…。！？][\"'”’)\]]*\s")
_WORD = re.compile(r" ")
_WHOLE = re.compile(
    r"```.*?(?:```|\Z)"
    rf"|(?P<whole>(?P<ticks>`{{1,2}})(?!`)[^`]{{1,{LONGEST_WHOLE}}}(?P=ticks)"
    rf"|!?\[[^\[\]\n]{{0,{LONGEST_WHOLE}}}\]\([^()\n]{{0,{LONGEST_WHOLE}}}\)"
    rf"|\|\|(?!\|)[^|]{{1,{LONGEST_WHOLE}}}\|\||(?P<mark>\*\*|__|~~)(?=\S)[^*_~\n]{{1,{LONGEST_WHOLE}}}(?P=mark)"
    rf"|\\\(.{{1,{LONGEST_WHOLE}}}?\\\)|\\\[.{{1,{LONGEST_WHOLE}}}?\\\]|\$\$[^$]{{1,{LONGEST_WHOLE}}}\$\$)",
    re.DOTALL,
)
_SPOILER_OR_CODE = re.compile(r"```|(?P<ticks>`{1,2})(?!`)[^`]+(?P=ticks)|(?P<before>[^\s\W]?)\|\|(?P<after>[^\s|]?)")
_CLUSTER = regex.compile(r"`+|\X")


@dataclass(frozen=True, slots=True)
class Fence:
    """An open code block: where its first backtick and where its content stand in the text."""

    language: str
    start: int
    content: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open at a cut: a code block, or a table whose rows go on, and whether a spoiler is."""

    fence: Fence | None = None
    table: Head | None = None
    spoiler: bool = False


NOTHING_OPEN = Opened()


def opened_at(text: str, start: int, end: int, before: Opened) -> Opened:
    """What is open at `end`, given what was open at `start`."""
    fence = _fence_at(text, start, end, before.fence)
    spoiler = _spoiler_at(text[start:end], before)
    if fence is not None or before.fence is not None or end >= len(text):
        return Opened(fence, None, spoiler)
    return Opened(None, open_table(text, start, end, before.table), spoiler)


def border(text: str, start: int, window: int, opened: Opened) -> int:
    """The best place to cut in (start, window].

    Only the second half of the window is looked at for a good border: half-empty messages read badly too.
    """
    half = start + (window - start) // 2
    now = opened_at(text, start, window, opened)
    block = now.fence or now.table
    if block is not None and block not in (opened.fence, opened.table) and block.start > half:
        return block.start  # the next message begins with the whole block
    whole = list(_whole_things(text, start, window, opened))
    for kind in (_PARAGRAPH, _LINE, _SENTENCE, _WORD):
        if kind is _SENTENCE and now.fence is not None:
            continue
        places = [match.end() for match in kind.finditer(text, half, window)]
        for place in reversed(places):
            if any(begin < place < end for begin, end in whole):
                continue
            if kind is _PARAGRAPH and _fence_at(text, start, place, opened.fence) is not None:
                continue
            return place
    return _between_characters(text, start, window)


def _fence_at(text: str, start: int, end: int, fence: Fence | None) -> Fence | None:
    for match in _FENCE.finditer(text, start, end):
        if fence is not None:
            fence = None
        else:
            found = _FENCE_LANGUAGE.match(text, match.end())
            language = found[0] if found else ""
            fence = Fence(language, match.start(), match.end() + len(language))
    return fence


def _spoiler_at(piece: str, before: Opened) -> bool:
    """Whether a spoiler is open after `piece`. Bars in code, and between words as programs have them, open none."""
    is_open, in_code = before.spoiler, before.fence is not None
    if "||" not in piece:
        return is_open
    for match in _SPOILER_OR_CODE.finditer(piece):
        if match[0] == "```":
            in_code = not in_code
        elif not in_code and not match["ticks"]:
            is_open = not is_open and bool(match["after"]) and not match["before"]
    return is_open


def _whole_things(text: str, start: int, window: int, opened: Opened) -> Iterator[tuple[int, int]]:
    """Where inline things that must not be divided begin and end."""
    begin = start
    if opened.fence is not None:
        closing = _FENCE.search(text, start, window)
        begin = closing.end() if closing else window
    for match in _WHOLE.finditer(text, begin, min(len(text), window + LONGEST_WHOLE)):
        if match["whole"]:
            yield match.span()


def _between_characters(text: str, start: int, window: int) -> int:
    """The last index up to `window` at which no grapheme cluster and no run of backticks is divided."""
    if window >= len(text):
        return len(text)
    place = start
    for match in _CLUSTER.finditer(text, start, min(len(text), window + LONGEST_WHOLE)):
        if match.end() > window:
            break
        place = match.end()
    return place if place > start else window
