"""An answer as it stands on Discord. Plain data: it does not know how it got there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.conversation.layout import Wanted
from bot.conversation.rendering import Part

AnyMessage = discord.Message | discord.PartialMessage


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of an answer: what it shows now."""

    message: AnyMessage
    state: Wanted

    @property
    def part(self) -> Part:
        return self.state.part


@dataclass(frozen=True, slots=True)
class Standing:
    """An answer that stands on Discord already: its messages, the model's text in them and what is said under it."""

    messages: Sequence[Shown]
    text: str = ""
    footer: str = ""
