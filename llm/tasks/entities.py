"""The names in many texts: people, groups, places and others, each with its place in its text.

A model made for it answers on the worker, or the chat model: that is the owner's choice. Names of the chat model are
looked for in the text, so that what it made up is no name. Which spellings mean the same is `names`' business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llm.errors import NotServed
from llm.tasks.asking import Asking, Excerpt, Progress
from llm.tasks.names import Kind
from llm.tasks_client import TEXTS_PER_REQUEST, FoundEntity, TasksClient
from llm.types import Priority, Usage

TOKENS_EACH = 40
"""Of the chat model's answer about one text."""
INSTRUCTIONS = """You find names in short texts of a chat.
For each name write one line: [number of the text] KIND: the name, exactly as it is written there.
KIND is PERSON, GROUP (organisations, companies, teams, bands), PLACE or OTHER (products, works, events).
Only proper names: no pronouns, no roles, no dates, no numbers. A text without names gets no line.
If there is no name at all, write only: NONE"""
_KINDS: Mapping[str, Kind] = {
    "PER": "PER", "PERSON": "PER", "PEOPLE": "PER", "PERS": "PER",
    "ORG": "ORG", "ORGANIZATION": "ORG", "ORGANISATION": "ORG", "CORPORATION": "ORG", "GROUP": "ORG", "NORP": "ORG",
    "COMPANY": "ORG",
    "LOC": "LOC", "LOCATION": "LOC", "GPE": "LOC", "PLACE": "LOC", "FAC": "LOC", "FACILITY": "LOC",
}  # fmt: skip
"""How models call what they find; whatever else they call a name is MISC."""
_NO_NAMES = frozenset({"DATE", "TIME", "CARDINAL", "ORDINAL", "QUANTITY", "PERCENT", "MONEY", "NUMBER", "LANGUAGE"})
_SAID = re.compile(r"^\**([A-Za-z]{3,12})\**\s*[:：–-]\s*(.+)$")
_WITHOUT_SPACES = "\u2e80"
"""From here on most scripts write no spaces, so that a name need not be a whole word."""
_AROUND = " \t\"'“”„«»‘’*`.,;"


@dataclass(frozen=True, slots=True)
class Spot:
    """A name in a text: `text[start:end]` of the original, counted in code points."""

    start: int
    end: int
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """Per text its names, in their order; none overlap. `usage`: of a chat model that tells it."""

    spots: list[list[Spot]]
    usage: Usage | None = None


class NameFinder:
    """Finds names by the task model, or (`asking`) by the chat model. Methods raise llm.errors."""

    def __init__(self, tasks: TasksClient | None, asking: Asking | None = None) -> None:
        self._tasks = tasks
        self._asking = asking

    async def find(
        self,
        texts: Sequence[str],
        *,
        user: str | None = None,
        priority: Priority = "command",
        progress: Progress = lambda done, total: None,
    ) -> Found:
        """The names in each text. Raises NotServed where no model can do it."""
        if self._asking is not None:
            answers = await self._asking.about(
                texts, INSTRUCTIONS, tokens_each=TOKENS_EACH, user=user, priority=priority, progress=progress
            )
            said: list[list[Spot]] = [[] for _ in texts]
            for portion in answers.portions:
                for number, line in portion.lines:
                    excerpt = portion.excerpts[number - 1]
                    said[excerpt.index] += spots_in(excerpt, line)
            return Found([without_overlaps(spots) for spots in said], answers.usage)
        if self._tasks is None:
            raise NotServed("there is no engine for task models")
        found: list[list[Spot]] = []
        for first in range(0, len(texts), TEXTS_PER_REQUEST):
            progress(first, len(texts))
            answer = await self._tasks.entities(texts[first : first + TEXTS_PER_REQUEST])
            found += [without_overlaps([spot for one in each if (spot := _spot(one))]) for each in answer]
        return Found(found)


def kind_of(name: str) -> Kind | None:
    """One of the four kinds for whatever a model calls it; None for what is no name."""
    label = name.upper()
    return None if label in _NO_NAMES else _KINDS.get(label, "MISC")


def spots_in(excerpt: Excerpt, line: str) -> list[Spot]:
    """Every place in the text where the name of "PERSON: Ada" stands as a whole word; none where it does not."""
    match = _SAID.match(line)
    kind = kind_of(match[1]) if match else None
    name = match[2].strip(_AROUND) if match else ""
    if kind is None or not name:
        return []
    spaced = r"\s+".join(map(re.escape, name.split()))
    pattern = spaced if max(name) >= _WITHOUT_SPACES else rf"(?<!\w){spaced}(?!\w)"
    places = list(re.finditer(pattern, excerpt.text)) or list(re.finditer(pattern, excerpt.text, re.IGNORECASE))
    return [Spot(excerpt.start + at.start(), excerpt.start + at.end(), kind, at[0]) for at in places]


def without_overlaps(spots: Sequence[Spot]) -> list[Spot]:
    """In their order; of those that overlap the longest one."""
    kept: list[Spot] = []
    for spot in sorted(spots, key=lambda one: (one.start - one.end, one.start)):
        if all(spot.end <= other.start or other.end <= spot.start for other in kept):
            kept.append(spot)
    return sorted(kept, key=lambda one: one.start)


def _spot(found: FoundEntity) -> Spot | None:
    """None for what is no name. The built-in model takes the sign of "@ ada" for one, as its data do."""
    kind = kind_of(found.type) if any(map(str.isalnum, found.text)) else None
    return Spot(found.start, found.end, kind, found.text) if kind is not None else None
