"""Which permissions Steward asks for, why, and the links that ask for them."""

from __future__ import annotations

import discord

ASSISTANT: dict[str, str] = {
    "view_channel": "see the channels in which it is asked",
    "send_messages": "answer there",
    "send_messages_in_threads": "answer in threads",
    "read_message_history": "read the reply chain that it is asked about, summarize, and mirror",
    "attach_files": "post long answers as a file",
    "embed_links": "show links to the messages that a summary comes from",
    "view_audit_log": "find who added it, to send the set-up message to that person alone",
}
"""Permissions of the assistant alone, each with what it is for."""

MODERATION: dict[str, str] = {
    "manage_messages": "delete messages against the rules",
    "moderate_members": "time members out",
    "manage_channels": "set slow mode",
    "kick_members": "kick, when a moderator presses the button",
    "ban_members": "ban, when a moderator presses the button",
}
"""What the moderation helpers need beyond ASSISTANT."""

WHERE_USED: dict[str, str] = {
    "manage_webhooks": "mirror two channels into each other under the writers' names (in both; `/mirror`)",
}
"""What some servers use and no link asks for: it is given in the channels where it is wanted."""


def permissions(*, moderation: bool = False) -> discord.Permissions:
    """The permissions of the assistant, with or without moderation."""
    names = ASSISTANT | (MODERATION if moderation else {})
    return discord.Permissions(**dict.fromkeys(names, True))


def invite_link(application_id: int, *, moderation: bool = False) -> str:
    """The link with which an administrator adds Steward to a server."""
    return discord.utils.oauth_url(
        application_id, permissions=permissions(moderation=moderation), scopes=("bot", "applications.commands")
    )


def missing(granted: discord.Permissions) -> list[str]:
    """Names of the assistant's permissions that are not granted, as Discord's settings show them."""
    return [name.replace("_", " ").title() for name in ASSISTANT if not getattr(granted, name)]
