"""Webhooks of channels: made and removed by those who may. What is posted with their tokens is in `tokens`."""

from __future__ import annotations

import secrets

from starlette.responses import Response

from playground import payloads
from playground.errors import missing_permissions, too_many_webhooks, unknown, wrong_channel_type
from playground.forms import WebhookForm, check
from playground.models import Channel, ChannelType, Payload, User, Webhook
from playground.parts import Parts
from playground.permissions import Permission
from playground.rest.edge import Caller, Home, Place, Sent, Server, answer, need, nothing, router

routes = router()
MOST_IN_CHANNEL = 15


def make(parts: Parts, channel: Channel, name: str, maker: User, application_id: int | None) -> Webhook:
    """A new webhook of a text channel; application_id when a program made it for itself."""
    if channel.type != ChannelType.TEXT or channel.guild_id is None:
        raise wrong_channel_type()
    if sum(one.channel_id == channel.id for one in parts.world.webhooks.values()) >= MOST_IN_CHANNEL:
        raise too_many_webhooks(MOST_IN_CHANNEL)
    identity, token = parts.world.snowflakes.next(), secrets.token_urlsafe(48)
    webhook = Webhook(identity, token, name, channel.id, channel.guild_id, maker.id, application_id)
    parts.world.webhooks[webhook.id] = webhook
    parts.world.keep(webhook)
    parts.broadcast.webhooks_changed(channel)
    return webhook


def _shown(parts: Parts, one: Webhook) -> Payload:
    return payloads.webhook(parts.world, parts.base_url, one)


@routes.post("/channels/{channel_id}/webhooks")
async def create(channel: Place, parts: Server, caller: Caller, sent: Sent) -> Response:
    need(parts, caller, channel, Permission.MANAGE_WEBHOOKS)
    check(WebhookForm, sent.body)
    made = make(parts, channel, sent.body["name"], caller, caller.id if caller.bot else None)
    return answer(_shown(parts, made))


@routes.get("/channels/{channel_id}/webhooks")
async def of_channel(channel: Place, parts: Server, caller: Caller) -> Response:
    need(parts, caller, channel, Permission.MANAGE_WEBHOOKS)
    found = [one for one in parts.world.webhooks.values() if one.channel_id == channel.id]
    return answer([_shown(parts, one) for one in found])


@routes.get("/guilds/{guild_id}/webhooks")
async def of_guild(guild: Home, parts: Server, caller: Caller) -> Response:
    if not parts.world.guild_permissions(caller.id, guild) & Permission.MANAGE_WEBHOOKS:
        raise missing_permissions()
    found = [one for one in parts.world.webhooks.values() if one.guild_id == guild.id]
    return answer([_shown(parts, one) for one in found])


@routes.get("/webhooks/{webhook_id}")
async def webhook(webhook_id: int, parts: Server, caller: Caller) -> Response:
    return answer(_shown(parts, _own(parts, webhook_id, caller)))


@routes.delete("/webhooks/{webhook_id}")
async def delete(webhook_id: int, parts: Server, caller: Caller) -> Response:
    gone = _own(parts, webhook_id, caller)
    del parts.world.webhooks[gone.id]
    parts.world.store.remove("webhook", gone.id)
    parts.broadcast.webhooks_changed(parts.world.channels[gone.channel_id])
    return nothing()


def _own(parts: Parts, webhook_id: int, caller: User) -> Webhook:
    found = parts.world.webhooks.get(webhook_id)
    if found is None:
        raise unknown("webhook")
    need(parts, caller, parts.world.channels[found.channel_id], Permission.MANAGE_WEBHOOKS)
    return found
