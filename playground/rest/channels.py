"""A channel itself: what it is, typing in it, and its pins."""

from __future__ import annotations

from starlette.responses import Response

from playground import payloads
from playground.errors import missing_permissions, needed_channel, wrong_channel_type
from playground.forms import ChannelForm, check
from playground.message_payloads import reference_to
from playground.models import Channel, MessageType, Payload, User
from playground.parts import Parts
from playground.permissions import Permission
from playground.rest.edge import Caller, Place, Sent, Server, Target, answer, need, nothing, router
from playground.rest.messages import shown
from playground.snowflake import now

routes = router()


@routes.get("/channels/{channel_id}")
async def channel(channel: Place, parts: Server, caller: Caller) -> Response:
    return answer(payloads.channel(parts.world, channel, caller.id))


@routes.patch("/channels/{channel_id}")
async def edit(channel: Place, parts: Server, caller: Caller, sent: Sent) -> Response:
    """Name and topic of a channel; name, archived and locked of a thread."""
    check(ChannelForm, sent.body)
    if channel.guild_id is None:
        raise wrong_channel_type()
    if channel.thread is None:
        need(parts, caller, channel, Permission.MANAGE_CHANNELS)
        channel.topic = sent.body.get("topic", channel.topic)
    else:
        _edit_thread(parts, caller, channel, sent.body)
    channel.name = sent.body.get("name") or channel.name
    parts.world.keep(channel)
    parts.broadcast.channel_event("CHANNEL_UPDATE" if channel.thread is None else "THREAD_UPDATE", channel)
    return answer(payloads.channel(parts.world, channel, caller.id))


@routes.delete("/channels/{channel_id}")
async def delete(channel: Place, parts: Server, caller: Caller) -> Response:
    """Deletes a channel or thread with all that is in it; a conversation is only closed."""
    body = payloads.channel(parts.world, channel, caller.id)
    if channel.thread is not None:
        need(parts, caller, channel, Permission.MANAGE_THREADS)
        parts.broadcast.channel_event("THREAD_DELETE", channel)
        parts.world.remove_channel(channel)
    elif channel.guild_id is not None:
        need(parts, caller, channel, Permission.MANAGE_CHANNELS)
        if parts.world.guild_channels(channel.guild_id)[0].id == channel.id:
            raise needed_channel()
        parts.broadcast.channel_event("CHANNEL_DELETE", channel)
        parts.world.remove_channel(channel)
    return answer(body)


def _edit_thread(parts: Parts, caller: User, channel: Channel, body: Payload) -> None:
    thread = channel.thread
    if thread is None:
        return
    moderates = parts.world.permissions(caller.id, channel) & Permission.MANAGE_THREADS
    if not moderates and (caller.id != thread.owner_id or "locked" in body):
        raise missing_permissions()
    if body.get("archived") is not None:
        thread.archived = body["archived"]
        thread.archived_at = now()
    if body.get("locked") is not None:
        thread.locked = body["locked"]


@routes.post("/channels/{channel_id}/typing")
async def typing(channel: Place, parts: Server, caller: Caller) -> Response:
    needed = Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS
    need(parts, caller, channel, needed)
    parts.broadcast.typing(channel, caller)
    return nothing()


@routes.get("/channels/{channel_id}/pins")
async def pins(channel: Place, parts: Server, caller: Caller) -> Response:
    return answer([shown(parts, one, caller) for one in parts.world.pinned(channel.id)])


@routes.put("/channels/{channel_id}/pins/{message_id}")
@routes.put("/channels/{channel_id}/messages/pins/{message_id}")
async def pin(target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    _may_pin(parts, caller, channel)
    if target.pinned_at is None:
        channel.last_pin_at = target.pinned_at = now()
        _pins_changed(parts, channel)
        parts.world.keep(target)
        parts.broadcast.message_updated(target)
        parts.messages.system(MessageType.PINNED, caller, channel, "", reference_to(target, channel))
    return nothing()


@routes.delete("/channels/{channel_id}/pins/{message_id}")
@routes.delete("/channels/{channel_id}/messages/pins/{message_id}")
async def unpin(target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    _may_pin(parts, caller, channel)
    if target.pinned_at is not None:
        target.pinned_at = None
        _pins_changed(parts, channel)
        parts.world.keep(target)
        parts.broadcast.message_updated(target)
    return nothing()


def _pins_changed(parts: Parts, channel: Channel) -> None:
    parts.world.keep(channel)
    parts.broadcast.pins_updated(channel)


def _may_pin(parts: Parts, caller: User, channel: Channel) -> None:
    need(parts, caller, channel, Permission.PIN_MESSAGES | Permission.MANAGE_MESSAGES)
