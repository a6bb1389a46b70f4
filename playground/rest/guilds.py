"""Servers: their channels, members, roles and the audit log."""

from __future__ import annotations

from starlette.responses import Response

from playground import guild_payloads, payloads
from playground.errors import missing_permissions, unknown, wrong_channel_type
from playground.forms import NewChannelForm, check
from playground.models import Channel, ChannelType
from playground.permissions import Permission
from playground.rest.edge import Caller, Home, Sent, Server, answer, nothing, router

routes = router()


@routes.get("/guilds/{guild_id}")
async def guild(guild: Home, with_counts: bool = False) -> Response:
    body = guild_payloads.guild(guild)
    if with_counts:
        body |= {"approximate_member_count": len(guild.members), "approximate_presence_count": len(guild.members)}
    return answer(body)


@routes.get("/guilds/{guild_id}/channels")
async def channels(guild: Home, parts: Server) -> Response:
    """All channels, hidden ones too: so does Discord."""
    return answer([payloads.channel(parts.world, one) for one in parts.world.guild_channels(guild.id)])


@routes.post("/guilds/{guild_id}/channels")
async def new_channel(guild: Home, parts: Server, caller: Caller, sent: Sent) -> Response:
    """A text channel, below the others."""
    if not parts.world.guild_permissions(caller.id, guild) & Permission.MANAGE_CHANNELS:
        raise missing_permissions()
    check(NewChannelForm, sent.body)
    if (sent.body.get("type") or ChannelType.TEXT) != ChannelType.TEXT:
        raise wrong_channel_type()
    name = "-".join(sent.body["name"].lower().split())
    place = max(one.position for one in parts.world.guild_channels(guild.id)) + 1
    identity = parts.world.snowflakes.next()
    made = Channel(identity, ChannelType.TEXT, name, guild.id, position=place, topic=sent.body.get("topic"))
    parts.world.add_channel(made)
    parts.broadcast.channel_event("CHANNEL_CREATE", made)
    return answer(payloads.channel(parts.world, made, caller.id), 201)


@routes.get("/guilds/{guild_id}/stickers")
async def stickers(guild: Home) -> Response:
    return answer([guild_payloads.sticker(one, guild.id) for one in guild.stickers])


@routes.get("/guilds/{guild_id}/members")
async def members(guild: Home, parts: Server, limit: int = 1, after: int = 0) -> Response:
    chosen = [one for one in sorted(guild.members.values(), key=lambda one: one.user_id) if one.user_id > after]
    return answer([payloads.member(parts.world.users[one.user_id], one) for one in chosen[:limit]])


@routes.get("/guilds/{guild_id}/members/search")
async def search_members(guild: Home, parts: Server, query: str, limit: int = 1) -> Response:
    users = parts.world.users
    chosen = [one for one in guild.members.values() if users[one.user_id].name.lower().startswith(query.lower())]
    return answer([payloads.member(users[one.user_id], one) for one in chosen[:limit]])


@routes.get("/guilds/{guild_id}/members/{user_id}")
async def member(user_id: int, guild: Home, parts: Server) -> Response:
    if user_id not in parts.world.users:
        raise unknown("user")
    found = guild.members.get(user_id)
    if found is None:
        raise unknown("member")
    return answer(payloads.member(parts.world.users[user_id], found))


@routes.delete("/guilds/{guild_id}/members/{user_id}")
async def kick(user_id: int, guild: Home, parts: Server, caller: Caller) -> Response:
    """Nobody kicks the owner."""
    if not parts.world.guild_permissions(caller.id, guild) & Permission.KICK_MEMBERS or user_id == guild.owner_id:
        raise missing_permissions()
    if user_id not in guild.members:
        raise unknown("member")
    del guild.members[user_id]
    parts.world.keep(guild)
    parts.broadcast.member_left(guild, parts.world.users[user_id])
    return nothing()


@routes.get("/guilds/{guild_id}/roles")
async def roles(guild: Home) -> Response:
    return answer([guild_payloads.role(one) for one in guild.roles.values()])


@routes.get("/guilds/{guild_id}/threads/active")
async def active_threads(guild: Home, parts: Server, caller: Caller) -> Response:
    threads = [one for one in parts.world.guild_threads(guild.id) if parts.world.can_see(caller.id, one)]
    mine = [one for one in threads if one.thread is not None and caller.id in one.thread.members]
    return answer(
        {
            "threads": [payloads.channel(parts.world, one, caller.id) for one in threads],
            "members": [payloads.thread_member(one, caller.id) for one in mine],
            "has_more": False,
        }
    )


@routes.get("/guilds/{guild_id}/audit-logs")
async def audit_log(
    guild: Home,
    parts: Server,
    caller: Caller,
    user_id: int | None = None,
    target_id: int | None = None,
    action_type: int | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
) -> Response:
    """What happened, the newest first; oldest first when `after` is given."""
    if not parts.world.guild_permissions(caller.id, guild) & Permission.VIEW_AUDIT_LOG:
        raise missing_permissions()
    chosen = [
        one
        for one in guild.audit_log
        if (user_id is None or one.user_id == user_id)
        and (target_id is None or one.target_id == target_id)
        and (action_type is None or one.action == action_type)
        and (before is None or one.id < before)
        and (after is None or one.id > after)
    ]
    chosen = (chosen if after is not None else chosen[::-1])[:limit]
    named = {identity for one in chosen for identity in (one.user_id, one.target_id)}
    lists = ("integrations", "webhooks", "guild_scheduled_events", "threads", "application_commands")
    return answer(
        {
            "audit_log_entries": [guild_payloads.audit_entry(one) for one in chosen],
            "users": [payloads.user(one) for one in parts.world.users.values() if one.id in named],
            **{name: [] for name in (*lists, "auto_moderation_rules")},
        }
    )
