"""Commands that are off until whoever manages the server switches them on: asked before anything is promised."""

from __future__ import annotations

from typing import Literal

import discord

from bot.errors import Refusal
from bot.language import N_
from bot.settings.rulebook import Rulebook, where

IS_OFF = N_(
    "`/{command}` is switched off here. Whoever manages the server can switch it on with `/settings`, for the whole "
    "server or a channel."
)


async def require_on(
    rulebook: Rulebook,
    command: Literal["sentiment", "classify"],
    interaction: discord.Interaction,
    place: discord.abc.Snowflake | None,
) -> None:
    """Raises Refusal unless the command is on in `place`, where the messages are that it is about."""
    rules = await rulebook.at(where(interaction.guild, place, interaction.user))
    if not (rules.sentiment if command == "sentiment" else rules.classify):
        raise Refusal(IS_OFF, command=command)
