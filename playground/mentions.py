"""Who a text mentions, as far as the writer and allowed_mentions let it. Pure but for looking at the world."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playground.errors import invalid_form
from playground.models import Channel, Message, Payload
from playground.permissions import Permission
from playground.state import World

USER = re.compile(r"<@!?(\d{1,20})>")
ROLE = re.compile(r"<@&(\d{1,20})>")
EVERYONE = re.compile(r"@(everyone|here)\b")
KINDS = ("users", "roles", "everyone")


@dataclass(slots=True)
class Mentions:
    users: list[int] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """What allowed_mentions permits; None for a list means: all of that kind."""

    users: frozenset[int] | None
    roles: frozenset[int] | None
    everyone: bool
    replied_user: bool


def allowed(body: Payload | None) -> Allowed:
    """Reads allowed_mentions; without it everything is parsed and a reply pings. Contradictions are a form error."""
    if body is None:
        return Allowed(None, None, everyone=True, replied_user=True)
    kinds = body.get("parse")
    kinds = [] if kinds is None else kinds
    if any(kind not in KINDS for kind in kinds):
        raise invalid_form("allowed_mentions.parse", "BASE_TYPE_CHOICES", f"Value must be one of {set(KINDS)}.")
    return Allowed(
        users=_listed(body, "users", kinds),
        roles=_listed(body, "roles", kinds),
        everyone="everyone" in kinds,
        replied_user=bool(body.get("replied_user", False)),
    )


def find(
    world: World, channel: Channel, author_id: int, content: str, may: Allowed, replied_to: Message | None
) -> Mentions:
    """Whom the message mentions, in the order of the text; the author of the answered message last."""
    found = Mentions()
    pings_all = bool(world.permissions(author_id, channel) & Permission.MENTION_EVERYONE)
    for user_id in map(int, USER.findall(content)):
        permitted = may.users is None or user_id in may.users
        if permitted and user_id not in found.users and _is_there(world, channel, user_id):
            found.users.append(user_id)
    pings_author = replied_to is not None and may.replied_user and replied_to.author_id in world.users
    if replied_to is not None and pings_author and replied_to.author_id not in found.users:
        found.users.append(replied_to.author_id)
    if channel.guild_id is None:
        return found
    roles = world.guilds[channel.guild_id].roles
    for role_id in map(int, ROLE.findall(content)):
        role = roles.get(role_id)
        permitted = may.roles is None or role_id in may.roles
        if role is not None and permitted and (role.mentionable or pings_all) and role_id not in found.roles:
            found.roles.append(role_id)
    found.everyone = may.everyone and pings_all and EVERYONE.search(content) is not None
    return found


def _listed(body: Payload, kind: str, parsed: list[str]) -> frozenset[int] | None:
    listed = body.get(kind) or []
    if kind in parsed and listed:
        message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
        raise invalid_form("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
    return None if kind in parsed else frozenset(int(one) for one in listed)


def _is_there(world: World, channel: Channel, user_id: int) -> bool:
    if channel.guild_id is None:
        return user_id in channel.recipients
    return world.member(channel.guild_id, user_id) is not None
