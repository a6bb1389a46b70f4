"""Discord's JSON shapes of servers: their roles, stickers and audit log, and all that a client gets of one at once."""

from __future__ import annotations

from collections.abc import Iterable

from playground import payloads
from playground.models import AuditEntry, Guild, Payload, Role, Sticker, User
from playground.state import World


def role(one: Role) -> Payload:
    body: Payload = {
        "id": str(one.id),
        "name": one.name,
        "permissions": str(one.permissions),
        "position": one.position,
        "color": one.color,
        "colors": {"primary_color": one.color, "secondary_color": None, "tertiary_color": None},
        "hoist": one.hoist,
        "managed": one.managed,
        "mentionable": one.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    if one.bot_id is not None:
        body["tags"] = {"bot_id": str(one.bot_id)}
    return body


def guild(one: Guild) -> Payload:
    return {
        "id": str(one.id),
        "name": one.name,
        "owner_id": str(one.owner_id),
        "roles": [role(each) for each in one.roles.values()],
        "features": [],
        "emojis": [],
        "stickers": [sticker(each, one.id) for each in one.stickers],
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "incidents_data": None,
    }


def guild_create(world: World, one: Guild, viewer: User, online: Iterable[int], *, all_members: bool) -> Payload:
    """The GUILD_CREATE event: only what the viewer sees; without `all_members` only the viewer's own membership."""
    members = [payloads.member(world.users[each.user_id], each) for each in one.members.values()]
    if not all_members:
        members = [each for each in members if each["user"]["id"] == str(viewer.id)]
    channels, threads = world.guild_channels(one.id), world.guild_threads(one.id)
    return {
        **guild(one),
        "joined_at": one.members[viewer.id].joined_at,
        "large": False,
        "unavailable": False,
        "member_count": len(one.members),
        "members": members,
        "channels": [payloads.channel(world, each) for each in channels if world.can_see(viewer.id, each)],
        "threads": [payloads.channel(world, each, viewer.id) for each in threads if world.can_see(viewer.id, each)],
        "voice_states": [],
        "presences": [payloads.presence(one.id, each, online=True) for each in online] if all_members else [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def my_guild(world: World, one: Guild, viewer: User) -> Payload:
    return {
        "id": str(one.id),
        "name": one.name,
        "icon": None,
        "banner": None,
        "owner": one.owner_id == viewer.id,
        "permissions": str(world.guild_permissions(viewer.id, one)),
        "features": [],
        "approximate_member_count": len(one.members),
        "approximate_presence_count": len(one.members),
    }


def sticker(one: Sticker, guild_id: int) -> Payload:
    body = {**payloads.sticker_item(one), "tags": one.tags, "type": 2, "description": None, "available": True}
    return {**body, "guild_id": str(guild_id)}


def audit_entry(entry: AuditEntry) -> Payload:
    body: Payload = {
        "id": str(entry.id),
        "action_type": entry.action,
        "user_id": str(entry.user_id),
        "target_id": str(entry.target_id),
        "changes": [],
        "options": {},
    }
    if entry.reason is not None:
        body["reason"] = entry.reason
    return body
