"""How texts sound: positive, neutral or negative, each for itself. What may be made of that is the caller's business.

A model made for it answers on the worker, or the chat model: that is the owner's choice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from llm.errors import NotServed
from llm.tasks.asking import Asking, Progress
from llm.tasks.labelling import labelled
from llm.tasks_client import TEXTS_PER_REQUEST, TasksClient
from llm.types import Priority, Usage

Mood = Literal["positive", "neutral", "negative"]
MOODS: tuple[Mood, ...] = get_args(Mood)
TASK = "Say how each text sounds: positive, negative, or neutral where it is neither or both."
_UNSURE = 0.65
"""A model that knows good and bad only: what it is less sure of is neutral."""
_STARS = re.compile(r"([1-5])\s*stars?")
_NUMBERED = re.compile(r"label_(\d)")
_BY_NUMBER: Mapping[int, tuple[Mood, ...]] = {
    2: ("negative", "positive"),
    3: ("negative", "neutral", "positive"),
    5: ("negative", "negative", "neutral", "positive", "positive"),
}
"""What numbered labels of well-known models mean, by how many there are."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How one text sounds; `share`: how sure a task model is of it."""

    mood: Mood
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Judgements:
    """Per text how it sounds, None where the model did not say."""

    each: list[Judged | None]
    usage: Usage | None = None


class MoodReader:
    """Judges texts by the task model, or (`asking`) by the chat model. Methods raise llm.errors."""

    def __init__(self, tasks: TasksClient | None, asking: Asking | None = None) -> None:
        self._tasks = tasks
        self._asking = asking

    async def judge(
        self,
        texts: Sequence[str],
        *,
        user: str | None = None,
        priority: Priority = "command",
        progress: Progress = lambda done, total: None,
    ) -> Judgements:
        """How each text sounds. Raises NotServed where no model can tell."""
        if self._asking is not None:
            said = await labelled(self._asking, texts, MOODS, TASK, user=user, priority=priority, progress=progress)
            moods = [next((mood for mood in MOODS if mood == label), None) for label in said.each]
            return Judgements([Judged(mood) if mood else None for mood in moods], said.usage)
        if self._tasks is None:
            raise NotServed("there is no engine for task models")
        found: list[Judged | None] = []
        for first in range(0, len(texts), TEXTS_PER_REQUEST):
            progress(first, len(texts))
            found += map(judged, await self._tasks.classify(texts[first : first + TEXTS_PER_REQUEST]))
        return Judgements(found)


def judged(scores: Mapping[str, float]) -> Judged:
    """The likeliest of the three moods. Raises NotServed where the model's labels are no moods."""
    sums: dict[Mood, float] = dict.fromkeys(MOODS, 0.0)
    for name, chance in scores.items():
        sums[_mood(name, len(scores))] += chance
    mood = max(MOODS, key=lambda one: sums[one])
    knows_neutral = any(_mood(name, len(scores)) == "neutral" for name in scores)
    if not knows_neutral and sums[mood] < _UNSURE:
        return Judged("neutral", 1 - sums[mood])
    return Judged(mood, sums[mood])


def _mood(label: str, count: int) -> Mood:
    plain = label.lower()
    begun = next((mood for mood in MOODS if plain.startswith(mood[:3])), None)
    if begun is not None:
        return begun
    if stars := _STARS.fullmatch(plain):
        return _BY_NUMBER[5][int(stars[1]) - 1]
    number = _NUMBERED.fullmatch(plain)
    if number and int(number[1]) < len(_BY_NUMBER.get(count, ())):
        return _BY_NUMBER[count][int(number[1])]
    raise NotServed(f"its label {label!r} is not positive, neutral or negative")
