"""The first message to a server: what it says and who gets it. Never in a public channel.

It does not know when a server is adopted (`membership`) nor what its buttons do (`setup_buttons`).
"""

from __future__ import annotations

import discord
import structlog

from bot.conversation.streaming import TROUBLE

log = structlog.get_logger()

TEXT = """**Thank you for adding Steward to {guild}.**
Mention me in a channel and I answer; reply to my answer and we go on. Otherwise I stay silent: I ping nobody, I read \
only what I am asked about, and nothing that moderates is switched on.
{privacy}
Everybody can use `/ask`, `/summarize` and `/help`."""

STAFF_PERMISSIONS = (
    "administrator",
    "manage_guild",
    "manage_channels",
    "manage_messages",
    "moderate_members",
    "kick_members",
    "ban_members",
)
"""Whoever has one of these belongs to the staff."""
LOOKED_AT = 20
"""Entries of the audit log about added bots that are looked through."""


async def deliver(guild: discord.Guild, privacy: str, view: discord.ui.View) -> bool:
    """Send the set-up message to whoever added Steward, else where only staff can see it, else to the server's owner.

    Whether anybody got it; `privacy` says where members' words go.
    """
    text = TEXT.format(guild=discord.utils.escape_markdown(guild.name), privacy=privacy)
    adder = await _adder(guild)
    if adder is not None and await _reaches(adder, text, view):
        return True
    for channel in staff_channels(guild):
        if await _reaches(channel, text, view):
            return True
    owner = await _owner(guild)
    if owner is not None and owner != adder and await _reaches(owner, text, view):
        return True
    log.warning("set-up message reached nobody", guild=guild.id)
    return False


def staff_channels(guild: discord.Guild) -> list[discord.TextChannel]:
    """Text channels in which Steward may write and which nobody but staff can see, the most likely first."""
    found = [channel for channel in guild.text_channels if _may_write(channel) and is_staff_only(channel)]
    return sorted(found, key=lambda channel: (channel != guild.public_updates_channel, channel.position))


def is_staff_only(channel: discord.TextChannel) -> bool:
    """Whether every role that sees the channel is a staff role, and nobody else was let in by name."""
    guild = channel.guild
    seeing = [role for role in guild.roles if channel.permissions_for(role).view_channel and not role.is_bot_managed()]
    if any(not _is_staff(role) for role in seeing):
        return False
    invited = [target.id for target, overwrite in channel.overwrites.items() if overwrite.view_channel]
    return set(invited) <= {role.id for role in guild.roles} | {guild.me.id}


def _is_staff(role: discord.Role) -> bool:
    return not role.is_default() and any(getattr(role.permissions, name) for name in STAFF_PERMISSIONS)


def _may_write(channel: discord.TextChannel) -> bool:
    granted = channel.permissions_for(channel.guild.me)
    return granted.view_channel and granted.send_messages


async def _adder(guild: discord.Guild) -> discord.abc.Messageable | None:
    """Whoever added Steward, by the audit log; None where it may not be read or does not say."""
    if not guild.me.guild_permissions.view_audit_log:
        return None
    try:
        async for entry in guild.audit_logs(action=discord.AuditLogAction.bot_add, limit=LOOKED_AT):
            added = getattr(entry.target, "id", None)
            if added == guild.me.id and isinstance(entry.user, discord.abc.Messageable):
                return entry.user
    except TROUBLE as error:
        log.info("audit log not readable", guild=guild.id, error=str(error))
    return None


async def _owner(guild: discord.Guild) -> discord.Member | None:
    if guild.owner_id is None:
        return None
    try:
        return guild.owner or await guild.fetch_member(guild.owner_id)
    except TROUBLE:
        return None


async def _reaches(target: discord.abc.Messageable, text: str, view: discord.ui.View) -> bool:
    try:
        await target.send(text, view=view)
    except TROUBLE as error:
        log.info("set-up message not delivered", to=type(target).__name__, error=str(error))
        return False
    return True
