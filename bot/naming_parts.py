"""Puts the commands together that find names in what people write, hear how it sounds, and sort it.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.charting import Charts
from bot.commands.classify import Classify
from bot.commands.digesting import Digesting
from bot.commands.entities import Entities
from bot.commands.sentiment import Sentiment
from bot.foundations import Foundations
from llm.config import CHAT, OFF
from llm.tasks.asking import Asking
from llm.tasks.classify import Classifier
from llm.tasks.entities import NameFinder
from llm.tasks.likeness import Likeness
from llm.tasks.sentiment import MoodReader


@dataclass(frozen=True, slots=True)
class NamingParts:
    """What the client hangs on its tree."""

    entities: Entities
    sentiment: Sentiment
    classify: Classify


def name_things(base: Foundations, digests: Digesting) -> NamingParts:
    """Build all parts; which of them the chat model does is the owner's choice."""
    tasks, chosen = base.tasks, base.settings.tasks

    def by_chat(name: str) -> Asking | None:
        return Asking(base.llm) if name == CHAT else None

    likeness = None if chosen.zero_shot == OFF else Likeness(tasks)
    return NamingParts(
        entities=Entities(digests, NameFinder(tasks, by_chat(chosen.entities))),
        sentiment=Sentiment(digests, MoodReader(tasks, by_chat(chosen.classify)), Charts()),
        classify=Classify(digests, Classifier(tasks, by_chat(chosen.zero_shot), likeness)),
    )
