"""/settings: a private panel with which whoever manages the server chooses how Steward behaves there.

What the panel shows and does is in `bot.panel`.
"""

from __future__ import annotations

import discord
from discord import app_commands

from bot.commands.answering import defer, explained
from bot.errors import Refusal
from bot.panel.pages import overview
from bot.panel.session import NOT_ALLOWED, Desk, Session, may_manage

IN_A_SERVER = "My settings belong to a server: give `/settings` in one of its channels."


async def open_panel(desk: Desk, interaction: discord.Interaction) -> None:
    """Show the panel for this server; the interaction must be deferred. Raises what `explained` explains."""
    if interaction.guild is None:
        raise Refusal(IN_A_SERVER)
    session = Session(desk, interaction.guild, interaction)
    await session.show(interaction, await overview(session))


def add_settings(tree: app_commands.CommandTree[discord.Client], desk: Desk) -> None:
    """Hang /settings on the tree."""

    @tree.command(name="settings", description="For managers: when I answer, how, for whom, and what I keep")
    @app_commands.default_permissions(manage_guild=True)
    async def settings_command(interaction: discord.Interaction) -> None:
        async with explained(interaction):
            if interaction.guild is None:
                raise Refusal(IN_A_SERVER)
            if not may_manage(interaction):
                raise Refusal(NOT_ALLOWED)
            await defer(interaction)
            await open_panel(desk, interaction)
