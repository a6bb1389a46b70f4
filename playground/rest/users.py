"""Users, the application, and where the gateway is."""

from __future__ import annotations

from starlette.responses import Response

from playground import guild_payloads, payloads
from playground.errors import cannot_message_user, invalid_form, unknown
from playground.forms import Recipient, Settings, check
from playground.rest.edge import Caller, Sent, Server, answer, nothing, router

routes = router()


@routes.get("/gateway")
async def gateway(parts: Server) -> Response:
    return answer({"url": parts.gateway.url})


@routes.get("/gateway/bot")
async def gateway_bot(parts: Server, caller: Caller) -> Response:
    limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1}
    return answer({"url": parts.gateway.url, "shards": 1, "session_start_limit": limit})


@routes.get("/applications/@me")
@routes.get("/oauth2/applications/@me")
async def application(parts: Server, caller: Caller) -> Response:
    return answer(payloads.application(parts.world))


@routes.get("/users/@me")
async def me(parts: Server, caller: Caller) -> Response:
    return answer(payloads.self_user(caller))


@routes.patch("/users/@me/settings")
async def settings(parts: Server, caller: Caller, sent: Sent) -> Response:
    """Discord's own client's switch "direct messages from server members"; nothing else of its settings is here."""
    check(Settings, sent.body)
    closed = sent.body["default_guilds_restricted"]
    caller.closed_to_strangers = closed
    parts.world.keep(caller)
    return answer({"default_guilds_restricted": closed})


@routes.get("/users/@me/guilds")
async def my_guilds(parts: Server, caller: Caller) -> Response:
    mine = [one for one in parts.world.guilds.values() if caller.id in one.members]
    return answer([guild_payloads.my_guild(parts.world, one, caller) for one in mine])


@routes.delete("/users/@me/guilds/{guild_id}")
async def leave_guild(guild_id: int, parts: Server, caller: Caller) -> Response:
    guild = parts.world.guilds.get(guild_id)
    if guild is None or caller.id not in guild.members:
        raise unknown("guild")
    if guild.owner_id == caller.id:
        raise invalid_form("guild_id", "GUILD_OWNER_CANNOT_LEAVE", "The owner cannot leave the server")
    del guild.members[caller.id]
    parts.world.keep(guild)
    parts.broadcast.member_left(guild, caller)
    return nothing()


@routes.get("/users/@me/channels")
async def my_channels(parts: Server, caller: Caller) -> Response:
    return answer([payloads.channel(parts.world, one, caller.id) for one in parts.world.direct_channels(caller.id)])


@routes.post("/users/@me/channels")
async def open_dm(parts: Server, caller: Caller, sent: Sent) -> Response:
    """The conversation with one other; a bot cannot begin one with itself or another bot."""
    recipients = sent.body.get("recipients")
    body = {"recipient_id": recipients[0]} if isinstance(recipients, list) and recipients else sent.body
    check(Recipient, body)
    other = parts.world.users.get(int(body["recipient_id"]))
    if other is None:
        raise unknown("user")
    if other.id == caller.id or (caller.bot and other.bot):
        raise cannot_message_user()
    known = set(parts.world.channels)
    channel = parts.world.direct_channel(caller.id, other.id)
    if channel.id not in known:
        parts.broadcast.dm_opened(channel)
    return answer(payloads.channel(parts.world, channel, caller.id))


@routes.get("/users/{user_id}")
async def user(user_id: int, parts: Server, caller: Caller) -> Response:
    found = parts.world.users.get(user_id)
    if found is None:
        raise unknown("user")
    return answer(payloads.user(found))
