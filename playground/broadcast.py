"""Tells every gateway session what happened, if it may know. The one place that turns a change into events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from playground import guild_payloads, intents, message_payloads, payloads
from playground.intents import Intent
from playground.models import Channel, Guild, Message, Payload, Reaction, User
from playground.sessions import Session, Sessions
from playground.state import World


class Broadcast:
    def __init__(self, world: World, sessions: Sessions, base_url: str) -> None:
        self._world = world
        self._sessions = sessions
        self._base_url = base_url
        self.unavailable: int | None = None
        """The server that has an outage: nothing is heard from it."""

    # messages

    def message_created(self, message: Message, nonce: str | int | None = None) -> None:
        extra = {} if nonce is None else {"nonce": nonce}
        self._message_event("MESSAGE_CREATE", message, extra)

    def message_updated(self, message: Message) -> None:
        self._message_event("MESSAGE_UPDATE", message, {})

    def messages_deleted(self, channel: Channel, messages: list[Message]) -> None:
        """One event for a single message, one for a whole batch."""
        where = self._where(channel)
        only_for = messages[0].only_for
        if len(messages) == 1:
            body: Payload = {"id": str(messages[0].id), **where}
            self._in_channel("MESSAGE_DELETE", channel, lambda _: body, only_for=only_for)
            return
        body = {"ids": [str(one.id) for one in messages], **where}
        self._in_channel("MESSAGE_DELETE_BULK", channel, lambda _: body)

    def typing(self, channel: Channel, user: User) -> None:
        body: Payload = {"user_id": str(user.id), "timestamp": int(time.time()), **self._where(channel)}
        membership = self._world.member(channel.guild_id, user.id)
        if membership is not None:
            body["member"] = payloads.member(user, membership)
        self._in_channel("TYPING_START", channel, lambda _: body)

    def reaction_added(self, channel: Channel, message: Message, reaction: Reaction, user: User) -> None:
        body = self._reaction(channel, message, reaction, user)
        body["message_author_id"] = str(message.author_id)
        membership = self._world.member(channel.guild_id, user.id)
        if membership is not None:
            body["member"] = payloads.member(user, membership)
        self._in_channel("MESSAGE_REACTION_ADD", channel, lambda _: body)

    def reaction_removed(self, channel: Channel, message: Message, reaction: Reaction, user: User) -> None:
        body = self._reaction(channel, message, reaction, user)
        self._in_channel("MESSAGE_REACTION_REMOVE", channel, lambda _: body)

    def reactions_cleared(self, channel: Channel, message: Message, reaction: Reaction | None) -> None:
        """Of one emoji, or of all when `reaction` is None."""
        body: Payload = {"message_id": str(message.id), **self._where(channel)}
        if reaction is None:
            self._in_channel("MESSAGE_REACTION_REMOVE_ALL", channel, lambda _: body)
            return
        body["emoji"] = message_payloads.emoji(reaction)
        self._in_channel("MESSAGE_REACTION_REMOVE_EMOJI", channel, lambda _: body)

    def voted(self, channel: Channel, message: Message, user: User, answer_id: int, *, added: bool) -> None:
        body: Payload = {"user_id": str(user.id), "message_id": str(message.id), "answer_id": answer_id}
        body |= self._where(channel)
        self._in_channel(f"MESSAGE_POLL_VOTE_{'ADD' if added else 'REMOVE'}", channel, lambda _: body)

    def pins_updated(self, channel: Channel) -> None:
        body: Payload = {**self._where(channel), "last_pin_timestamp": channel.last_pin_at}
        self._in_channel("CHANNEL_PINS_UPDATE", channel, lambda _: body)

    # channels and threads

    def webhooks_changed(self, channel: Channel) -> None:
        body = self._where(channel)
        self._in_channel("WEBHOOKS_UPDATE", channel, lambda _: body)

    def channel_event(self, event: str, channel: Channel) -> None:
        self._in_channel(event, channel, lambda session: payloads.channel(self._world, channel, session.user.id))

    def dm_opened(self, channel: Channel) -> None:
        """People's clients learn of the conversation; bots do not (their libraries expect server channels only)."""
        for session in self._listening(channel.recipients):
            if not session.user.bot:
                session.push("CHANNEL_CREATE", payloads.channel(self._world, channel, session.user.id))

    def thread_created(self, channel: Channel) -> None:
        def build(session: Session) -> Payload:
            return {**payloads.channel(self._world, channel, session.user.id), "newly_created": True}

        self._in_channel("THREAD_CREATE", channel, build)

    def thread_shown_to(self, channel: Channel, user_id: int) -> None:
        """Somebody was let into a private thread, of which they knew nothing."""
        self.to_user(user_id, "THREAD_CREATE", payloads.channel(self._world, channel, user_id))

    def thread_members(self, channel: Channel, *, added: int | None = None, removed: int | None = None) -> None:
        members = channel.thread.members if channel.thread is not None else {}
        body: Payload = {"id": str(channel.id), "guild_id": str(channel.guild_id), "member_count": len(members)}
        if added is not None:
            body["added_members"] = [payloads.thread_member(channel, added)]
        if removed is not None:
            body["removed_member_ids"] = [str(removed)]
        self._in_channel("THREAD_MEMBERS_UPDATE", channel, lambda _: body)

    # servers

    def guild(self, session: Session, guild: Guild) -> Payload:
        """The server as this session may see it."""
        everyone = not session.user.bot or bool(session.intents & Intent.GUILD_PRESENCES)
        online = [one for one in guild.members if self._sessions.online(one)]
        return guild_payloads.guild_create(self._world, guild, session.user, online, all_members=everyone)

    def member_joined(self, guild: Guild, user: User) -> None:
        """The one who joined gets the server; the others see the member come."""
        for session in self._listening([user.id]):
            if session.has_shard_of(guild.id):
                told = self.guild(session, guild)
                del told["unavailable"]  # whoever finds it there takes the event for the end of an outage
                session.push("GUILD_CREATE", told)
        body = {**payloads.member(user, guild.members[user.id]), "guild_id": str(guild.id)}
        self._to_members("GUILD_MEMBER_ADD", guild, body, without=user.id)

    def outage(self, guild: Guild, *, begins: bool) -> None:
        """The server cannot be reached for a while, or can again; nobody has left it."""
        self.unavailable = guild.id if begins else None
        for session in self._listening(guild.members):
            if not session.has_shard_of(guild.id):
                continue
            if begins:
                session.push("GUILD_DELETE", {"id": str(guild.id), "unavailable": True})
            else:
                session.push("GUILD_CREATE", self.guild(session, guild))

    def _to_members(self, event: str, guild: Guild, body: Payload, *, without: int) -> None:
        needed = intents.needed(event, in_guild=True)
        for session in self._listening(set(guild.members) - {without}):
            if session.wants(needed) and session.has_shard_of(guild.id):
                session.push(event, body)

    def member_left(self, guild: Guild, user: User) -> None:
        """The one who left loses the server; the others see the member go."""
        for session in self._listening([user.id]):
            session.push("GUILD_DELETE", {"id": str(guild.id)})
        body: Payload = {"guild_id": str(guild.id), "user": payloads.user(user)}
        self._to_members("GUILD_MEMBER_REMOVE", guild, body, without=user.id)

    def presence(self, user: User) -> None:
        """Tells the members of the user's servers whether the user is connected."""
        online = self._sessions.online(user.id)
        needed = intents.needed("PRESENCE_UPDATE", in_guild=True)
        for guild in self._world.guilds.values():
            if user.id not in guild.members:
                continue
            body = payloads.presence(guild.id, user.id, online=online)
            for session in self._listening(guild.members):
                if session.wants(needed) and session.has_shard_of(guild.id):
                    session.push("PRESENCE_UPDATE", body)

    # one person or bot

    def to_user(self, user_id: int, event: str, body: Payload) -> None:
        for session in self._listening([user_id]):
            session.push(event, body)

    def to_bot(self, event: str, body: Payload, guild_id: int | None) -> None:
        for session in self._listening([self._world.bot.id]):
            if session.has_shard_of(guild_id):
                session.push(event, body)

    # how

    def _listening(self, user_ids: Iterable[int]) -> list[Session]:
        wanted = set(user_ids)
        return [one for one in self._sessions.all.values() if one.user.id in wanted]

    def _in_channel(
        self, event: str, channel: Channel, build: Callable[[Session], Payload], only_for: int | None = None
    ) -> None:
        if channel.guild_id is not None and channel.guild_id == self.unavailable:
            return
        needed = intents.needed(event, in_guild=channel.guild_id is not None)
        for session in list(self._sessions.all.values()):
            person = session.user.id
            if only_for is not None and person != only_for:
                continue
            visible = self._world.can_see(person, channel)
            if visible and session.wants(needed) and session.has_shard_of(channel.guild_id):
                session.push(event, build(session))

    def _message_event(self, event: str, message: Message, extra: Payload) -> None:
        channel = self._world.channels[message.channel_id]

        def build(session: Session) -> Payload:
            body = message_payloads.event(self._world, self._base_url, message, session.user.id) | extra
            may_read = session.intents & Intent.MESSAGE_CONTENT
            return body if may_read else intents.without_content(body, session.user.id)

        self._in_channel(event, channel, build, only_for=message.only_for)

    def _where(self, channel: Channel) -> Payload:
        where: Payload = {"channel_id": str(channel.id)}
        if channel.guild_id is not None:
            where["guild_id"] = str(channel.guild_id)
        return where

    def _reaction(self, channel: Channel, message: Message, reaction: Reaction, user: User) -> Payload:
        return {
            "user_id": str(user.id),
            "message_id": str(message.id),
            "emoji": message_payloads.emoji(reaction),
            "burst": False,
            "type": 0,
            **self._where(channel),
        }
