"""Discord's JSON shapes of interactions: for the application, for the person's client, and on the answering message."""

from __future__ import annotations

from playground import message_payloads, payloads
from playground.models import Interaction, InteractionKind, Payload
from playground.state import World

ATTACHMENT_LIMIT_BYTES = 10 * 1024 * 1024
CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
LOCALES = frozenset(
    [
        "id",
        "da",
        "de",
        "en-GB",
        "en-US",
        "es-ES",
        "es-419",
        "fr",
        "hr",
        "it",
        "lt",
        "hu",
        "nl",
        "no",
        "pl",
        "pt-BR",
        "ro",
        "fi",
        "sv-SE",
        "vi",
        "tr",
        "cs",
        "el",
        "bg",
        "ru",
        "uk",
        "hi",
        "th",
        "zh-CN",
        "ja",
        "zh-TW",
        "ko",
    ]
)
"""The languages that Discord's clients have."""


def created(world: World, base_url: str, one: Interaction) -> Payload:
    """INTERACTION_CREATE as the application gets it."""
    channel, person, app = one.channel, one.person, world.bot
    body: Payload = {
        "id": str(one.id),
        "application_id": str(app.id),
        "type": one.kind,
        "token": one.token,
        "version": 1,
        "data": one.data,
        "channel_id": str(channel.id),
        "channel": payloads.interaction_channel(world, channel, person.id, app.id),
        "app_permissions": str(world.permissions(app.id, channel)),
        "locale": one.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "attachment_size_limit": ATTACHMENT_LIMIT_BYTES,
        "authorizing_integration_owners": _owners(one),
        "context": 0 if channel.guild_id is not None else 1,
    }
    if one.source is not None:
        body["message"] = message_payloads.message(world, base_url, one.source, app.id)
    membership = world.member(channel.guild_id, person.id)
    if channel.guild_id is None or membership is None:
        return {**body, "user": payloads.user(person)}
    guild_id = str(channel.guild_id)
    body |= {"guild_id": guild_id, "guild_locale": "en-US"}
    body["guild"] = {"id": guild_id, "locale": "en-US", "features": []}
    granted = str(world.permissions(person.id, channel))
    body["member"] = {**payloads.member(person, membership), "permissions": granted}
    return body


def slip(one: Interaction) -> Payload:
    """What a person's client is told about its own interaction."""
    return {"id": str(one.id), "nonce": one.nonce}


def metadata(one: Interaction, original: int | None) -> Payload:
    """What the answering message remembers of its interaction; stored with it, so ids only."""
    body: Payload = {
        "id": one.id,
        "type": one.kind,
        "user_id": one.person.id,
        "owners": _owners(one),
        "original": original,
    }
    if one.kind == InteractionKind.COMMAND:
        body["name"] = full_name(one.data)
        body["target"] = one.data.get("target_id") if one.data.get("type") == MESSAGE_MENU else None
    elif one.kind == InteractionKind.COMPONENT and one.source is not None:
        body["source"] = one.source.id
    elif one.opened_by is not None:
        body["triggered_by"] = metadata(one.opened_by, None)
    return body


def full_name(data: Payload) -> str:
    """Of the command that was used, with its group and its subcommand: "privacy show"."""
    words, options = [data["name"]], data.get("options") or []
    while options and options[0].get("type") in (SUBCOMMAND, GROUP):
        words.append(options[0]["name"])
        options = options[0].get("options") or []
    return " ".join(words)


def _owners(one: Interaction) -> Payload:
    return {"0": str(one.channel.guild_id or 0)}
