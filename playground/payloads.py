"""Discord's JSON shapes of people, servers, channels and commands. Who may see them is decided elsewhere."""

from __future__ import annotations

from playground.models import (
    Channel,
    ChannelType,
    Command,
    Member,
    Payload,
    Sticker,
    User,
    Webhook,
)
from playground.permissions import EVERYTHING
from playground.state import World

BOT_DISCRIMINATOR = "0042"
BOT_FLAG_INTENTS = (1 << 13) | (1 << 15) | (1 << 19) | (1 << 23)
"""The application's flags: limited presence, members and message content intents are on, and it has commands."""


def user(person: User) -> Payload:
    body: Payload = {
        "id": str(person.id),
        "username": person.name if person.bot else person.name.lower(),
        "global_name": None if person.bot else person.name,
        "discriminator": BOT_DISCRIMINATOR if person.bot else "0",
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }
    if person.bot:
        body["bot"] = True
    return body


def webhook_user(webhook_id: int, name: str, avatar: str | None = None) -> Payload:
    """Who a webhook's message is by; the picture is a hash, as Discord gives it."""
    body = user(User(webhook_id, name, bot=True))
    return {**body, "discriminator": "0000", "avatar": avatar}


def webhook(world: World, base_url: str, one: Webhook) -> Payload:
    address = f"{base_url}/api/v10/webhooks/{one.id}/{one.token}"
    return {
        "id": str(one.id),
        "type": 1,
        "name": one.name,
        "avatar": None,
        "channel_id": str(one.channel_id),
        "guild_id": str(one.guild_id),
        "application_id": _text(one.application_id),
        "user": user(world.users[one.user_id]),
        "token": one.token,
        "url": address,
    }


def sticker_item(one: Sticker) -> Payload:
    """As it stands on a message; all here are PNGs."""
    return {"id": str(one.id), "name": one.name, "format_type": 1}


def self_user(person: User) -> Payload:
    return {**user(person), "mfa_enabled": False, "locale": "en-US", "verified": True, "email": None}


def member(person: User, membership: Member) -> Payload:
    return {"user": user(person), **partial_member(membership)}


def partial_member(membership: Member) -> Payload:
    """A member without its user, as it stands beside a message's author."""
    return {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": membership.joined_at,
        "nick": membership.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(identity) for identity in membership.roles],
        "mute": False,
        "deaf": False,
    }


def presence(guild_id: int, user_id: int, *, online: bool) -> Payload:
    status = "online" if online else "offline"
    shape: Payload = {"user": {"id": str(user_id)}, "guild_id": str(guild_id), "status": status, "activities": []}
    return {**shape, "client_status": {"web": status} if online else {}}


def channel(world: World, one: Channel, viewer_id: int | None = None) -> Payload:
    """A text channel, thread (with the viewer's membership) or conversation (its recipients without the viewer)."""
    common: Payload = {
        "id": str(one.id),
        "type": one.type,
        "flags": 0,
        "last_message_id": _text(one.last_message_id),
        "last_pin_timestamp": one.last_pin_at,
    }
    if one.type == ChannelType.DM:
        others = [identity for identity in one.recipients if identity != viewer_id]
        return {**common, "recipients": [user(world.users[identity]) for identity in others]}
    common |= {
        "guild_id": str(one.guild_id),
        "name": one.name,
        "parent_id": _text(one.parent_id),
        "rate_limit_per_user": 0,
    }
    if one.thread is not None:
        return common | _thread_fields(one, viewer_id)
    return common | {
        "position": one.position,
        "topic": one.topic,
        "nsfw": False,
        "permission_overwrites": [
            {"id": str(each.id), "type": each.kind, "allow": str(each.allow), "deny": str(each.deny)}
            for each in one.overwrites
        ],
    }


def _thread_fields(one: Channel, viewer_id: int | None) -> Payload:
    thread = one.thread
    if thread is None:
        return {}
    body: Payload = {
        "owner_id": str(thread.owner_id),
        "message_count": thread.message_count,
        "total_message_sent": thread.message_count,
        "member_count": len(thread.members),
        "thread_metadata": {
            "archived": thread.archived,
            "archive_timestamp": thread.archived_at,
            "auto_archive_duration": thread.auto_archive_minutes,
            "locked": thread.locked,
            "create_timestamp": thread.created_at,
        },
    }
    if viewer_id is not None and viewer_id in thread.members:
        body["member"] = thread_member(one, viewer_id)
    return body


def thread_member(one: Channel, user_id: int) -> Payload:
    joined = one.thread.members[user_id] if one.thread is not None else ""
    return {"id": str(one.id), "user_id": str(user_id), "join_timestamp": joined, "flags": 0}


def application(world: World) -> Payload:
    bot = world.bot
    owner = next(iter(world.guilds.values())).owner_id
    return {
        "id": str(bot.id),
        "name": bot.name,
        "icon": None,
        "description": "The assistant of this playground.",
        "type": None,
        "bot": user(bot),
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": BOT_FLAG_INTENTS,
        "flags_new": str(BOT_FLAG_INTENTS),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user(world.users[owner]),
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "rpc_origins": [],
        "tags": [],
    }


def command(world: World, one: Command) -> Payload:
    body = one.body
    shape: Payload = {
        "id": str(one.id),
        "application_id": str(world.bot.id),
        "version": str(one.version),
        "type": body.get("type") or 1,
        "name": body["name"],
        "name_localizations": body.get("name_localizations"),
        "description": body.get("description") or "",
        "description_localizations": body.get("description_localizations"),
        "default_member_permissions": _text(body.get("default_member_permissions")),
        "dm_permission": body.get("dm_permission", True) is not False,
        "contexts": body.get("contexts"),
        "integration_types": body.get("integration_types") or [0],
        "nsfw": bool(body.get("nsfw", False)),
        "options": body.get("options") or [],
    }
    if one.guild_id is not None:
        shape["guild_id"] = str(one.guild_id)
    return shape


def interaction_channel(world: World, one: Channel, viewer_id: int, app_id: int) -> Payload:
    """The channel as an interaction carries it: with the permissions of the person who interacts."""
    granted = EVERYTHING if one.guild_id is None else world.permissions(viewer_id, one)
    return {**channel(world, one, app_id), "permissions": str(granted)}


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)
