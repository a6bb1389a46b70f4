"""What /summarize and /catchup share: reading, summarizing, showing progress and pages. It knows constructors only."""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands.fetching import Fetching
from bot.commands.paged import Pages
from bot.commands.posted import Posted
from bot.commands.working import Works
from bot.conversation.own_text import WordList
from bot.foundations import Foundations, Shared
from bot.gate import Gate
from bot.metering import Metering
from bot.settings.resolving import Where
from llm.tasks.likeness import Likeness
from llm.tasks.summarize import Summarizer
from storage.choices import Choices
from storage.part_notes import StoredPartNotes
from storage.posted import PostedSources


@dataclass(frozen=True, slots=True)
class Digesting:
    """The tools of a digest; `items`: sentences of one of medium length."""

    summarizer: Summarizer
    fetching: Fetching
    works: Works
    pages: Pages
    posted: Posted
    gate: Gate
    words: WordList
    items: int
    notes: StoredPartNotes
    metering: Metering


def digesting(base: Foundations, shared: Shared) -> Digesting:
    """Build them."""
    posted = Posted(
        PostedSources(base.database),
        base.places,
        base.errands,
        lambda guild_id, channel_id: shared.rulebook.at_once(Where(guild_id, (channel_id,))).language,
    )
    pages = Pages(base.pace.clock, shared.rulebook.language_at, posted, base.errands)
    shared.leaving.also(lambda person_id, guild_id: pages.forget(person_id))
    shared.leaving.also(lambda person_id, guild_id: pages.left(guild_id))
    shared.leaving.first(posted.leaves)
    return Digesting(
        summarizer=Summarizer(base.llm, Likeness(base.tasks), engine=base.settings.tasks.summarize),
        fetching=Fetching(Choices(base.database), base.me),
        works=Works(base.pace),
        pages=pages,
        posted=posted,
        gate=shared.gate,
        words=shared.words,
        items=base.settings.tasks.summary_items,
        notes=StoredPartNotes(base.database),
        metering=shared.metering,
    )
