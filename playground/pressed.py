"""What a person pressed, chose or filled in, checked against what the bot offered. It does not know routes."""

from __future__ import annotations

from playground import drafts
from playground.errors import DiscordError, invalid_form
from playground.models import Channel, Message, Payload
from playground.resolved import CHANNEL, MENTIONABLE, ROLE, USER, Resolver
from playground.state import World

RESOLVED = {5: USER, 6: ROLE, 7: MENTIONABLE, 8: CHANNEL}
"""Component types of selects → what their values are."""


def component(world: World, source: Message, channel: Channel, data: Payload) -> Payload:
    """The data of INTERACTION_CREATE for a press; the component must be there, be enabled and offer what was chosen."""
    for one in drafts.walk(source.components):
        if one.get("custom_id") == data.get("custom_id") and not one.get("disabled"):
            pressed: Payload = {"custom_id": one["custom_id"], "component_type": one["type"], "id": one["id"]}
            return pressed | _chosen(world, channel, one, data.get("values") or [])
    raise _refused()


def modal(world: World, channel: Channel, data: Payload) -> Payload:
    """The data of INTERACTION_CREATE for a filled-in form, with what its selects name."""
    resolver = Resolver(world, channel)
    for outer in data["components"]:
        for one in [outer.get("component") or {}, *(outer.get("components") or [])]:
            if one.get("type") in RESOLVED:
                _resolve(resolver, one["type"], one.get("values") or [])
    submitted: Payload = {"custom_id": data["custom_id"], "components": data["components"]}
    return submitted | ({"resolved": resolver.found} if resolver.found else {})


def _chosen(world: World, channel: Channel, offered: Payload, values: list[str]) -> Payload:
    kind = offered["type"]
    if kind not in drafts.SELECTS:
        return {}
    if not offered["min_values"] <= len(set(values)) <= offered["max_values"]:
        raise _refused()
    if kind == drafts.STRING_SELECT:
        if not set(values) <= {one["value"] for one in offered.get("options") or []}:
            raise _refused()
        return {"values": values}
    resolver = Resolver(world, channel)
    _resolve(resolver, kind, values)
    kinds = offered.get("channel_types") or []
    if kinds and any(one["type"] not in kinds for one in resolver.found.get("channels", {}).values()):
        raise _refused()
    return {"values": values, "resolved": resolver.found}


def _resolve(resolver: Resolver, kind: int, values: list[str]) -> None:
    for value in values:
        if not value.isdigit():
            raise _refused()
        resolver.add(RESOLVED[kind], int(value))


def _refused() -> DiscordError:
    return invalid_form("data.custom_id", "COMPONENT_VALIDATION_FAILED", "Component validation failed")
