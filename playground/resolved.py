"""What an interaction names by id, in full, as Discord sends it along: users, members, roles, channels, messages."""

from __future__ import annotations

from playground import guild_payloads, message_payloads, payloads
from playground.errors import invalid_form
from playground.models import Channel, Payload
from playground.state import World

MESSAGE, USER, CHANNEL, ROLE, MENTIONABLE = 0, 6, 7, 8, 9
"""The numbers of a command's option types; a message is what a message command points to."""


class Resolver:
    """Collects the users, members, channels and roles that options or choices point to."""

    def __init__(self, world: World, channel: Channel) -> None:
        self._world = world
        self._channel = channel
        self.found: Payload = {}

    def add(self, kind: int, identity: int) -> None:
        guild = self._world.guilds.get(self._channel.guild_id or 0)
        if kind in (USER, MENTIONABLE) and identity in self._world.users:
            self._put("users", identity, payloads.user(self._world.users[identity]))
            membership = self._world.member(self._channel.guild_id, identity)
            if membership is not None and guild is not None:
                granted = str(self._world.guild_permissions(identity, guild))
                self._put("members", identity, {**payloads.partial_member(membership), "permissions": granted})
        elif kind in (ROLE, MENTIONABLE) and guild is not None and identity in guild.roles:
            self._put("roles", identity, guild_payloads.role(guild.roles[identity]))
        elif kind == CHANNEL and identity in self._world.channels:
            found = self._world.channels[identity]
            body = payloads.interaction_channel(self._world, found, self._world.bot.id, self._world.bot.id)
            self._put("channels", identity, body)
        elif kind == MESSAGE and identity in self._world.messages:
            one = self._world.messages[identity]
            self._put("messages", identity, message_payloads.message(self._world, "", one, self._world.bot.id))
        else:
            raise invalid_form("data", "APPLICATION_COMMAND_OPTION_INVALID", f"Unknown target {identity}")

    def _put(self, group: str, identity: int, body: Payload) -> None:
        self.found.setdefault(group, {})[str(identity)] = body
