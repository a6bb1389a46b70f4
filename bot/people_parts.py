"""Puts the parts together by which people see and choose what Steward keeps of them and does for them.

What a conversation needs of them is built first (`MemoryParts`), the commands afterwards.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord

from bot.charting import Charts
from bot.commands.holding import Holding
from bot.commands.memory import MemoryDesk
from bot.commands.personal import Personal
from bot.commands.privacy import PrivacyDesk
from bot.commands.typing import Typing
from bot.commands.usage import UsageDesk, limits_of
from bot.conversation.recalling import Recalling
from bot.conversation.reminding import Reminding
from bot.embedding import Embedder
from bot.foundations import Foundations, Shared
from bot.remembering import Remembering
from storage.choices import Choices
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


def remember(base: Foundations, shared: Shared) -> MemoryParts:
    """Build what keeps and recalls facts."""
    personal, choices, memories = Personal(), Choices(base.database), Memories(base.database)
    embedder = Embedder(base.tasks)
    remembering = Remembering(memories, choices, embedder)
    return MemoryParts(
        personal=personal,
        choices=choices,
        memories=memories,
        remembering=remembering,
        recalling=Recalling(memories, Recalls(base.database), embedder, base.errands),
        reminding=Reminding(
            remembering=remembering,
            memories=memories,
            choices=choices,
            history=base.history,
            intake=shared.intake,
            personal=personal,
            me=base.me,
            keeps=shared.rulebook.keeps,
        ),
    )


def serve_people(base: Foundations, shared: Shared, memory: MemoryParts) -> PeopleParts:
    """Build all parts."""
    return PeopleParts(
        privacy=_privacy(base, shared, memory),
        usage=_usage(base, shared),
        typing=Typing(memory.choices),
        memory=MemoryDesk(
            memories=memory.memories,
            remembering=memory.remembering,
            limits=shared.limits,
            personal=memory.personal,
        ),
        items=memory.personal.items(),
    )


def _privacy(base: Foundations, shared: Shared, memory: MemoryParts) -> PrivacyDesk:
    privacy = Privacy(base.database)
    holding = Holding(
        privacy=privacy,
        choices=memory.choices,
        llm=base.llm,
        database_host=base.database.host,
        privacy_line=shared.privacy,
    )
    return PrivacyDesk(
        privacy=privacy,
        leaving=shared.leaving,
        choices=memory.choices,
        holding=holding,
        rulebook=shared.rulebook,
        limits=shared.limits,
        personal=memory.personal,
    )


def _usage(base: Foundations, shared: Shared) -> UsageDesk:
    usage, clock = Usage(base.database), base.pace.clock
    return UsageDesk(
        usage=usage,
        allowances=limits_of(shared.rulebook, usage, shared.tally, clock, base.settings.bot.requests_per_minute),
        limits=shared.limits,
        charts=Charts(),
        clock=clock,
        rulebook=shared.rulebook,
    )
