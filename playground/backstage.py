"""What no Discord has: what was counted, and faults on purpose, for tests and benchmarks.

    GET    /playground/limits          {"asked": {"PATCH /channels/{channel_id}/…": n}, "refused": {…}} since the start;
                                       requests that a fault refused are not among the refused
    GET    /playground/faults          {name: {…, "struck": n}}
    PUT    /playground/faults/NAME     switches one on: its fields are those of playground.faults.Fault
    DELETE /playground/faults[/NAME]   switches one or all off

    PUT    /playground/outage          the server is unavailable from now on; DELETE: it is there again
    PUT    /playground/bot             invites the bot again after it was kicked or left
    POST   /playground/proxy           {"channel_id", "message_id", "name"}: does to a message what PluralKit does:
                                       deletes it and posts it again under another name by a webhook of its own;
                                       with "delete_first": false it posts before it deletes

A 429 storm on edits, for example: PUT /playground/faults/storm {"kind": "refuse", "method": "PATCH", "times": 20,
"seconds": 0.2}; a socket that drops three events from now: {"kind": "drop", "after": 3}.
It does not know what strikes when: playground.faults does.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playground import seed
from playground.errors import DiscordError
from playground.faults import Fault
from playground.messages import find_message
from playground.models import Channel, Guild, Webhook
from playground.parts import Parts
from playground.rest import webhooks
from playground.rest.edge import Server, answer, nothing

routes = APIRouter(prefix="/playground")

PROXY = "Proxy"
PROXY_APPLICATION = 466378653216014359
"""PluralKit's own application id, which is on everything that it posts."""


class Proxied(BaseModel):
    channel_id: str
    message_id: str
    name: str
    delete_first: bool = True


@routes.get("/limits")
async def limits(parts: Server) -> Response:
    counted = parts.limits
    return answer({"asked": dict(counted.asked), "refused": {name: n for name, n in counted.refused.items() if n}})


@routes.get("/faults")
async def faults(parts: Server) -> Response:
    return answer(parts.faults.told())


@routes.put("/faults/{name}")
async def switch_on(name: str, request: Request, parts: Server) -> Response:
    """A socket's fault without `after` strikes at once, not only with the next event."""
    try:
        parts.faults.switch_on(name, Fault.model_validate_json(await request.body()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        return JSONResponse({"message": f"{where}: {first['msg']}", "code": 0}, 400)
    parts.sessions.wake_all()
    return nothing()


@routes.delete("/faults")
async def switch_all_off(parts: Server) -> Response:
    parts.faults.switch_off()
    return nothing()


@routes.delete("/faults/{name}")
async def switch_off(name: str, parts: Server) -> Response:
    parts.faults.switch_off(name)
    return nothing()


@routes.put("/outage")
async def outage(parts: Server) -> Response:
    parts.broadcast.outage(_guild(parts), begins=True)
    return nothing()


@routes.delete("/outage")
async def outage_ends(parts: Server) -> Response:
    parts.broadcast.outage(_guild(parts), begins=False)
    return nothing()


@routes.put("/bot")
async def invite(parts: Server) -> Response:
    guild = _guild(parts)
    if parts.world.bot.id not in guild.members:
        seed.invite_bot(parts.world, guild)
        parts.broadcast.member_joined(guild, parts.world.bot)
        await parts.world.store.flush()
    return nothing()


@routes.post("/proxy")
async def proxy(wanted: Proxied, parts: Server) -> Response:
    channel = parts.world.channels.get(int(wanted.channel_id))
    if channel is None:
        return JSONResponse({"message": "Unknown Channel", "code": 10003}, 404)
    try:
        message = find_message(parts.world, channel, int(wanted.message_id))
        webhook = _proxy(parts, channel)
    except DiscordError as error:
        return JSONResponse(error.body(), error.status)
    body = {"content": message.content, "username": wanted.name}
    if wanted.delete_first:
        parts.messages.remove(channel, [message])
    parts.messages.post_as(webhook, channel, body, {})
    if not wanted.delete_first:
        parts.messages.remove(channel, [message])
    await parts.world.store.flush()
    return nothing()


def _proxy(parts: Parts, place: Channel) -> Webhook:
    """The proxy's webhook of a channel, or of the channel that a thread is in."""
    channel = place if place.thread is None else parts.world.channels[place.parent_id or 0]
    for one in parts.world.webhooks.values():
        if one.channel_id == channel.id and one.application_id == PROXY_APPLICATION:
            return one
    owner = parts.world.users[_guild(parts).owner_id]
    return webhooks.make(parts, channel, PROXY, owner, PROXY_APPLICATION)


def _guild(parts: Parts) -> Guild:
    return next(iter(parts.world.guilds.values()))
