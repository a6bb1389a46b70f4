"""What an interaction names by id, in full, as Discord sends it along: users, members, roles, channels, messages."""

from __future__ import annotations

from collections.abc import Sequence

from playground import guild_payloads, message_payloads, payloads
from playground.errors import invalid_form
from playground.models import Attachment, Channel, Payload
from playground.state import World

MESSAGE, USER, CHANNEL, ROLE, MENTIONABLE, ATTACHMENT = 0, 6, 7, 8, 9, 11
"""The numbers of a command's option types; a message is what a message command points to."""


class Resolver:
    """Collects what options or choices point to; `attached`: the files that came along."""

    def __init__(self, world: World, channel: Channel, base_url: str = "", attached: Sequence[Attachment] = ()) -> None:
        self._world = world
        self._channel = channel
        self._base_url = base_url
        self._attached = attached
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
            self._put(
                "messages", identity, message_payloads.message(self._world, self._base_url, one, self._world.bot.id)
            )
        else:
            raise invalid_form("data", "APPLICATION_COMMAND_OPTION_INVALID", f"Unknown target {identity}")

    def add_file(self, place: str) -> str:
        """Clients name a file by its place among those that they send along; the application gets its id."""
        if not place.isdigit() or int(place) >= len(self._attached):
            raise invalid_form("data", "APPLICATION_COMMAND_OPTION_INVALID", f"There is no file {place}")
        one = self._attached[int(place)]
        self._put("attachments", one.id, message_payloads.attachment(self._base_url, self._channel.id, one))
        return str(one.id)

    def _put(self, group: str, identity: int, body: Payload) -> None:
        self.found.setdefault(group, {})[str(identity)] = body
