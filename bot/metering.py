"""Counts what people use of Steward, whatever it was: answers, further answers to the same question, commands.

It does not know how much somebody may use (`gate`), nor what was asked: nothing of that is kept with the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import discord
import structlog

from bot.settings.resolving import Where
from bot.settings.rulebook import Rulebook, where
from bot.settings.sharing import counted_roles
from bot.tally import Tally
from llm.types import Usage as EngineUsage
from storage.errors import StorageError
from storage.usage import Usage, Used

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose use it is, in which server and with which roles; `spot` is None outside of servers."""

    person_id: int
    spot: Where | None

    @classmethod
    def of(
        cls, person: discord.abc.User, guild: discord.Guild | None, channel: discord.abc.Snowflake | None = None
    ) -> Payer:
        """Somebody of Discord's."""
        return cls(person.id, where(guild, channel, person))


def used_by(usage: EngineUsage | None) -> Used:
    """One request, with the tokens that the engine told of it, if it did."""
    return Used(1, usage.prompt_tokens, usage.completion_tokens) if usage else Used(1)


class Metering:
    """Counts. What cannot be counted is logged: the answer stands."""

    def __init__(self, usage: Usage, tally: Tally, rulebook: Rulebook, utc: Callable[[], datetime]) -> None:
        self._usage = usage
        self._tally = tally
        self._rulebook = rulebook
        self._utc = utc

    async def count(self, payer: Payer, used: Used) -> None:
        """This was used for this person just now."""
        if used == Used():
            return
        spot = payer.spot
        guild_id = spot.guild_id if spot else None
        try:
            roles = counted_roles(spot, await self._rulebook.chosen(spot.guild_id)) if spot else []
            async with self._tally.figures(guild_id):
                await self._usage.count(payer.person_id, guild_id, used, self._utc(), roles)
                if used.requests:
                    self._tally.counted()
        except StorageError as error:
            log.error("use not counted", error=str(error))
