"""A model's lines → sentences with the numbers that they cite. What cites nothing that exists is dropped. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from llm.tasks.summary import Kind, SourceMessage, SummaryItem

MOST_CITED = 4
"""Messages of one sentence: more are no citation."""

_CITATION = re.compile(r"[\[【]\s*#?\d+(?:\s*[,;–-]\s*#?\d+)*\s*[\]】]")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d+[.)])\s+")
_TAG = re.compile(r"^\**(decision|action|question)\**\s*(?:\(([^)]{0,80})\))?\s*\**:\**\s*", re.IGNORECASE)
_KINDS: dict[str, Kind] = {"decision": "decision", "action": "action", "question": "question"}
_NOBODY = frozenset({"", "nobody", "none", "unknown", "unassigned", "not named", "no one", "n/a", "owner", "?"})


def cited_lines(answer: str, most: int) -> list[tuple[str, tuple[int, ...]]]:
    """Each line that cites numbers from 1 to `most`, without them, and those numbers in the order of the line."""
    found: list[tuple[str, tuple[int, ...]]] = []
    for line in answer.splitlines():
        cited = tuple(dict.fromkeys(number for number in _numbers(line) if 1 <= number <= most))[:MOST_CITED]
        text = _without_citations(line)
        if cited and text:
            found.append((text, cited))
    return found


def parse(answer: str, messages: Sequence[SourceMessage], count: int) -> list[SummaryItem]:
    """The sentences that cite messages, in the order of the first of these, `count` at most."""
    items: list[tuple[int, SummaryItem]] = []
    for text, cited in cited_lines(answer, len(messages)):
        source = messages[cited[0] - 1]
        item = SummaryItem(text, tuple(messages[number - 1].id for number in cited), source.author)
        items.append((cited[0], tagged(item)))
    return [item for _, item in sorted(items, key=lambda one: one[0])][:count]


def parse_notes(answer: str, notes: Sequence[SummaryItem], count: int) -> list[SummaryItem]:
    """The same for a text that cites notes: a sentence rests on the messages of its notes."""
    items: list[tuple[int, SummaryItem]] = []
    for text, cited in cited_lines(answer, len(notes)):
        ids = tuple(dict.fromkeys(number for place in cited for number in notes[place - 1].message_ids))
        items.append((cited[0], tagged(SummaryItem(text, ids[: 2 * MOST_CITED], notes[cited[0] - 1].author))))
    return [item for _, item in sorted(items, key=lambda one: one[0])][:count]


def tagged(item: SummaryItem) -> SummaryItem:
    """The item without the word that says of what kind it is, and with that kind."""
    match = _TAG.match(item.text)
    if match is None:
        return item
    owner = (match[2] or "").strip(" *")
    text = item.text[match.end() :].strip()
    known = "" if owner.casefold() in _NOBODY else owner
    return replace(item, text=text, kind=_KINDS[match[1].casefold()], owner=known) if text else item


def _numbers(line: str) -> list[int]:
    return [
        number
        for citation in _CITATION.findall(line)
        for part in re.split(r"[,;]", citation.strip("[]【】 "))
        for number in _run(part)
    ]


def _run(part: str) -> list[int]:
    """ "3" or, of few numbers, "3-5"."""
    ends = [int(number) for number in re.findall(r"\d+", part)]
    if len(ends) == 2 and 0 < ends[1] - ends[0] < MOST_CITED:
        return list(range(ends[0], ends[1] + 1))
    return ends


def _without_citations(line: str) -> str:
    text = _CITATION.sub("", _BULLET.sub("", line))
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(text.split()))
