"""Messages of a channel: read, post, edit, delete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from playground import message_payloads
from playground.errors import invalid_form, missing_permissions, too_old
from playground.forms import Bulk, MessageForm, check
from playground.models import Channel, Message, Payload, User
from playground.parts import Parts
from playground.permissions import Permission
from playground.rest.edge import Caller, Place, Sent, Server, Target, answer, need, nothing, router
from playground.snowflake import moment

routes = router()
BULK = range(2, 101)
BULK_AGE = timedelta(days=14)


def shown(parts: Parts, message: Message, viewer: User) -> Payload:
    return message_payloads.message(parts.world, parts.base_url, message, viewer.id)


@routes.get("/channels/{channel_id}/messages")
async def history(
    channel: Place,
    parts: Server,
    caller: Caller,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Response:
    """A page of history, newest first. Who may see but not read history gets an empty page, as on Discord."""
    if not parts.world.permissions(caller.id, channel) & Permission.READ_MESSAGE_HISTORY:
        return answer([])
    page = parts.world.page(channel.id, limit, before=before, after=after, around=around)
    return answer([shown(parts, one, caller) for one in page])


@routes.post("/channels/{channel_id}/messages")
async def post(channel: Place, parts: Server, caller: Caller, sent: Sent) -> Response:
    check(MessageForm, sent.body)
    message = parts.messages.post(caller, channel, sent.body, sent.uploads)
    body = shown(parts, message, caller)
    if sent.body.get("nonce") is not None:
        body["nonce"] = sent.body["nonce"]
    return answer(body)


@routes.post("/channels/{channel_id}/messages/bulk-delete")
async def bulk_delete(channel: Place, parts: Server, caller: Caller, sent: Sent) -> Response:
    need(parts, caller, channel, Permission.MANAGE_MESSAGES)
    check(Bulk, sent.body)
    wanted = sent.body["messages"]
    if channel.guild_id is None or len(wanted) not in BULK:
        raise invalid_form("messages", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 100 in length.")
    if any(datetime.now(UTC) - moment(int(one)) > BULK_AGE for one in wanted):
        raise too_old()
    found = [parts.world.messages.get(int(one)) for one in wanted]
    parts.messages.remove(channel, [one for one in found if one is not None and one.channel_id == channel.id])
    return nothing()


@routes.get("/channels/{channel_id}/messages/pins")
async def pins(channel: Place, parts: Server, caller: Caller) -> Response:
    items = [
        {"pinned_at": one.pinned_at, "message": shown(parts, one, caller)} for one in parts.world.pinned(channel.id)
    ]
    return answer({"items": items, "has_more": False})


@routes.get("/channels/{channel_id}/messages/{message_id}")
async def message(target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    _may_read(parts, caller, channel)
    return answer(shown(parts, target, caller))


@routes.patch("/channels/{channel_id}/messages/{message_id}")
async def edit(target: Target, parts: Server, caller: Caller, sent: Sent) -> Response:
    check(MessageForm, sent.body)
    parts.messages.edit(caller, target, sent.body, sent.uploads)
    return answer(shown(parts, target, caller))


@routes.delete("/channels/{channel_id}/messages/{message_id}")
async def delete(target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    parts.messages.delete(caller, channel, target)
    return nothing()


def _may_read(parts: Parts, caller: User, channel: Channel) -> None:
    if not parts.world.permissions(caller.id, channel) & Permission.READ_MESSAGE_HISTORY:
        raise missing_permissions()
