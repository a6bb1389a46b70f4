"""Reactions to messages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Query
from starlette.responses import Response

from playground import payloads
from playground.errors import unknown
from playground.models import Message, Reaction, User
from playground.parts import Parts
from playground.permissions import Permission
from playground.rest.edge import Caller, Place, Server, Target, answer, need, nothing, router

routes = router()
REACTIONS = "/channels/{channel_id}/messages/{message_id}/reactions"


def _emoji(written: str) -> tuple[str, int | None]:
    """Unicode emoji stand for themselves, custom ones are written name:id."""
    name, _, identity = unquote(written).partition(":")
    custom = identity.isdigit()
    plain_word = not identity and name.isascii() and name.isalnum()
    if not name or plain_word or (identity and not custom):
        raise unknown("emoji")
    return name, int(identity) if custom else None


def _find(message: Message, written: str) -> Reaction:
    name, identity = _emoji(written)
    for one in message.reactions:
        if one.name == name and one.emoji_id == identity:
            return one
    return Reaction(name, identity)


@routes.put(REACTIONS + "/{emoji}/@me")
async def react(emoji: str, target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    """Adding to an emoji that is there needs only reading history; a new one needs Add Reactions."""
    reaction = _find(target, emoji)
    need(parts, caller, channel, Permission.READ_MESSAGE_HISTORY)
    if not reaction.user_ids:
        need(parts, caller, channel, Permission.ADD_REACTIONS)
        target.reactions.append(reaction)
    if caller.id not in reaction.user_ids:
        reaction.user_ids.append(caller.id)
        parts.world.keep(target)
        parts.broadcast.reaction_added(channel, target, reaction, caller)
    return nothing()


def _take_back(parts: Parts, target: Message, reaction: Reaction, user: User) -> None:
    if user.id not in reaction.user_ids:
        return
    reaction.user_ids.remove(user.id)
    if not reaction.user_ids:
        target.reactions.remove(reaction)
    parts.world.keep(target)
    parts.broadcast.reaction_removed(parts.world.channels[target.channel_id], target, reaction, user)


@routes.delete(REACTIONS + "/{emoji}/@me")
async def take_back(emoji: str, target: Target, parts: Server, caller: Caller) -> Response:
    _take_back(parts, target, _find(target, emoji), caller)
    return nothing()


@routes.delete(REACTIONS + "/{emoji}/{user_id}")
async def remove(emoji: str, user_id: int, target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    need(parts, caller, channel, Permission.MANAGE_MESSAGES)
    user = parts.world.users.get(user_id)
    if user is None:
        raise unknown("user")
    _take_back(parts, target, _find(target, emoji), user)
    return nothing()


@routes.get(REACTIONS + "/{emoji}")
async def who(
    emoji: str,
    target: Target,
    parts: Server,
    caller: Caller,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> Response:
    users = [one for one in sorted(_find(target, emoji).user_ids) if one > after]
    return answer([payloads.user(parts.world.users[one]) for one in users[:limit]])


@routes.delete(REACTIONS)
async def clear(target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    need(parts, caller, channel, Permission.MANAGE_MESSAGES)
    target.reactions.clear()
    parts.world.keep(target)
    parts.broadcast.reactions_cleared(channel, target, None)
    return nothing()


@routes.delete(REACTIONS + "/{emoji}")
async def clear_one(emoji: str, target: Target, channel: Place, parts: Server, caller: Caller) -> Response:
    need(parts, caller, channel, Permission.MANAGE_MESSAGES)
    reaction = _find(target, emoji)
    if reaction in target.reactions:
        target.reactions.remove(reaction)
        parts.world.keep(target)
        parts.broadcast.reactions_cleared(channel, target, reaction)
    return nothing()
