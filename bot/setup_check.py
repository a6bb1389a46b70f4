"""*Check my set-up*: intents, permissions per channel, engine and database of one server, each finding with its mend.

`doctor` does the same from the terminal, where there is no gateway; this one asks the running bot.
"""

from __future__ import annotations

from collections import defaultdict

import discord

from bot import invite
from llm.client import LLMClient
from llm.errors import LLMError
from storage.errors import StorageError
from storage.history import History

_NAMED = 8
"""Channels that are named per finding; the rest is counted."""


class SetupCheck:
    """Looks at one server. Nothing that it finds is an error."""

    def __init__(self, llm: LLMClient, history: History) -> None:
        self._llm = llm
        self._history = history

    async def report(self, guild: discord.Guild, application: discord.AppInfo | None) -> str:
        """The findings, one per line."""
        lines = [f"**{discord.utils.escape_markdown(guild.name)}**", *_application(application), *channel_lines(guild)]
        return "\n".join([*lines, await self._engine(), await self._database(guild)])

    async def _engine(self) -> str:
        health = await self._llm.health()
        if health.status == "loading":
            return f"⚠️ The language model is loading: {health.reason or 'wait a moment'}"
        if health.status != "ready":
            return f"❌ The language model is {health.status}: {health.reason}. My log and `steward doctor` say more."
        try:
            model = await self._llm.model()
        except LLMError as error:
            return f"❌ The engine answers but serves no model: {error}"
        return f"✅ Language model: {model.id}, with a context of {model.max_model_len:,} tokens"

    async def _database(self, guild: discord.Guild) -> str:
        try:
            await self._history.recent(guild.id, 1)
        except StorageError as error:
            return f"❌ Database: {error}"
        return "✅ Database: answers"


def channel_lines(guild: discord.Guild) -> list[str]:
    """What Steward lacks where, by permission; channels that it cannot see may be none of its business."""
    lacking: dict[str, list[str]] = defaultdict(list)
    unseen = []
    for channel in guild.text_channels:
        granted = channel.permissions_for(guild.me)
        if not granted.view_channel:
            unseen.append(channel.mention)
            continue
        for permission in invite.missing(granted):
            lacking[permission].append(channel.mention)
    lines = [f"⚠️ I lack *{permission}* in {_listed(names)}" for permission, names in lacking.items()]
    if not lacking:
        lines.append(f"✅ Permissions: all I need in {len(guild.text_channels) - len(unseen)} channels")
    if unseen:
        lines.append(f"ℹ️ I cannot see {_listed(unseen)}; that is fine where I have no business.")
    return lines


def _application(application: discord.AppInfo | None) -> list[str]:
    lines = ["✅ Message Content intent: on (Discord would not have let me in without it)"]
    if application is not None and application.bot_public:
        lines.append(
            "⚠️ My application is public: strangers can add me to their servers (I leave those again). "
            "The owner can switch *Public Bot* off in Discord's developer portal."
        )
    return lines


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
