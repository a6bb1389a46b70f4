"""Threads: made from a message or on their own, and who is in them."""

from __future__ import annotations

from starlette.responses import Response

from playground import payloads
from playground.errors import already_has_thread, missing_permissions, required, too_long, unknown, wrong_channel_type
from playground.forms import ThreadForm, check
from playground.message_payloads import reference_to
from playground.models import Channel, ChannelType, MessageFlags, MessageType, Payload, ThreadInfo, User
from playground.parts import Parts
from playground.permissions import Permission
from playground.rest.edge import Caller, Place, Sent, Server, Target, answer, need, nothing, router
from playground.snowflake import now

routes = router()
NAME_LIMIT = 100


@routes.post("/channels/{channel_id}/messages/{message_id}/threads")
async def from_message(target: Target, channel: Place, parts: Server, caller: Caller, sent: Sent) -> Response:
    """The thread takes the message's id, and the message shows it from then on."""
    need(parts, caller, channel, Permission.CREATE_PUBLIC_THREADS)
    if target.thread_id is not None:
        raise already_has_thread()
    made = _thread(parts, caller, channel, target.id, ChannelType.PUBLIC_THREAD, sent.body)
    target.thread_id = made.id
    target.flags |= int(MessageFlags.HAS_THREAD)
    parts.world.keep(target)
    parts.broadcast.thread_created(made)
    parts.broadcast.message_updated(target)
    parts.messages.system(MessageType.THREAD_STARTER, caller, made, "", reference_to(target, channel))
    return answer(payloads.channel(parts.world, made, caller.id), 201)


@routes.post("/channels/{channel_id}/threads")
async def on_its_own(channel: Place, parts: Server, caller: Caller, sent: Sent) -> Response:
    """Private unless the type says public, as on Discord; a public one is announced in its channel."""
    public = sent.body.get("type") == ChannelType.PUBLIC_THREAD
    needed = Permission.CREATE_PUBLIC_THREADS if public else Permission.CREATE_PRIVATE_THREADS
    need(parts, caller, channel, needed)
    kind = ChannelType.PUBLIC_THREAD if public else ChannelType.PRIVATE_THREAD
    made = _thread(parts, caller, channel, parts.world.snowflakes.next(), kind, sent.body)
    parts.broadcast.thread_created(made)
    if public:
        reference: Payload = {"type": 0, "channel_id": str(made.id), "guild_id": str(made.guild_id)}
        parts.messages.system(MessageType.THREAD_CREATED, caller, channel, made.name, reference)
    return answer(payloads.channel(parts.world, made, caller.id), 201)


def _thread(parts: Parts, caller: User, parent: Channel, identity: int, kind: ChannelType, body: Payload) -> Channel:
    if parent.type != ChannelType.TEXT:
        raise wrong_channel_type()
    check(ThreadForm, body)
    name: str = body["name"]
    if not name.strip():
        raise required("name")
    if len(name) > NAME_LIMIT:
        raise too_long("name", NAME_LIMIT)
    made = now()
    info = ThreadInfo(caller.id, created_at=made, archived_at=made, members={caller.id: made})
    info.auto_archive_minutes = body.get("auto_archive_duration") or info.auto_archive_minutes
    thread = Channel(identity, kind, name.strip(), parent.guild_id, parent.id, thread=info)
    return parts.world.add_channel(thread)


@routes.get("/channels/{channel_id}/threads/archived/public")
async def archived(channel: Place, parts: Server, caller: Caller) -> Response:
    return _archived(parts, caller, channel, ChannelType.PUBLIC_THREAD)


@routes.get("/channels/{channel_id}/threads/archived/private")
async def archived_private(channel: Place, parts: Server, caller: Caller) -> Response:
    need(parts, caller, channel, Permission.MANAGE_THREADS)
    return _archived(parts, caller, channel, ChannelType.PRIVATE_THREAD)


@routes.get("/channels/{channel_id}/users/@me/threads/archived/private")
async def archived_joined(channel: Place, parts: Server, caller: Caller) -> Response:
    """Only those that the caller is in."""
    return _archived(parts, caller, channel, ChannelType.PRIVATE_THREAD, joined=True)


def _archived(parts: Parts, caller: User, channel: Channel, kind: ChannelType, *, joined: bool = False) -> Response:
    if channel.guild_id is None:
        raise wrong_channel_type()
    threads = parts.world.guild_threads(channel.guild_id, archived=True)
    here = [one for one in threads if one.parent_id == channel.id and one.type == kind]
    mine = [one for one in here if caller.id in _info(one).members]
    here = mine if joined else here
    return answer(
        {
            "threads": [payloads.channel(parts.world, one, caller.id) for one in here],
            "members": [payloads.thread_member(one, caller.id) for one in mine],
            "has_more": False,
        }
    )


def _info(channel: Channel) -> ThreadInfo:
    if channel.thread is None:
        raise wrong_channel_type()
    return channel.thread


@routes.get("/channels/{channel_id}/thread-members")
async def members(channel: Place) -> Response:
    return answer([payloads.thread_member(channel, one) for one in _info(channel).members])


@routes.put("/channels/{channel_id}/thread-members/@me")
async def join(channel: Place, parts: Server, caller: Caller) -> Response:
    return _add(parts, channel, caller.id)


@routes.delete("/channels/{channel_id}/thread-members/@me")
async def leave(channel: Place, parts: Server, caller: Caller) -> Response:
    return _remove(parts, channel, caller.id)


@routes.get("/channels/{channel_id}/thread-members/{user_id}")
async def member(user_id: int, channel: Place) -> Response:
    if user_id not in _info(channel).members:
        raise unknown("member")
    return answer(payloads.thread_member(channel, user_id))


@routes.put("/channels/{channel_id}/thread-members/{user_id}")
async def add(user_id: int, channel: Place, parts: Server, caller: Caller) -> Response:
    if parts.world.member(channel.guild_id, user_id) is None:
        raise unknown("member")
    need(parts, caller, channel, Permission.SEND_MESSAGES_IN_THREADS)
    return _add(parts, channel, user_id)


@routes.delete("/channels/{channel_id}/thread-members/{user_id}")
async def remove(user_id: int, channel: Place, parts: Server, caller: Caller) -> Response:
    moderates = parts.world.permissions(caller.id, channel) & Permission.MANAGE_THREADS
    if not moderates and _info(channel).owner_id != caller.id:
        raise missing_permissions()
    return _remove(parts, channel, user_id)


def _add(parts: Parts, channel: Channel, user_id: int) -> Response:
    info = _info(channel)
    if user_id not in info.members:
        info.members[user_id] = now()
        parts.world.keep(channel)
        if channel.type == ChannelType.PRIVATE_THREAD:
            parts.broadcast.thread_shown_to(channel, user_id)
        parts.broadcast.thread_members(channel, added=user_id)
    return nothing()


def _remove(parts: Parts, channel: Channel, user_id: int) -> Response:
    if _info(channel).members.pop(user_id, None) is not None:
        parts.world.keep(channel)
        parts.broadcast.thread_members(channel, removed=user_id)
    return nothing()
