"""Discord's JSON shape of messages. Pure builders: `viewer` decides only whose reactions count as "me"."""

from __future__ import annotations

from urllib.parse import quote

from playground import payloads, polls
from playground.models import Attachment, Channel, Message, MessageType, Payload, Reaction, ReferenceType
from playground.state import World

POINTS_BACK = (MessageType.REPLY, MessageType.THREAD_STARTER)
"""The types whose referenced message travels with them."""


def message(world: World, base_url: str, one: Message, viewer_id: int) -> Payload:
    """A message as REST gives it."""
    body = _basic(world, base_url, one)
    if one.poll is not None:
        body["poll"] = polls.shown(one.poll, viewer_id)
    if one.reactions:
        body["reactions"] = [_reaction(each, viewer_id) for each in one.reactions]
    if one.thread_id is not None and one.thread_id in world.channels:
        body["thread"] = payloads.channel(world, world.channels[one.thread_id], viewer_id)
    if one.reference is not None and one.type in POINTS_BACK:
        target = world.messages.get(int(one.reference["message_id"]))
        seen = target is not None and (target.only_for is None or viewer_id in (target.only_for, target.author_id))
        body["referenced_message"] = _basic(world, base_url, target) if target is not None and seen else None
    return body


def event(world: World, base_url: str, one: Message, viewer_id: int) -> Payload:
    """A message as the gateway gives it: with the server, the author's membership and that of the mentioned."""
    body = message(world, base_url, one, viewer_id)
    channel = world.channels[one.channel_id]
    body["channel_type"] = channel.type
    if channel.guild_id is None:
        return body
    body["guild_id"] = str(channel.guild_id)
    author = world.member(channel.guild_id, one.author_id)
    if author is not None:
        body["member"] = payloads.partial_member(author)
    for mentioned in body["mentions"]:
        membership = world.member(channel.guild_id, int(mentioned["id"]))
        if membership is not None:
            mentioned["member"] = payloads.partial_member(membership)
    return body


def emoji(reaction: Reaction) -> Payload:
    return {"id": None if reaction.emoji_id is None else str(reaction.emoji_id), "name": reaction.name}


def reference_to(target: Message, channel: Channel, kind: ReferenceType = ReferenceType.REPLY) -> Payload:
    body: Payload = {"type": int(kind), "message_id": str(target.id), "channel_id": str(target.channel_id)}
    if channel.guild_id is not None:
        body["guild_id"] = str(channel.guild_id)
    return body


def attachment(base_url: str, channel_id: int, one: Attachment) -> Payload:
    url = f"{base_url}/cdn/attachments/{channel_id}/{one.id}/{quote(one.filename)}"
    body: Payload = {
        "id": str(one.id),
        "filename": one.filename,
        "size": one.size,
        "url": url,
        "proxy_url": url,
        "content_type": one.content_type,
    }
    if one.description is not None:
        body["description"] = one.description
    if one.width is not None and one.height is not None:
        body |= {"width": one.width, "height": one.height}
    return body


def _basic(world: World, base_url: str, one: Message) -> Payload:
    body: Payload = {
        **_content(world, base_url, one),
        "id": str(one.id),
        "channel_id": str(one.channel_id),
        "author": _author(world, one),
        "mention_everyone": one.mention_everyone,
        "pinned": one.pinned_at is not None,
        "tts": False,
    }
    if one.snapshot is not None:
        body["message_snapshots"] = [{"message": _content(world, base_url, one.snapshot)}]
    if one.webhook is not None:
        body["webhook_id"] = str(one.author_id)
        if one.webhook["application_id"] is not None:
            body["application_id"] = str(one.webhook["application_id"])
    if one.reference is not None:
        body["message_reference"] = one.reference
    if one.interaction is not None:
        body |= _answering(world, one.interaction)
    return body


def _content(world: World, base_url: str, one: Message) -> Payload:
    """What a forwarded message keeps of the one that it forwards."""
    body: Payload = {
        "type": one.type,
        "content": one.content,
        "timestamp": one.created_at,
        "edited_timestamp": one.edited_at,
        "flags": one.flags,
        "mentions": [payloads.user(world.users[each]) for each in one.mentions],
        "mention_roles": [str(each) for each in one.mention_roles],
        "attachments": [attachment(base_url, one.channel_id, each) for each in one.attachments],
        "embeds": one.embeds,
        "components": one.components,
    }
    if one.stickers:
        body["sticker_items"] = [payloads.sticker_item(each) for each in one.stickers]
    return body


def _author(world: World, one: Message) -> Payload:
    """A webhook's message stands under the name that it was posted with."""
    if one.webhook is None:
        return payloads.user(world.users[one.author_id])
    return payloads.webhook_user(one.author_id, one.webhook["name"], one.webhook.get("avatar"))


def _answering(world: World, interaction: Payload) -> Payload:
    """The fields that tell which interaction a message answers; `interaction` is stored with ids only."""
    person = payloads.user(world.users[interaction["user_id"]])
    metadata: Payload = {
        "id": str(interaction["id"]),
        "type": interaction["type"],
        "user": person,
        "authorizing_integration_owners": interaction["owners"],
    }
    if interaction.get("original") is not None:
        metadata["original_response_message_id"] = str(interaction["original"])
    if interaction.get("source") is not None:
        metadata["interacted_message_id"] = str(interaction["source"])
    if interaction.get("target") is not None:
        metadata["target_message_id"] = str(interaction["target"])
    if interaction.get("triggered_by") is not None:
        metadata["triggering_interaction_metadata"] = _answering(world, interaction["triggered_by"])[
            "interaction_metadata"
        ]
    body: Payload = {
        "interaction_metadata": metadata,
        "application_id": str(world.bot.id),
        "webhook_id": str(world.bot.id),
    }
    if interaction["type"] == 2:
        body["interaction"] = {"id": metadata["id"], "type": 2, "name": interaction["name"], "user": person}
    return body


def _reaction(one: Reaction, viewer_id: int) -> Payload:
    return {
        "emoji": emoji(one),
        "count": len(one.user_ids),
        "count_details": {"burst": 0, "normal": len(one.user_ids)},
        "burst_colors": [],
        "me_burst": False,
        "me": viewer_id in one.user_ids,
    }
