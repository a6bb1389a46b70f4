"""Posting, editing and deleting messages, with Discord's rules on who may. It does not know HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from playground import drafts, mentions
from playground.broadcast import Broadcast
from playground.drafts import Upload
from playground.errors import (
    archived_thread,
    cannot_message_user,
    invalid_form,
    missing_access,
    missing_permissions,
    not_your_message,
    system_message,
    unknown,
)
from playground.message_payloads import reference_to
from playground.models import Attachment, Channel, Message, MessageFlags, MessageType, Payload, User
from playground.permissions import Permission
from playground.snowflake import now
from playground.state import World

EDITABLE = (
    MessageType.DEFAULT,
    MessageType.REPLY,
    MessageType.CHAT_INPUT_COMMAND,
    MessageType.CONTEXT_MENU_COMMAND,
)
NONCES_KEPT = 200


@dataclass(slots=True)
class Messages:
    world: World
    broadcast: Broadcast
    _by_nonce: dict[tuple[int, int, str], int] = field(default_factory=dict)

    def post(self, author: User, channel: Channel, body: Payload, uploads: Mapping[int, Upload]) -> Message:
        """A person's or the bot's message; everybody who sees the channel is told."""
        self._may_post(author, channel, body, uploads)
        nonce = body.get("nonce")
        if body.get("enforce_nonce") and nonce is not None:
            before = self.world.messages.get(self._by_nonce.get((author.id, channel.id, str(nonce)), 0))
            if before is not None:
                return before
        self._enter(author, channel)
        replied_to = self._replied_to(author, channel, body)
        message = self.compose(author, channel, body, uploads, replied_to=replied_to)
        self._publish(channel, message, nonce)
        return message

    def compose(
        self,
        author: User,
        channel: Channel,
        body: Payload,
        uploads: Mapping[int, Upload],
        *,
        replied_to: Message | None = None,
        only_for: int | None = None,
    ) -> Message:
        """The checked message, not yet in the channel."""
        message = Message(
            id=self.world.snowflakes.next(),
            channel_id=channel.id,
            author_id=author.id,
            content=drafts.content(body),
            created_at=now(),
            flags=drafts.chosen_flags(body),
            embeds=drafts.embeds(body),
            components=drafts.components(body),
            attachments=self._attach(body, uploads),
            only_for=only_for,
        )
        if replied_to is not None:
            message.type = MessageType.REPLY
            message.reference = reference_to(replied_to, channel)
        drafts.refuse_empty(message.content, message.embeds, message.attachments, message.components)
        self._mention(message, channel, body.get("allowed_mentions"), replied_to)
        return message

    def publish(self, message: Message) -> None:
        """Puts a composed message into its channel and tells everybody who may see it."""
        self._publish(self.world.channels[message.channel_id], message, None)

    def edit(self, editor: User, message: Message, body: Payload, uploads: Mapping[int, Upload]) -> None:
        """Changes what the body names; only the author may, but anyone with Manage Messages may hide embeds."""
        if message.type not in EDITABLE:
            raise system_message()
        channel = self.world.channels[message.channel_id]
        if message.author_id != editor.id:
            moderates = self.world.permissions(editor.id, channel) & Permission.MANAGE_MESSAGES
            if set(body) != {"flags"} or not moderates:
                raise not_your_message()
        self.rewrite(message, body, uploads)

    def rewrite(self, message: Message, body: Payload, uploads: Mapping[int, Upload]) -> None:
        """Changes what the body names, whoever asks; everybody who sees the message is told."""
        text = drafts.content(body) if "content" in body else message.content
        embeds = drafts.embeds(body) if "embeds" in body else message.embeds
        components = drafts.components(body) if "components" in body else message.components
        kept = self._kept_attachments(message, body)
        drafts.refuse_empty(text, embeds, components, kept, uploads)
        channel = self.world.channels[message.channel_id]
        message.content, message.embeds, message.components = text, embeds, components
        message.attachments = kept + self._attach(body, uploads)
        if "flags" in body:
            message.flags = (message.flags & ~int(drafts.CHOOSABLE_FLAGS)) | drafts.chosen_flags(body)
        if message.flags & MessageFlags.LOADING:  # the first text of a deferred answer is its beginning, not an edit
            message.flags &= ~int(MessageFlags.LOADING)
        else:
            message.edited_at = now()
        if "content" in body or "allowed_mentions" in body:
            target = self.world.messages.get(int((message.reference or {}).get("message_id", 0)))
            self._mention(message, channel, body.get("allowed_mentions"), target)
        self.world.keep(message)
        self.broadcast.message_updated(message)

    def delete(self, remover: User, channel: Channel, message: Message) -> None:
        moderates = self.world.permissions(remover.id, channel) & Permission.MANAGE_MESSAGES
        if message.author_id != remover.id and (not moderates or channel.guild_id is None):
            raise missing_permissions()
        self.remove(channel, [message])

    def remove(self, channel: Channel, messages: list[Message]) -> None:
        """Takes messages out of one channel, whoever asks."""
        for message in messages:
            self.world.remove_message(message)
        if messages:
            self.broadcast.messages_deleted(channel, messages)

    def system(self, kind: MessageType, author: User, channel: Channel, content: str, reference: Payload) -> Message:
        """A message that Discord itself writes (pinned, thread created, thread starter)."""
        message = Message(
            self.world.snowflakes.next(), channel.id, author.id, content, now(), type=kind, reference=reference
        )
        self._publish(channel, message, None)
        return message

    def _publish(self, channel: Channel, message: Message, nonce: str | int | None) -> None:
        self.world.add_message(message)
        if nonce is not None:
            self._by_nonce[message.author_id, channel.id, str(nonce)] = message.id
            while len(self._by_nonce) > NONCES_KEPT:
                del self._by_nonce[next(iter(self._by_nonce))]
        self.broadcast.message_created(message, nonce)

    def _enter(self, author: User, channel: Channel) -> None:
        """Who writes in a thread joins it, and wakes it when it was archived."""
        thread = channel.thread
        if thread is None:
            return
        if thread.archived:
            thread.archived = False
            thread.archived_at = now()
            self.world.keep(channel)
            self.broadcast.channel_event("THREAD_UPDATE", channel)
        if author.id not in thread.members:
            thread.members[author.id] = now()
            self.world.keep(channel)
            self.broadcast.thread_members(channel, added=author.id)

    def _may_post(self, author: User, channel: Channel, body: Payload, uploads: Mapping[int, Upload]) -> None:
        granted = self.world.permissions(author.id, channel)
        if not granted & Permission.VIEW_CHANNEL:
            raise missing_access()
        thread = channel.thread
        needed = Permission.SEND_MESSAGES if thread is None else Permission.SEND_MESSAGES_IN_THREADS
        if not granted & needed:
            raise missing_permissions()
        if uploads and not granted & Permission.ATTACH_FILES:
            raise missing_permissions()
        if body.get("embeds") and not granted & Permission.EMBED_LINKS:
            raise missing_permissions()
        if thread is not None and thread.locked and not granted & Permission.MANAGE_THREADS:
            raise archived_thread()
        if channel.guild_id is None:
            self._may_write_to(author, channel)

    def _may_write_to(self, author: User, channel: Channel) -> None:
        """Direct messages need a server in common, and a person who takes them."""
        for other in channel.recipients:
            if other == author.id:
                continue
            shared = any(author.id in guild.members and other in guild.members for guild in self.world.guilds.values())
            if not shared or self.world.users[other].closed_to_strangers:
                raise cannot_message_user()

    def _replied_to(self, author: User, channel: Channel, body: Payload) -> Message | None:
        reference = body.get("message_reference")
        if not reference or not reference.get("message_id"):
            return None
        if not self.world.permissions(author.id, channel) & Permission.READ_MESSAGE_HISTORY:
            raise missing_permissions()
        target = self.world.messages.get(int(reference["message_id"]))
        if target is not None and target.channel_id == channel.id and target.only_for is None:
            return target
        if reference.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None

    def _mention(self, message: Message, channel: Channel, allowed: Payload | None, replied_to: Message | None) -> None:
        may = mentions.allowed(allowed)
        found = mentions.find(self.world, channel, message.author_id, message.content, may, replied_to)
        message.mentions, message.mention_roles = found.users, found.roles
        message.mention_everyone = found.everyone

    def _attach(self, body: Payload, uploads: Mapping[int, Upload]) -> list[Attachment]:
        described = {str(one.get("id")): one for one in body.get("attachments") or []}
        made = []
        for index, upload in sorted(uploads.items()):
            told = described.get(str(index), {})
            identity = self.world.snowflakes.next()
            name = str(told.get("filename") or upload.filename).replace("/", "_").replace("\\", "_")
            made.append(Attachment(identity, name, len(upload.body), upload.content_type, told.get("description")))
            self.world.store.put_file(identity, upload.body)
        return made

    def _kept_attachments(self, message: Message, body: Payload) -> list[Attachment]:
        if body.get("attachments") is None:
            return message.attachments
        kept = {str(one.get("id")) for one in body["attachments"]}
        return [one for one in message.attachments if str(one.id) in kept]


def find_message(world: World, channel: Channel, message_id: int) -> Message:
    """The message if it is in this channel for everybody to see; ephemeral ones are not found by their id."""
    message = world.messages.get(message_id)
    if message is None or message.channel_id != channel.id or message.only_for is not None:
        raise unknown("message")
    return message
