"""Names that were found → the lines that people read: a list with links, or a text with its names marked. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import discord

from bot.commands.digest import short
from bot.conversation.rendering import length, neutralize, small
from bot.language import N_, _, number
from llm.tasks.entities import Spot
from llm.tasks.names import KINDS, Kind, Name, of_kind

MOST_NAMES = 12
"""Of one kind: what is rarer is counted only."""
LONGEST_LINE = 1_700
"""Characters of one line of a marked text with all that makes it harmless, and of several of them together."""
TITLE = N_("**Who and what is talked about**")
TITLES: Mapping[Kind, str] = {
    "PER": N_("👤 **People**"),
    "ORG": N_("🏢 **Groups**"),
    "LOC": N_("📍 **Places**"),
    "MISC": N_("🏷️ **Other**"),
}
MARKS: Mapping[Kind, str] = {"PER": "👤", "ORG": "🏢", "LOC": "📍", "MISC": "🏷️"}
LEGEND = N_("👤 people · 🏢 groups · 📍 places · 🏷️ other")
MORE = N_("- … and {count} more")
_WORD = re.compile(r"\n|[^\S\n]+|\S{1,400}")

Link = Callable[[int], str]
"""The address of a message."""


def listed(names: Sequence[Name], link: Link, remark: str) -> list[str]:
    """All names by kind, each with how often it was said and links to where it was said first, and first like that:
    what is posted of it goes with these messages."""
    lines = [_(TITLE)]
    for kind in KINDS:
        mine = of_kind(names, kind)
        if not mine:
            continue
        lines += [_(TITLES[kind]), *(_line(name, link) for name in mine[:MOST_NAMES])]
        if len(mine) > MOST_NAMES:
            lines.append(_(MORE, count=number(len(mine) - MOST_NAMES)))
    return [*lines, small(remark)]


def marked(text: str, spots: Sequence[Spot], source: str = "") -> list[str]:
    """The text with its names in bold, each after the sign of its kind, in pieces that fit into messages; `source`, the
    address of the message that it is, stands under each piece, so that each can go with that message."""
    lines = [""]
    for unit in _units(text, spots):
        if unit == "\n" or length(neutralize(lines[-1] + unit)) > LONGEST_LINE:
            lines.append("")
        lines[-1] += unit.strip("\n")
    shown = [neutralize(f"> {' '.join(line.split())}") for line in lines if line.strip()]
    pieces = [f"{piece}\n[↗]({source})" for piece in _joined(shown)] if source else shown
    return [*pieces, small(_(LEGEND))]


def _joined(lines: Sequence[str]) -> list[str]:
    """As few pieces as the lines fit into."""
    pieces = list(lines[:1])
    for line in lines[1:]:
        joined = f"{pieces[-1]}\n{line}"
        if length(joined) <= LONGEST_LINE:
            pieces[-1] = joined
        else:
            pieces.append(line)
    return pieces


def _line(name: Name, link: Link) -> str:
    text = discord.utils.escape_markdown(short(name.text, 100))
    links = " ".join(f"[↗]({link(one)})" for one in sorted({name.first, name.spelled}))
    return f"- {text} · {number(name.count)} × {links}"


def _units(text: str, spots: Sequence[Spot]) -> Iterator[str]:
    """What is never cut: names as they are shown, words, spaces, and the text's own breaks of lines."""
    at = 0
    for spot in spots:
        yield from _words(text[at : spot.start])
        yield f"{MARKS[spot.kind]} **{discord.utils.escape_markdown(' '.join(spot.text.split()))}**"
        at = spot.end
    yield from _words(text[at:])


def _words(text: str) -> Iterator[str]:
    return (discord.utils.escape_markdown(word) for word in _WORD.findall(text))
