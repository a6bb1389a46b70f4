"""The tree that all commands hang on: who may use them at all, and what happens when one breaks.

It does not know what a command does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

import discord
import structlog
from discord import app_commands

from bot.commands.answering import tell
from bot.commands.retrying import Retries, begin_again, button_after
from bot.conversation.pausing import Pauses
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from bot.errors import Refusal, explain, is_expected
from bot.language import N_, _, speaking, speech_for
from bot.membership import Membership
from bot.permissions import PrivatePolicy
from storage.errors import StorageError

log = structlog.get_logger()

WITHOUT_MODEL = frozenset({"help", "memory", "mirror", "pause", "privacy", "settings", "typing", "usage"})
"""What can be asked while a moderator has paused Steward."""
NEEDS_NO_TALK = frozenset({"help", "privacy", "settings", "typing", "usage"})
"""What can be asked in private messages even where talking is off: whose data it is must always be able to ask."""
STOPPED = N_("I stopped: a moderator has paused me here.")
STOPPED_FOR_GOOD = N_("I stopped: you asked me to keep nothing of yours.")
NOT_SERVED = N_("I do not serve this server: my owner listed other ones.")
NOT_IN_PRIVATE = N_("I do not answer questions in private messages here. `/help` tells where I do.")


class StewardTree(app_commands.CommandTree[discord.Client]):
    """Slash commands of Steward."""

    def __init__(
        self,
        client: discord.Client,
        membership: Membership,
        private: PrivatePolicy,
        pauses: Pauses,
        retries: Retries,
        errands: Errands,
    ) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self._membership = membership
        self._private = private
        self._pauses = pauses
        self._retries = retries
        self._errands = errands
        self._at_work: WeakKeyDictionary[asyncio.Task[object], discord.Interaction[discord.Client]] = (
            WeakKeyDictionary()
        )

    async def interaction_check(self, interaction: discord.Interaction[discord.Client], /) -> bool:
        """Whether this person may use commands here; else says why not."""
        self._retries.given(interaction)
        return await self._may(interaction, interaction.command.qualified_name if interaction.command else "")

    async def again(self, interaction: discord.Interaction[discord.Client], failed_id: int) -> None:
        """Somebody pressed *Retry* under a command that failed. Nothing that goes wrong leaves it."""
        name = "retry"
        try:
            given = self._retries.take(failed_id, interaction.user.id)
            name = given.command.qualified_name
            self._retries.pressed(interaction, given)
            await begin_again(interaction)
            if await self._may(interaction, name):
                await given.run(interaction)
        except Exception as error:  # the edge: whatever it was, the log has the cause
            await self._failed(interaction, name, error)

    async def press(
        self,
        interaction: discord.Interaction[discord.Client],
        do: Callable[[], Awaitable[None]],
        name: str | None = None,
    ) -> None:
        """Somebody pressed a button under a command's answer; where `name` is told, what it does is held to the same as
        that command. Nothing that goes wrong leaves it."""
        try:
            if name is None or await self._may(interaction, name):
                await do()
        except Exception as error:  # the edge: whatever it was, the log has the cause
            await self._failed(interaction, name or "button", error)

    async def _may(self, interaction: discord.Interaction[discord.Client], name: str) -> bool:
        try:
            await self._require_service(interaction, name.partition(" ")[0])
        except (Refusal, StorageError) as error:
            await tell(interaction, explain(error).sentence, button_after(interaction, error))
            return False
        if (task := asyncio.current_task()) is not None:  # discord.py runs each command in a task of its own
            self._at_work[task] = interaction
        return True

    async def stop_in(self, place_id: int, but: discord.Interaction[discord.Client]) -> None:
        """End the commands that are being answered in a server or a channel, and say so to who gave them."""
        for task, interaction in list(self._at_work.items()):
            if place_id in _places(interaction) and interaction is not but and not task.done():
                task.cancel()
                await self._say(interaction, STOPPED)

    @staticmethod
    async def _say(interaction: discord.Interaction[discord.Client], text: str) -> None:
        speech = speech_for(interaction.locale, interaction.guild_locale)
        with contextlib.suppress(*TROUBLE), speaking(speech):
            await tell(interaction, _(text))

    def stop_for(self, person_id: int, guild_id: int | None) -> None:
        """End the commands that are being answered for a person who wants nothing kept, there or (None) everywhere,
        and say so to them."""
        for task, interaction in list(self._at_work.items()):
            is_theirs = interaction.user.id == person_id and guild_id in (None, interaction.guild_id)
            if is_theirs and not task.done() and task is not asyncio.current_task():
                task.cancel()
                self._errands.run(self._say(interaction, STOPPED_FOR_GOOD), "command ended")

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        """The edge: whatever a command did not explain itself."""
        await self._failed(interaction, interaction.command.qualified_name if interaction.command else "?", error)

    @staticmethod
    async def _failed(interaction: discord.Interaction[discord.Client], name: str, error: Exception) -> None:
        explanation = explain(error)
        trace = None if is_expected(error) else error
        log.log(explanation.level, "command failed", command=name, error=repr(error), exc_info=trace)
        try:
            await tell(interaction, explanation.sentence, button_after(interaction, error))
        except TROUBLE as silenced:
            log.warning("nobody could be told", command=name, error=str(silenced))

    async def _require_service(self, interaction: discord.Interaction[discord.Client], name: str) -> None:
        if name not in WITHOUT_MODEL:
            self._pauses.require_none(*_places(interaction))
        if interaction.guild_id is not None:
            if not await self._membership.serves(interaction.guild_id):
                raise Refusal(NOT_SERVED)
        elif name not in NEEDS_NO_TALK and not self._private.allows(interaction.user.id):
            raise Refusal(NOT_IN_PRIVATE)


def _places(interaction: discord.Interaction[discord.Client]) -> list[int]:
    """Where a command was given: the channel or thread, the channel of the thread, the server."""
    parent = interaction.channel.parent_id if isinstance(interaction.channel, discord.Thread) else None
    return [place_id for place_id in (interaction.channel_id, parent, interaction.guild_id) if place_id is not None]
