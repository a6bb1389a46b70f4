"""Puts the parts together that find things in what is stored, and that keep documents for it.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands.ask import Ask
from bot.commands.find import Find
from bot.commands.knowledge import Knowledge
from bot.commands.paged import Pages
from bot.commands.working import Works
from bot.embedding import Embedder
from bot.foundations import Foundations, Shared
from bot.lookup.finding import Finding
from bot.lookup.indexing import Indexing
from llm.tasks.likeness import Likeness
from storage.choices import Choices
from storage.documents import Documents
from storage.search import Search


@dataclass(frozen=True, slots=True)
class LookupParts:
    """What the client hangs on its tree, and runs beside it."""

    find: Find
    knowledge: Knowledge
    indexing: Indexing


def look_up(base: Foundations, shared: Shared, ask: Ask, works: Works, pages: Pages) -> LookupParts:
    """Build all parts; `works` and `pages` are those of the other commands that take long."""
    search = Search(base.database)
    indexing = Indexing(search, shared.rulebook, base.tasks)
    finding = Finding(
        search=search,
        indexing=indexing,
        embedder=Embedder(base.tasks),
        choices=Choices(base.database),
        intake=shared.intake,
        places=base.places,
        llm=base.llm if base.settings.tasks.find == "chat" else None,
        likeness=Likeness(base.tasks),
    )
    find = Find(
        finding=finding,
        search=search,
        ask=ask,
        gate=shared.gate,
        metering=shared.metering,
        limits=shared.limits,
        works=works,
        pages=pages,
        places=base.places,
        clock=base.pace.clock,
        words=shared.words,
    )
    shared.leaving.also(lambda person_id, guild_id: find.forget(person_id))
    shared.leaving.also(lambda person_id, guild_id: search.forget(guild_id))
    knowledge = Knowledge(
        documents=Documents(base.database),
        attachments=shared.attachments,
        limits=shared.limits,
        works=works,
        pages=pages,
    )
    return LookupParts(find, knowledge, indexing)
