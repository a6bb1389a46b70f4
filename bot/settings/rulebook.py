"""What holds where, kept in memory: one query per server, made again when anything changed there.

It does not know what a rule does. Where nobody chose anything, the owner's file holds.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import discord

from bot.settings import catalogue
from bot.settings.resolving import Chosen, Where, anywhere, held, rules
from bot.settings.rules import Rules, Store
from bot.settings.sharing import Share, all_shares, shares_of
from bot.settings.values import Spec, Value
from storage.settings import Change, GuildSettings, Place

REMEMBERED_SERVERS = 10_000
NOTHING: Store = "nothing"


class Rulebook:
    """The choices of all servers. Methods that are awaited raise StorageError."""

    def __init__(self, stored: GuildSettings, defaults: Rules) -> None:
        self.defaults = defaults
        self._stored = stored
        self._known: OrderedDict[int, tuple[int, Chosen]] = OrderedDict()
        self._reading = asyncio.Lock()

    async def chosen(self, guild_id: int) -> Chosen:
        """All that is set in this server."""
        if (known := self._current(guild_id)) is not None:
            return known
        async with self._reading:  # many messages may come at once: one query for all of them
            if (known := self._current(guild_id)) is not None:
                return known
            revision = self._stored.revision(guild_id)
            known = await self._stored.chosen(guild_id)
            self._known[guild_id] = revision, known
            while len(self._known) > REMEMBERED_SERVERS:
                self._known.popitem(last=False)
            return known

    def _current(self, guild_id: int) -> Chosen | None:
        """What is in memory, unless something has changed since."""
        revision, known = self._known.get(guild_id, (-1, {}))
        if revision != self._stored.revision(guild_id):
            return None
        self._known.move_to_end(guild_id)
        return known

    async def at(self, where: Where | None) -> Rules:
        """What holds there; None is outside of servers."""
        if where is None:
            return self.defaults
        return rules(where, await self.chosen(where.guild_id), self.defaults)

    async def keeps(self, guild: discord.Guild | None, channel: discord.abc.Snowflake | None) -> bool:
        """Whether anything that is said there is stored."""
        spot = where(guild, channel)
        if spot is None:
            return self.defaults.store != NOTHING
        return held(catalogue.STORE, spot, await self.chosen(spot.guild_id), self.defaults).value != NOTHING

    async def shares_of(self, spot: Where) -> list[Share]:
        """The limits that somebody there shares with all people of a role."""
        return shares_of(spot, await self.chosen(spot.guild_id), self.defaults)

    async def all_shares(self, guild_id: int) -> list[Share]:
        """All such limits of a server."""
        return all_shares(guild_id, await self.chosen(guild_id), self.defaults)

    async def days_in(self, guild_id: int | None) -> list[int]:
        """For how many days what is said in a server is kept: as the server says, then as some of its channels say."""
        if guild_id is None:
            return [self.defaults.retention_days]
        found = anywhere(catalogue.RETENTION_DAYS, guild_id, await self.chosen(guild_id), self.defaults)
        return [days for days in found if isinstance(days, int)]

    async def for_message(self, message: discord.Message, asker: discord.abc.User | None = None) -> Rules:
        """What holds where a message was said, for its author or another `asker`."""
        return await self.at(where(message.guild, message.channel, asker or message.author))

    async def for_interaction(self, interaction: discord.Interaction) -> Rules:
        """What holds for somebody who gives a command or presses a button."""
        return await self.at(where(interaction.guild, interaction.channel, interaction.user))

    def at_once(self, where: Where | None) -> Rules:
        """What held there when somebody looked last; the owner's file, where nobody did."""
        known = self._known.get(where.guild_id) if where is not None else None
        return self.defaults if where is None or known is None else rules(where, known[1], self.defaults)

    def language_at(self, interaction: discord.Interaction) -> str:
        """In which language Steward shall speak to everybody there, in its managers' words; empty without any."""
        return self.at_once(where(interaction.guild, interaction.channel)).language

    def answers_everything(self, channel: discord.abc.MessageableChannel) -> bool:
        """Whether everything said in this channel is for Steward, as far as is known without looking."""
        guild = getattr(channel, "guild", None)
        parent = channel.parent_id if isinstance(channel, discord.Thread) else None
        if guild is None:
            return False
        channels = tuple(number for number in (channel.id, parent) if number is not None)
        return self.at_once(Where(guild.id, channels)).answer_when == "everything"

    async def put(self, place: Place, spec: Spec, value: Value | None, by: int) -> bool:
        """Choose a value there, or (None) none; whether that changed anything. Raises BadValue, too."""
        return await self._stored.put(place, spec.name, None if value is None else spec.checked(value), by)

    async def changes(self, guild_id: int, limit: int, offset: int = 0) -> list[Change]:
        """Who changed what, the newest first, without the first `offset` lines."""
        return await self._stored.changes(guild_id, limit, offset)


def where(
    guild: discord.Guild | None, channel: discord.abc.Snowflake | None, person: discord.abc.User | None = None
) -> Where | None:
    """A place and a person of Discord's; None outside of servers. Who is no member just now has no roles."""
    if guild is None:
        return None
    parent = channel.parent_id if isinstance(channel, discord.Thread) else None
    channels = tuple(number for number in (channel.id if channel else None, parent) if number is not None)
    roles = reversed(person.roles) if isinstance(person, discord.Member) else ()
    return Where(guild.id, channels, tuple(role.id for role in roles))
