"""/pause: a moderator stops everything that Steward is saying, here or in the whole server, and for how long.

It does not know how answers are made; `running` ends them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import discord
import structlog
from discord import app_commands

from bot.commands.answering import explained, tell
from bot.commands.tree import StewardTree
from bot.conversation.pausing import PAUSED_UNTIL, Pauses, duration, stamp
from bot.conversation.running import Replies, Why
from bot.errors import Refusal
from storage.errors import StorageError
from storage.settings import GuildSettings, Place, Scope

log = structlog.get_logger()

Where = Literal["channel", "server"]

NOT_ALLOWED = "Only people with *Manage Messages* {where} can pause me there."
PAUSED = "I am paused {where} until {until}: what I was saying has ended. `/pause off` lets me talk again."
RESUMED = "I talk again {where}."
NOT_STORED = (
    "I cannot reach my memory (the database), so I know this only as long as I run: "
    "please say it again after a restart."
)
WAS_NOT_PAUSED = "I am not paused {where}."
_PLACES: dict[Where, str] = {"channel": "in this channel", "server": "in this server"}


class Pausing:
    """Answers /pause."""

    def __init__(self, pauses: Pauses, replies: Replies, tree: StewardTree, settings: GuildSettings) -> None:
        self._pauses = pauses
        self._settings = settings
        self._replies = replies
        self._tree = tree

    async def answer(self, interaction: discord.Interaction, length: str, where: Where) -> None:
        """Pause, or talk again. Raises Refusal."""
        place_id = _place(interaction, where)
        said = _PLACES[where]
        if length.strip().lower() == "off":
            was_paused = self._pauses.resume(place_id)
            await tell(interaction, (RESUMED if was_paused else WAS_NOT_PAUSED).format(where=said))
            await self._keep(interaction, place_id, None)
            return
        until = self._pauses.pause(place_id, duration(length))
        self._replies.stop_in(place_id, Why.PAUSED)
        await tell(interaction, PAUSED.format(where=said, until=stamp(until)))
        await self._tree.stop_in(place_id, interaction)
        await self._keep(interaction, place_id, until)

    async def _keep(self, interaction: discord.Interaction, place_id: int, until: datetime | None) -> None:
        """Let the pause outlive a restart; everybody sees in the log of settings whose it is."""
        guild_id = interaction.guild_id or 0
        place = Place(guild_id) if place_id == guild_id else Place(guild_id, Scope.CHANNEL, place_id)
        try:
            await self._settings.put(place, PAUSED_UNTIL, until and until.isoformat(), by=interaction.user.id)
        except StorageError as error:
            log.error("pause not stored", place=place_id, error=str(error))
            await tell(interaction, NOT_STORED)


def add_pause(tree: app_commands.CommandTree[discord.Client], pausing: Pausing) -> None:
    """Hang /pause on the tree."""

    @tree.command(name="pause", description="For moderators: I stop talking at once, for a while")
    @app_commands.describe(
        length="How long: 30m, 1h, 2d; off ends a pause", where="Only in this channel, or in the whole server"
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    @app_commands.default_permissions(manage_messages=True)
    async def pause_command(
        interaction: discord.Interaction, length: app_commands.Range[str, 1, 20] = "1h", where: Where = "server"
    ) -> None:
        async with explained(interaction):
            await pausing.answer(interaction, length, where)


def _place(interaction: discord.Interaction, where: Where) -> int:
    """The id of the place, where this person moderates it. Raises Refusal."""
    member = interaction.user
    if interaction.guild_id is None or interaction.channel_id is None or not isinstance(member, discord.Member):
        raise Refusal("I can only be paused in a server.")
    granted = interaction.permissions if where == "channel" else member.guild_permissions
    if not granted.manage_messages:
        raise Refusal(NOT_ALLOWED.format(where=_PLACES[where]))
    return interaction.channel_id if where == "channel" else interaction.guild_id
