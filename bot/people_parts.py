"""Puts the parts together by which people see and choose what Steward keeps of them and does for them.

What a conversation needs of them is built first (`MemoryParts`), the commands afterwards.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import discord

from bot.charting import Charts
from bot.clock import Clock
from bot.commands.holding import Holding
from bot.commands.memory import MemoryDesk
from bot.commands.personal import Personal
from bot.commands.privacy import PrivacyDesk
from bot.commands.typing import Typing
from bot.commands.usage import UsageDesk, limits_of
from bot.config import Settings
from bot.conversation.intake import Intake, Keeps
from bot.conversation.leaving import Leaving
from bot.conversation.recalling import Recalling
from bot.conversation.reminding import Reminding
from bot.embedding import Embedder
from bot.errands import Errands
from bot.limits import PersonalLimits
from bot.remembering import Remembering
from bot.settings.rulebook import Rulebook
from llm.client import LLMClient
from llm.tasks_client import TasksClient
from storage.choices import Choices
from storage.database import Database
from storage.history import History
from storage.memories import Memories
from storage.privacy import Privacy
from storage.recalls import Recalls
from storage.usage import Usage


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """What the client hangs on its tree, and the `items` that it registers."""

    privacy: PrivacyDesk
    usage: UsageDesk
    typing: Typing
    memory: MemoryDesk
    items: tuple[type[discord.ui.DynamicItem[Any]], ...]


@dataclass(frozen=True, slots=True)
class MemoryParts:
    """What is shared by the commands and the conversations."""

    personal: Personal
    choices: Choices
    memories: Memories
    remembering: Remembering
    recalling: Recalling
    reminding: Reminding


def remember(
    *,
    database: Database,
    tasks: TasksClient | None,
    intake: Intake,
    errands: Errands,
    me: Callable[[], discord.ClientUser],
    keeps: Keeps,
) -> MemoryParts:
    """Build what keeps and recalls facts."""
    personal, choices, memories = Personal(), Choices(database), Memories(database)
    embedder = Embedder(tasks)
    remembering = Remembering(memories, choices, embedder)
    return MemoryParts(
        personal=personal,
        choices=choices,
        memories=memories,
        remembering=remembering,
        recalling=Recalling(memories, Recalls(database), embedder, errands),
        reminding=Reminding(
            remembering=remembering,
            memories=memories,
            choices=choices,
            history=History(database),
            intake=intake,
            personal=personal,
            me=me,
            keeps=keeps,
        ),
    )


def serve_people(
    memory: MemoryParts,
    *,
    settings: Settings,
    database: Database,
    llm: LLMClient,
    limits: PersonalLimits,
    rulebook: Rulebook,
    clock: Clock,
    privacy_line: str,
    leaving: Leaving,
) -> PeopleParts:
    """Build all parts."""
    personal, choices, privacy, usage = memory.personal, memory.choices, Privacy(database), Usage(database)
    holding = Holding(
        privacy=privacy,
        choices=choices,
        llm=llm,
        database_host=database.host,
        privacy_line=privacy_line,
    )
    return PeopleParts(
        privacy=PrivacyDesk(
            privacy=privacy,
            leaving=leaving,
            choices=choices,
            holding=holding,
            rulebook=rulebook,
            limits=limits,
            personal=personal,
        ),
        usage=UsageDesk(
            usage=usage,
            allowances=limits_of(rulebook, usage, clock, settings.bot.requests_per_minute),
            limits=limits,
            charts=Charts(),
            clock=clock,
            rulebook=rulebook,
        ),
        typing=Typing(choices),
        memory=MemoryDesk(memories=memory.memories, remembering=memory.remembering, limits=limits, personal=personal),
        items=personal.items(),
    )
