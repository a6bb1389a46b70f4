"""Puts the commands together that find names in what people write.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands.digesting import Digesting
from bot.commands.entities import Entities
from bot.foundations import Foundations
from llm.config import CHAT
from llm.tasks.asking import Asking
from llm.tasks.entities import NameFinder


@dataclass(frozen=True, slots=True)
class NamingParts:
    """What the client hangs on its tree."""

    entities: Entities


def name_things(base: Foundations, digests: Digesting) -> NamingParts:
    """Build all parts; which of them the chat model does is the owner's choice."""
    by_chat = Asking(base.llm)
    tasks = base.settings.tasks
    return NamingParts(
        entities=Entities(digests, NameFinder(base.tasks, by_chat if tasks.entities == CHAT else None)),
    )
