"""What a Discord consists of, as plain data. It knows neither JSON shapes nor rules."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

Payload = dict[str, Any]
"""One JSON object as Discord sends it."""

Json = Any
"""Decoded JSON that nobody has looked at yet."""


class ChannelType(IntEnum):
    TEXT = 0
    DM = 1
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12


class MessageType(IntEnum):
    DEFAULT = 0
    PINNED = 6
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER = 21
    CONTEXT_MENU_COMMAND = 23
    POLL_RESULT = 46


class ReferenceType(IntEnum):
    REPLY = 0
    FORWARD = 1


class InteractionKind(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class MessageFlags(IntFlag):
    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    HAS_SNAPSHOT = 1 << 14
    COMPONENTS_V2 = 1 << 15


@dataclass(slots=True)
class User:
    id: int
    name: str
    bot: bool = False
    token: str = ""
    closed_to_strangers: bool = False
    """True when this person accepts no direct messages from the server's members (bots included)."""


@dataclass(slots=True)
class Role:
    id: int
    name: str
    permissions: int
    position: int
    color: int = 0
    hoist: bool = False
    managed: bool = False
    mentionable: bool = False
    bot_id: int | None = None


@dataclass(slots=True)
class Member:
    user_id: int
    joined_at: str
    roles: list[int] = field(default_factory=list)
    nick: str | None = None


@dataclass(slots=True)
class AuditEntry:
    id: int
    action: int
    user_id: int
    target_id: int
    reason: str | None = None


@dataclass(slots=True)
class Sticker:
    id: int
    name: str
    tags: str


@dataclass(slots=True)
class Guild:
    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    audit_log: list[AuditEntry] = field(default_factory=list)
    stickers: list[Sticker] = field(default_factory=list)


@dataclass(slots=True)
class Overwrite:
    id: int
    kind: int
    """0 for a role, 1 for a member."""
    allow: int = 0
    deny: int = 0


@dataclass(slots=True)
class ThreadInfo:
    """What only threads have."""

    owner_id: int
    created_at: str
    archived_at: str
    archived: bool = False
    locked: bool = False
    auto_archive_minutes: int = 1440
    members: dict[int, str] = field(default_factory=dict)
    """User id → when they joined."""
    message_count: int = 0


@dataclass(slots=True)
class Channel:
    id: int
    type: int
    name: str = ""
    guild_id: int | None = None
    parent_id: int | None = None
    position: int = 0
    topic: str | None = None
    overwrites: list[Overwrite] = field(default_factory=list)
    recipients: list[int] = field(default_factory=list)
    last_message_id: int | None = None
    last_pin_at: str | None = None
    thread: ThreadInfo | None = None


@dataclass(slots=True)
class Attachment:
    id: int
    filename: str
    size: int
    content_type: str
    description: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(slots=True)
class Reaction:
    name: str
    emoji_id: int | None
    user_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Poll:
    question: str
    answers: list[Payload]
    """Discord's poll_media: a text, perhaps an emoji; answer ids count from 1."""
    expiry: str
    allow_multiselect: bool = False
    ended: bool = False
    votes: dict[str, list[int]] = field(default_factory=dict)
    """Answer id → who chose it."""


@dataclass(slots=True)
class Webhook:
    id: int
    token: str
    name: str
    channel_id: int
    guild_id: int
    user_id: int
    application_id: int | None = None


@dataclass(slots=True)
class Message:
    id: int
    channel_id: int
    author_id: int
    content: str
    created_at: str
    type: int = MessageType.DEFAULT
    edited_at: str | None = None
    flags: int = 0
    embeds: list[Payload] = field(default_factory=list)
    components: list[Payload] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: list[int] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    reference: Payload | None = None
    pinned_at: str | None = None
    reactions: list[Reaction] = field(default_factory=list)
    thread_id: int | None = None
    interaction: Payload | None = None
    """interaction_metadata: which interaction this message answers."""
    poll: Poll | None = None
    stickers: list[Sticker] = field(default_factory=list)
    snapshot: Message | None = None
    """Of a forwarded message: what it said when it was forwarded."""
    webhook: Payload | None = None
    """Of a webhook's message: the name that it was posted under, and the webhook's application_id."""
    only_for: int | None = None
    """The one person who sees an ephemeral message; such a message is never stored."""


@dataclass(slots=True)
class Command:
    id: int
    version: int
    guild_id: int | None
    body: Payload
    """What the application sent: name, description, options and so on."""


@dataclass(slots=True)
class Interaction:
    id: int
    token: str
    kind: int
    person: User
    channel: Channel
    data: Payload
    nonce: str | int | None
    born: float
    locale: str = "en-US"
    """The language of the person's client."""
    source: Message | None = None
    """The message whose component was pressed."""
    opened_by: Interaction | None = None
    """The interaction that opened the modal which this one submits."""
    answered: bool = False
    failed: bool = False
    original_id: int | None = None
    awaits_first_text: bool = False
    """A deferred answer is still the "thinking" message."""
    modal: Payload | None = None
    expiry: asyncio.TimerHandle | None = field(default=None, repr=False)
