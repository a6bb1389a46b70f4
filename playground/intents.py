"""Gateway intents: which event needs which, and what a session without MESSAGE_CONTENT gets to see. Pure."""

from __future__ import annotations

from enum import IntFlag

from playground.models import Payload


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_WEBHOOKS = 1 << 5
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


EVERY_INTENT = (1 << 26) - 1
"""What a person's own client has, and the highest value that identify accepts."""

IN_GUILD = {
    "MESSAGE": Intent.GUILD_MESSAGES,
    "MESSAGE_REACTION": Intent.GUILD_MESSAGE_REACTIONS,
    "MESSAGE_POLL_VOTE": Intent.GUILD_MESSAGE_POLLS,
    "TYPING": Intent.GUILD_MESSAGE_TYPING,
    "WEBHOOKS": Intent.GUILD_WEBHOOKS,
    "CHANNEL": Intent.GUILDS,
    "THREAD": Intent.GUILDS,
    "THREAD_MEMBERS": Intent.GUILDS,
    "GUILD": Intent.GUILDS,
    "GUILD_MEMBER": Intent.GUILD_MEMBERS,
    "GUILD_AUDIT": Intent.GUILD_MODERATION,
    "PRESENCE": Intent.GUILD_PRESENCES,
}
IN_DM = {
    "MESSAGE": Intent.DIRECT_MESSAGES,
    "MESSAGE_REACTION": Intent.DIRECT_MESSAGE_REACTIONS,
    "MESSAGE_POLL_VOTE": Intent.DIRECT_MESSAGE_POLLS,
    "TYPING": Intent.DIRECT_MESSAGE_TYPING,
    "CHANNEL": Intent.DIRECT_MESSAGES,
}


def needed(event: str, *, in_guild: bool) -> int:
    """The intents of which a session must have one to get the event; 0 when every session gets it."""
    table = IN_GUILD if in_guild else IN_DM
    families = [family for family in table if event.startswith(family + "_")]
    return int(table[max(families, key=len)]) if families else 0


def without_content(message: Payload, viewer_id: int) -> Payload:
    """For a bot that may not read content: emptied unless the message is its own, mentions it, or is a direct one."""
    author, viewer = message["author"]["id"], str(viewer_id)
    mentioned = any(one["id"] == viewer for one in message["mentions"])
    shown = dict(message)
    if author != viewer and not mentioned and "guild_id" in message:
        shown |= {"content": "", "embeds": [], "attachments": [], "components": []}
        shown = {key: value for key, value in shown.items() if key not in ("poll", "message_snapshots")}
    referenced = message.get("referenced_message")
    if referenced is not None:
        guild = {"guild_id": message["guild_id"]} if "guild_id" in message else {}
        shown["referenced_message"] = without_content({**referenced, **guild}, viewer_id)
    return shown
