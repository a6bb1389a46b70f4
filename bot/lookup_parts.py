"""Puts the parts together that find things in what is stored, and that keep documents for it.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.clock import Clock
from bot.commands.ask import Ask
from bot.commands.find import Find
from bot.commands.knowledge import Knowledge
from bot.conversation.attachments import Attachments
from bot.conversation.intake import Intake
from bot.conversation.newest import Places
from bot.conversation.own_text import WordList
from bot.embedding import Embedder
from bot.gate import Gate
from bot.limits import PersonalLimits
from bot.lookup.finding import Finding
from bot.lookup.indexing import Indexing
from llm.client import LLMClient
from llm.tasks.likeness import Likeness
from llm.tasks_client import TasksClient
from storage.choices import Choices
from storage.database import Database
from storage.documents import Documents
from storage.search import Search


@dataclass(frozen=True, slots=True)
class LookupParts:
    """What the client hangs on its tree, and runs beside it."""

    find: Find
    knowledge: Knowledge
    indexing: Indexing


def look_up(
    *,
    database: Database,
    llm: LLMClient,
    words: WordList,
    tasks: TasksClient | None,
    intake: Intake,
    attachments: Attachments,
    ask: Ask,
    gate: Gate,
    limits: PersonalLimits,
    places: Places,
    clock: Clock,
) -> LookupParts:
    """Build all parts."""
    search = Search(database)
    indexing = Indexing(search, gate.rulebook, tasks)
    finding = Finding(
        search=search,
        indexing=indexing,
        embedder=Embedder(tasks),
        choices=Choices(database),
        intake=intake,
        places=places,
        llm=llm,
        likeness=Likeness(tasks),
    )
    find = Find(
        finding=finding, search=search, ask=ask, gate=gate, limits=limits, places=places, clock=clock, words=words
    )
    return LookupParts(find, Knowledge(documents=Documents(database), attachments=attachments), indexing)
