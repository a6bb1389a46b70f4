"""The world: people, servers, channels, messages and commands, in memory; every change is handed to the store.

It does not know HTTP, the gateway, or what anyone is allowed to do.
"""

from __future__ import annotations

import secrets
from bisect import bisect_left, bisect_right, insort
from dataclasses import asdict

from playground import records
from playground.models import Channel, ChannelType, Command, Guild, Member, Message, MessageFlags, User, Webhook
from playground.permissions import IN_A_DM, Permission, in_channel, in_guild
from playground.snowflake import Snowflakes
from playground.store import Store

PERSON_TOKEN = "person."
"""How people's tokens begin, so that a stale one is never taken for the bot's."""


class World:
    """Objects are changed in place by their owners; `keep` hands the new state to the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.users = {one.id: one for one in map(records.user, store.load("user"))}
        self.guilds = {one.id: one for one in map(records.guild, store.load("guild"))}
        self.channels = {one.id: one for one in map(records.channel, store.load("channel"))}
        self.messages = {one.id: one for one in map(records.message, store.load("message"))}
        self.webhooks = {one.id: one for one in map(records.webhook, store.load("webhook"))}
        self.commands = {one.id: one for one in map(records.command, store.load("command"))}
        self._by_token = {one.token: one for one in self.people}
        self._order: dict[int, list[int]] = {}
        for message in self.messages.values():
            insort(self._order.setdefault(message.channel_id, []), message.id)
        self.snowflakes = Snowflakes(last=self._last_id())

    def _last_id(self) -> int:
        known = (self.users, self.guilds, self.channels, self.messages, self.webhooks, self.commands)
        stickers = (one.id for guild in self.guilds.values() for one in guild.stickers)
        return max([0, *stickers, *(identity for things in known for identity in things)])

    # people

    @property
    def bot(self) -> User:
        """The one application's bot user; its id is the application's id too."""
        return next(user for user in self.users.values() if user.bot)

    @property
    def people(self) -> list[User]:
        return [user for user in self.users.values() if not user.bot]

    def add_user(self, name: str, *, bot: bool = False) -> User:
        user = User(id=self.snowflakes.next(), name=name, bot=bot, token=PERSON_TOKEN + secrets.token_urlsafe(24))
        self.users[user.id] = user
        if not bot:
            self._by_token[user.token] = user
        self.keep(user)
        return user

    def by_token(self, authorization: str) -> User | None:
        """Whoever this Authorization header stands for. Every `Bot …` token is the playground's one bot."""
        if authorization.startswith("Bot "):
            return self.bot
        return self._by_token.get(authorization)

    # keeping

    def keep(self, thing: User | Guild | Channel | Message | Webhook | Command) -> None:
        """Stores the thing as it now is; ephemeral messages are not kept anywhere."""
        if isinstance(thing, Message) and thing.only_for is not None:
            return
        self.store.put(type(thing).__name__.lower(), thing.id, asdict(thing))

    # channels

    def add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        self.keep(channel)
        return channel

    def guild_channels(self, guild_id: int) -> list[Channel]:
        found = [one for one in self.channels.values() if one.guild_id == guild_id and one.thread is None]
        return sorted(found, key=lambda one: (one.position, one.id))

    def guild_threads(self, guild_id: int, *, archived: bool = False) -> list[Channel]:
        """The threads that are (not) archived."""
        found = (one for one in self.channels.values() if one.guild_id == guild_id)
        return [one for one in found if one.thread is not None and one.thread.archived == archived]

    def remove_channel(self, channel: Channel) -> None:
        """Forgets a channel or thread with all that is in it; the message that a thread grew from loses its mark."""
        for thread in [one for one in self.channels.values() if one.parent_id == channel.id]:
            self.remove_channel(thread)
        for webhook in [one for one in self.webhooks.values() if one.channel_id == channel.id]:
            del self.webhooks[webhook.id]
            self.store.remove("webhook", webhook.id)
        for message in [self.messages[identity] for identity in self._order.pop(channel.id, [])]:
            del self.messages[message.id]
            self.store.remove("message", message.id)
        origin = self.messages.get(channel.id)
        if origin is not None:
            origin.thread_id = None
            origin.flags &= ~int(MessageFlags.HAS_THREAD)
            self.keep(origin)
        del self.channels[channel.id]
        self.store.remove("channel", channel.id)

    def direct_channels(self, user_id: int) -> list[Channel]:
        return [one for one in self.channels.values() if one.type == ChannelType.DM and user_id in one.recipients]

    def direct_channel(self, first: int, second: int) -> Channel:
        """The conversation of two people, made when they have none."""
        for channel in self.direct_channels(first):
            if second in channel.recipients:
                return channel
        made = Channel(id=self.snowflakes.next(), type=ChannelType.DM, recipients=[first, second])
        return self.add_channel(made)

    # messages

    def add_message(self, message: Message) -> None:
        self.messages[message.id] = message
        self.keep(message)
        if message.only_for is not None:
            return
        insort(self._order.setdefault(message.channel_id, []), message.id)
        channel = self.channels[message.channel_id]
        channel.last_message_id = message.id
        if channel.thread is not None:
            channel.thread.message_count += 1
        self.keep(channel)

    def remove_message(self, message: Message) -> None:
        del self.messages[message.id]
        if message.only_for is not None:
            return
        self._order[message.channel_id].remove(message.id)
        self.store.remove("message", message.id)

    def page(
        self, channel_id: int, limit: int, *, before: int | None, after: int | None, around: int | None
    ) -> list[Message]:
        """Up to `limit` messages, newest first, as Discord pages them."""
        order = self._order.get(channel_id, [])
        if around is not None:
            middle = bisect_left(order, around)
            start = max(0, middle - limit // 2)
            chosen = order[start : start + limit]
        elif after is not None:
            start = bisect_right(order, after)
            chosen = order[start : start + limit]
        else:
            end = len(order) if before is None else bisect_left(order, before)
            chosen = order[max(0, end - limit) : end]
        return [self.messages[identity] for identity in reversed(chosen)]

    def pinned(self, channel_id: int) -> list[Message]:
        """Pinned messages, the last pinned first."""
        found = [one for one in self.messages.values() if one.channel_id == channel_id and one.pinned_at is not None]
        return sorted(found, key=lambda one: one.pinned_at or "", reverse=True)

    # who may

    def member(self, guild_id: int | None, user_id: int) -> Member | None:
        guild = self.guilds.get(guild_id) if guild_id is not None else None
        return None if guild is None else guild.members.get(user_id)

    def permissions(self, user_id: int, channel: Channel) -> int:
        """What the user may do in the channel, thread or conversation; 0 for somebody who is not there."""
        if channel.guild_id is None:
            return IN_A_DM if user_id in channel.recipients else 0
        guild = self.guilds[channel.guild_id]
        member = guild.members.get(user_id)
        if member is None:
            return 0
        if channel.thread is None:
            return in_channel(guild, member, channel)
        granted = in_channel(guild, member, self.channels[channel.parent_id or 0])
        private = channel.type == ChannelType.PRIVATE_THREAD
        if private and user_id not in channel.thread.members and not granted & Permission.MANAGE_THREADS:
            return 0
        return granted

    def can_see(self, user_id: int, channel: Channel) -> bool:
        return bool(self.permissions(user_id, channel) & Permission.VIEW_CHANNEL)

    def guild_permissions(self, user_id: int, guild: Guild) -> int:
        member = guild.members.get(user_id)
        return 0 if member is None else in_guild(guild, member)
