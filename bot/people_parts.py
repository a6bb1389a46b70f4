"""Puts the parts together by which people see and choose what Steward keeps of them and does for them.

It knows constructors only; what the parts do is in their own files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord

from bot.charting import Charts
from bot.clock import Clock
from bot.commands.holding import Holding
from bot.commands.personal import Personal
from bot.commands.privacy import PrivacyDesk
from bot.commands.typing import Typing
from bot.commands.usage import UsageDesk, standing_limits
from bot.config import Settings
from bot.limits import PersonalLimits
from llm.client import LLMClient
from storage.choices import Choices
from storage.database import Database
from storage.privacy import Privacy
from storage.settings import GuildSettings
from storage.usage import Usage


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """What the client hangs on its tree, and the `items` that it registers."""

    privacy: PrivacyDesk
    usage: UsageDesk
    typing: Typing
    items: tuple[type[discord.ui.DynamicItem[Any]], ...]


def serve_people(
    *,
    settings: Settings,
    database: Database,
    llm: LLMClient,
    limits: PersonalLimits,
    clock: Clock,
    kept: str,
    privacy_line: str,
) -> PeopleParts:
    """Build all parts."""
    personal, choices, privacy = Personal(), Choices(database), Privacy(database)
    retention_days = settings.storage.retention_days
    holding = Holding(
        privacy=privacy,
        choices=choices,
        guild_settings=GuildSettings(database),
        llm=llm,
        database_host=database.host,
        retention_days=retention_days,
        kept=kept,
        privacy_line=privacy_line,
    )
    return PeopleParts(
        privacy=PrivacyDesk(privacy=privacy, choices=choices, holding=holding, limits=limits, personal=personal),
        usage=UsageDesk(
            usage=Usage(database),
            allowances=standing_limits(settings.bot.requests_per_minute),
            limits=limits,
            charts=Charts(),
            clock=clock,
            retention_days=retention_days,
        ),
        typing=Typing(choices),
        items=personal.items(),
    )
