"""Who may post what where, and what a message that answers or forwards another points to. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from playground.drafts import Upload
from playground.errors import (
    archived_thread,
    cannot_message_user,
    invalid_form,
    invalid_sticker,
    missing_access,
    missing_permissions,
)
from playground.models import Channel, Message, Payload, ReferenceType, Sticker, User
from playground.permissions import Permission
from playground.state import World

STICKERS_LIMIT = 3


def refuse(world: World, author: User, channel: Channel, body: Payload, files: Mapping[int, Upload]) -> None:
    granted = world.permissions(author.id, channel)
    if not granted & Permission.VIEW_CHANNEL:
        raise missing_access()
    thread = channel.thread
    needed = Permission.SEND_MESSAGES if thread is None else Permission.SEND_MESSAGES_IN_THREADS
    if not granted & needed:
        raise missing_permissions()
    wanted = {Permission.ATTACH_FILES: files, Permission.EMBED_LINKS: body.get("embeds")}
    wanted[Permission.SEND_POLLS] = body.get("poll") if channel.guild_id is not None else None
    if any(given and not granted & permission for permission, given in wanted.items()):
        raise missing_permissions()
    if thread is not None and thread.locked and not granted & Permission.MANAGE_THREADS:
        raise archived_thread()
    if channel.guild_id is None:
        _may_write_to(world, author, channel)


def _may_write_to(world: World, author: User, channel: Channel) -> None:
    """Direct messages need a server in common, and a person who takes them."""
    for other in channel.recipients:
        if other == author.id:
            continue
        shared = any(author.id in guild.members and other in guild.members for guild in world.guilds.values())
        if not shared or world.users[other].closed_to_strangers:
            raise cannot_message_user()


def replied_to(world: World, author: User, channel: Channel, body: Payload) -> Message | None:
    reference = body.get("message_reference")
    if not reference or not reference.get("message_id") or reference.get("type") == ReferenceType.FORWARD:
        return None
    if not world.permissions(author.id, channel) & Permission.READ_MESSAGE_HISTORY:
        raise missing_permissions()
    target = world.messages.get(int(reference["message_id"]))
    if target is not None and target.channel_id == channel.id and target.only_for is None:
        return target
    if reference.get("fail_if_not_exists", True):
        raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


def forwarded(world: World, author: User, body: Payload) -> Message | None:
    """What a forwarded message said at this moment; its writer must be able to read it."""
    reference = body.get("message_reference")
    if not reference or reference.get("type") != ReferenceType.FORWARD:
        return None
    source = world.messages.get(int(reference.get("message_id") or 0))
    if source is None or source.only_for is not None:
        raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    granted = world.permissions(author.id, world.channels[source.channel_id])
    if not granted & Permission.READ_MESSAGE_HISTORY:
        raise missing_access()
    told = source.snapshot or source
    return replace(told, attachments=list(told.attachments), embeds=list(told.embeds), reactions=[], poll=None)


def stickers(world: World, body: Payload) -> list[Sticker]:
    wanted = [int(one) for one in body.get("sticker_ids") or []]
    known = {one.id: one for guild in world.guilds.values() for one in guild.stickers}
    if len(wanted) > STICKERS_LIMIT or any(one not in known for one in wanted):
        raise invalid_sticker()
    return [known[one] for one in wanted]
