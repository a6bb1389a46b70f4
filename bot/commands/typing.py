"""/typing: whether a person's answers appear while they are written, or in one piece. Holds in all servers.

What it means for an answer is `conversation.streaming`'s business.
"""

from __future__ import annotations

from typing import Literal

import discord
from discord import app_commands

from bot.commands.answering import defer, explained, tell
from storage.choices import Choices, Consent

How = Literal["live", "final"]

IS_LIVE = "My answers to you appear while I write them. `/typing final` sends each in one piece, when it is done."
IS_FINAL = (
    "My answers to you come in one piece, when they are done; until then you see me typing. There is no *Stop* "
    "meanwhile: delete your question and I stop. `/typing live` shows them while I write."
)


class Typing:
    """Answers /typing."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    async def answer(self, interaction: discord.Interaction, how: How | None) -> None:
        """Choose, and say what holds. Raises StorageError."""
        person = interaction.user.id
        if how == "final":
            await self._choices.choose(person, None, Consent.NO_TYPING)
        elif how == "live":
            await self._choices.withdraw(person, None, Consent.NO_TYPING)
        is_final = await self._choices.has(person, None, Consent.NO_TYPING)
        await tell(interaction, IS_FINAL if is_final else IS_LIVE)


def add_typing(tree: app_commands.CommandTree[discord.Client], typing: Typing) -> None:
    """Hang /typing on the tree."""

    @tree.command(name="typing", description="How my answers to you appear: while I write them, or in one piece")
    @app_commands.describe(how="live: while I write; final: one message when it is done; nothing: what holds now")
    async def typing_command(interaction: discord.Interaction, how: How | None = None) -> None:
        await defer(interaction)
        async with explained(interaction):
            await typing.answer(interaction, how)
