"""Posting, editing and deleting messages, with Discord's rules on who may. It does not know HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from playground import drafts, mentions, pictures, polls, posting, previews, uploads
from playground.broadcast import Broadcast
from playground.drafts import Upload
from playground.errors import (
    missing_permissions,
    not_your_message,
    system_message,
    unknown,
)
from playground.message_payloads import reference_to
from playground.models import (
    Attachment,
    Channel,
    Message,
    MessageFlags,
    MessageType,
    Payload,
    ReferenceType,
    User,
    Webhook,
)
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
    preview_after_s: float
    """How long after a message with a link its preview comes."""
    _by_nonce: dict[tuple[int, int, str], int] = field(default_factory=dict)
    _awaiting_preview: set[int] = field(default_factory=set)

    def post(self, author: User, channel: Channel, body: Payload, files: Mapping[int, Upload]) -> Message:
        """A person's or the bot's message; everybody who sees the channel is told."""
        posting.refuse(self.world, author, channel, body, files)
        nonce = body.get("nonce")
        if body.get("enforce_nonce") and nonce is not None:
            before = self.world.messages.get(self._by_nonce.get((author.id, channel.id, str(nonce)), 0))
            if before is not None:
                return before
        self._enter(author, channel)
        replied_to = posting.replied_to(self.world, author, channel, body)
        snapshot = posting.forwarded(self.world, author, body)
        message = self.compose(author, channel, body, files, replied_to=replied_to, snapshot=snapshot)
        self._publish(channel, message, nonce)
        return message

    def post_as(self, webhook: Webhook, channel: Channel, body: Payload, files: Mapping[int, Upload]) -> Message:
        """A webhook's message in its channel or a thread of it, under the name that the body gives or its own."""
        name = body.get("username") or webhook.name
        author = User(webhook.id, name, bot=True)
        message = self.compose(author, channel, body, files)
        picture = pictures.hash_of(body.get("avatar_url"))
        message.webhook = {"name": name, "application_id": webhook.application_id, "avatar": picture}
        self.publish(message)
        return message

    def compose(
        self,
        author: User,
        channel: Channel,
        body: Payload,
        files: Mapping[int, Upload],
        *,
        replied_to: Message | None = None,
        snapshot: Message | None = None,
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
            attachments=self.attach(body, files),
            poll=polls.made(body.get("poll")),
            stickers=posting.stickers(self.world, body),
            snapshot=snapshot,
            only_for=only_for,
        )
        if replied_to is not None:
            message.type = MessageType.REPLY
            message.reference = reference_to(replied_to, channel)
        if snapshot is not None:
            message.flags |= int(MessageFlags.HAS_SNAPSHOT)
            message.reference = reference_to(snapshot, self.world.channels[snapshot.channel_id], ReferenceType.FORWARD)
        kinds = (message.embeds, message.attachments, message.components, message.poll, message.stickers, snapshot)
        drafts.refuse_empty(message.content, *kinds)
        self._mention(message, channel, body.get("allowed_mentions"), replied_to)
        return message

    def publish(self, message: Message) -> None:
        """Puts a composed message into its channel and tells everybody who may see it."""
        self._publish(self.world.channels[message.channel_id], message, None)

    def edit(self, editor: User, message: Message, body: Payload, files: Mapping[int, Upload]) -> None:
        """Changes what the body names; only the author may, but anyone with Manage Messages may hide embeds."""
        if message.type not in EDITABLE:
            raise system_message()
        channel = self.world.channels[message.channel_id]
        if message.author_id != editor.id:
            moderates = self.world.permissions(editor.id, channel) & Permission.MANAGE_MESSAGES
            if set(body) != {"flags"} or not moderates:
                raise not_your_message()
        self.rewrite(message, body, files)

    def rewrite(self, message: Message, body: Payload, files: Mapping[int, Upload]) -> None:
        """Changes what the body names, whoever asks; everybody who sees the message is told."""
        text = drafts.content(body) if "content" in body else message.content
        kept_embeds = message.embeds if text == message.content else previews.without(message.embeds)
        embeds = drafts.embeds(body) if "embeds" in body else kept_embeds
        components = drafts.components(body) if "components" in body else message.components
        kept = self._kept_attachments(message, body)
        drafts.refuse_empty(text, embeds, components, kept, files, message.stickers, message.snapshot)
        channel = self.world.channels[message.channel_id]
        message.content, message.embeds, message.components = text, embeds, components
        message.attachments = kept + self.attach(body, files)
        if "flags" in body:
            message.flags = (message.flags & ~int(drafts.CHOOSABLE_FLAGS)) | drafts.chosen_flags(body)
        if message.flags & MessageFlags.LOADING:  # the first text of a deferred answer is its beginning, not an edit
            message.flags &= ~int(MessageFlags.LOADING)
        else:
            message.edited_at = now()
        if "content" in body or "allowed_mentions" in body:
            answered = (message.reference or {}) if message.type == MessageType.REPLY else {}
            target = self.world.messages.get(int(answered.get("message_id", 0)))
            self._mention(message, channel, body.get("allowed_mentions"), target)
        self.world.keep(message)
        self.broadcast.message_updated(message)
        self._preview_later(message)

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

    def system(
        self,
        kind: MessageType,
        author: User,
        channel: Channel,
        content: str,
        reference: Payload,
        embeds: list[Payload] | None = None,
    ) -> Message:
        """A message that Discord itself writes (pinned, thread created, thread starter, a poll's result)."""
        message = Message(
            self.world.snowflakes.next(), channel.id, author.id, content, now(), type=kind, reference=reference
        )
        message.embeds = embeds or []
        self._publish(channel, message, None)
        return message

    def _publish(self, channel: Channel, message: Message, nonce: str | int | None) -> None:
        self.world.add_message(message)
        if nonce is not None:
            self._by_nonce[message.author_id, channel.id, str(nonce)] = message.id
            while len(self._by_nonce) > NONCES_KEPT:
                del self._by_nonce[next(iter(self._by_nonce))]
        self.broadcast.message_created(message, nonce)
        self._preview_later(message)

    def _preview_later(self, message: Message) -> None:
        """Links get their previews a moment later, by an update that changes nothing else."""
        if previews.of(message) and message.id not in self._awaiting_preview:
            self._awaiting_preview.add(message.id)
            asyncio.get_running_loop().call_later(self.preview_after_s, self._preview, message)

    def _preview(self, message: Message) -> None:
        self._awaiting_preview.discard(message.id)
        wanted = [*previews.without(message.embeds), *previews.of(message)]
        if message.id in self.world.messages and wanted != message.embeds:
            message.embeds = wanted
            self.world.keep(message)
            self.broadcast.message_updated(message)

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

    def _mention(self, message: Message, channel: Channel, allowed: Payload | None, replied_to: Message | None) -> None:
        may = mentions.allowed(allowed)
        found = mentions.find(self.world, channel, message.author_id, message.content, may, replied_to)
        message.mentions, message.mention_roles = found.users, found.roles
        message.mention_everyone = found.everyone

    def attach(self, body: Payload, files: Mapping[int, Upload]) -> list[Attachment]:
        """Keeps the files that came with a body: checks all before it keeps any."""
        uploads.refuse_too_many(len(files))
        described = {str(one.get("id")): one for one in body.get("attachments") or []}
        made = {
            index: uploads.attachment(self.world.snowflakes.next(), upload, described.get(str(index), {}))
            for index, upload in sorted(files.items())
        }
        for index, one in made.items():
            self.world.store.put_file(one.id, files[index].body)
        return list(made.values())

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
