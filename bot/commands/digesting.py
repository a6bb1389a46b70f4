"""What /summarize and /catchup share: reading, summarizing, showing progress and pages. It knows constructors only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import discord

from bot.commands.fetching import Fetching
from bot.commands.paged import Pages
from bot.commands.working import Works
from bot.conversation.own_text import WordList
from bot.conversation.pace import Pace
from bot.gate import Gate
from bot.metering import Metering
from llm.client import LLMClient
from llm.tasks.likeness import Likeness
from llm.tasks.summarize import Summarizer
from llm.tasks_client import TasksClient
from storage.choices import Choices
from storage.part_notes import StoredPartNotes


@dataclass(frozen=True, slots=True)
class Digesting:
    """The tools of a digest; `items`: sentences of one of medium length."""

    summarizer: Summarizer
    fetching: Fetching
    works: Works
    pages: Pages
    gate: Gate
    words: WordList
    items: int
    notes: StoredPartNotes
    metering: Metering


def digesting(
    *,
    llm: LLMClient,
    tasks: TasksClient | None,
    choices: Choices,
    me: Callable[[], discord.ClientUser],
    pace: Pace,
    gate: Gate,
    words: WordList,
    items: int,
    notes: StoredPartNotes,
    metering: Metering,
) -> Digesting:
    """Build them."""
    return Digesting(
        summarizer=Summarizer(llm, Likeness(tasks)),
        fetching=Fetching(choices, me),
        works=Works(pace),
        pages=Pages(pace.clock),
        gate=gate,
        words=words,
        items=items,
        notes=notes,
        metering=metering,
    )
