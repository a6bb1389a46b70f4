"""Markdown tables → what Discord can show, which knows none. Pure.

A narrow table becomes a code block in columns; a wide one, which phones would wrap, a list of 'header: value' lines.
Which lines are a table is decided here; markdown-it-py reads their cells. It does not know messages or their limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.cells import cell_len

WIDEST = 38
"""Columns of a code block that a phone shows without wrapping."""
LONGEST_HEAD = 400
"""Characters of a header that is written again where a table goes on in the next message."""

_ROW = r"[^\n]*\|[^\n]*"
_RULE = r"[ \t]{0,3}(?:\|[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?|:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?)[ \t]*"
_TABLE = re.compile(rf"^(?P<head>{_ROW}\n{_RULE}(?:\n|\Z))(?P<rows>(?:(?=[^\n]*\|)[^\n]+(?:\n|\Z))*)", re.MULTILINE)
_MARKUP = re.compile(r"\\(?P<escaped>[*_~|`])|(?P<mark>`+|\*\*?|__|~~|\|\|)(?=\S)(?P<inside>.+?)(?<=\S)(?P=mark)")
_GAP = "  "
_OPENS = frozenset({"th_open", "td_open"})
_PARSER = MarkdownIt("zero").enable("table")
_ALIGNED = {"text-align:right": "right", "text-align:center": "center"}


@dataclass(frozen=True, slots=True)
class Head:
    """The first two lines of a table whose rows go on: where it begins in the text, and these lines."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a table, the header's first; each row is as long as the header. `sides`: left, right or center."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sides: tuple[str, ...]


def readable_tables(text: str, readable: Callable[[str], str]) -> str:
    """`text` with its tables as code blocks or lists; all other text, and what stands in cells, through `readable`."""
    if "|" not in text:
        return readable(text)
    return "".join(readable(piece) if isinstance(piece, str) else layout(piece, readable) for piece in _pieces(text))


def open_table(text: str, start: int, end: int, before: Head | None) -> Head | None:
    """The table that a cut at `end` divides, given the one that a cut at `start` divided."""
    line_end = text.find("\n", end)
    if "|" not in text[text.rfind("\n", 0, end) + 1 : line_end if line_end >= 0 else len(text)]:
        return None
    found = None
    for match in _TABLE.finditer(text, start, end):
        found = match
    if found is not None and found.end() == end:
        whole = found["head"].endswith("\n") and len(found["head"]) <= LONGEST_HEAD
        return Head(found.start(), found["head"]) if whole else None
    if found is None and before is not None and all("|" in line for line in text[start:end].splitlines()):
        return before
    return None


def layout(table: Table, readable: Callable[[str], str]) -> str:
    """One table as Discord shows it, with a line break at its end."""
    plain = [[_plain(readable(cell)) for cell in row] for row in (table.names, *table.rows)]
    widths = [max(cell_len(row[column]) for row in plain) for column in range(len(table.names))]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > WIDEST:
        return _list(table, readable)
    lines = [_line(row, widths, table.sides) for row in plain]
    rule = _GAP.join("─" * width for width in widths)
    return "```\n" + "\n".join([lines[0], rule, *lines[1:]]) + "\n```\n"


def _list(table: Table, readable: Callable[[str], str]) -> str:
    """One point per row, its further cells below the first; empty cells are left out."""
    points: list[str] = []
    for row in table.rows or (("",) * len(table.names),):
        pairs = [(_cell(readable(name)), _cell(readable(value))) for name, value in zip(table.names, row, strict=True)]
        told = [f"{name}: {value}" if name else value for name, value in pairs if value]
        points += [f"{'- ' if index == 0 else '  - '}{line}" for index, line in enumerate(told)]
    if not points:
        return " · ".join(_cell(readable(name)) for name in table.names) + "\n"
    return "\n".join(points) + "\n"


def _line(row: Sequence[str], widths: Sequence[int], sides: Sequence[str]) -> str:
    return _GAP.join(map(_padded, row, widths, sides)).rstrip()


def _padded(cell: str, width: int, side: str) -> str:
    """Padded by columns on the screen; wide characters take two."""
    room = width - cell_len(cell)
    left = room if side == "right" else room // 2 if side == "center" else 0
    return " " * left + cell + " " * (room - left)


def _plain(cell: str) -> str:
    """Without emphasis, which a code block would show as it is written, and without backticks, which would end it."""
    return _cell(_bare(cell)).replace("`", "'")


def _bare(cell: str) -> str:
    return _MARKUP.sub(_unmarked, cell)


def _unmarked(match: re.Match[str]) -> str:
    if match["escaped"]:
        return match["escaped"]
    return match["inside"] if match["mark"].startswith("`") else _bare(match["inside"])


def _cell(text: str) -> str:
    return " ".join(re.sub(r"<br\s*/?>", " / ", text).split())


def _pieces(text: str) -> Iterator[str | Table]:
    begin = 0
    for match in _TABLE.finditer(text):
        table = _parsed(match[0])
        if table is not None:
            yield text[begin : match.start()]
            yield table
            begin = match.end()
    yield text[begin:]


def _parsed(lines: str) -> Table | None:
    """The table that these lines are, or None where header and rule do not have the same number of cells."""
    tokens = _PARSER.parse(lines)
    if not tokens or tokens[0].type != "table_open":
        return None
    cells = [(token, tokens[index + 1].content) for index, token in enumerate(tokens) if token.type in _OPENS]
    names = [content for token, content in cells if token.type == "th_open"]
    values = [content for token, content in cells if token.type == "td_open"]
    width = len(names)
    rows = [tuple(values[at : at + width]) for at in range(0, len(values), width)]
    return Table(tuple(names), tuple(rows), tuple(_side(token) for token, _ in cells[:width]))


def _side(token: Token) -> str:
    return _ALIGNED.get(str(token.attrs.get("style", "")), "left")
