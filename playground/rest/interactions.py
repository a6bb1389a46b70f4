"""Interactions: people create them, the application answers them. Its follow-ups are in `tokens`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header
from starlette.responses import Response

from playground import commands, pressed
from playground.errors import invalid_form, missing_access, unknown
from playground.forms import (
    CallbackForm,
    Choices,
    CommandData,
    ComponentData,
    Form,
    InteractionForm,
    MessageForm,
    Modal,
    ModalData,
    check,
)
from playground.interaction_payloads import LOCALES
from playground.interactions import Callback
from playground.models import Channel, Interaction, InteractionKind, Message, MessageFlags, Payload, User
from playground.parts import Parts
from playground.rest.edge import Caller, Sent, Server, answer, nothing, router
from playground.rest.messages import shown

routes = router()
DATA: dict[int, type[Form]] = {
    InteractionKind.COMMAND: CommandData,
    InteractionKind.AUTOCOMPLETE: CommandData,
    InteractionKind.COMPONENT: ComponentData,
    InteractionKind.MODAL_SUBMIT: ModalData,
}
ANSWER: dict[int, type[Form]] = {
    Callback.MESSAGE: MessageForm,
    Callback.DEFERRED_MESSAGE: MessageForm,
    Callback.UPDATE: MessageForm,
    Callback.AUTOCOMPLETE: Choices,
    Callback.MODAL: Modal,
}


@routes.post("/interactions")
async def create(
    parts: Server, caller: Caller, sent: Sent, x_discord_locale: Annotated[str, Header()] = "en-US"
) -> Response:
    """A person uses a command, presses a component, types in an option, or submits a modal."""
    body = sent.body
    check(InteractionForm, body)
    channel = parts.world.channels.get(int(body["channel_id"]))
    if channel is None:
        raise unknown("channel")
    if caller.bot or not parts.world.can_see(caller.id, channel):
        raise missing_access()
    kind, data = body["type"], body["data"]
    locale = x_discord_locale if x_discord_locale in LOCALES else "en-US"
    if kind not in DATA:
        raise invalid_form("type", "BASE_TYPE_CHOICES", "Value must be one of {2, 3, 4, 5}.")
    check(DATA[kind], data, "data")
    if kind in (InteractionKind.COMMAND, InteractionKind.AUTOCOMPLETE):
        files = parts.messages.attach(data, sent.uploads)
        data = commands.invoked(parts.world, caller, channel, data, parts.base_url, files)
        parts.interactions.create(kind, caller, channel, data, body.get("nonce"), locale=locale)
    elif kind == InteractionKind.COMPONENT:
        source = _source(parts, caller, channel, body)
        data = pressed.component(parts.world, source, channel, data)
        parts.interactions.create(kind, caller, channel, data, body.get("nonce"), locale=locale, source=source)
    else:
        _submit(parts, caller, channel, body, data, locale)
    return nothing()


def _source(parts: Parts, caller: User, channel: Channel, body: Payload) -> Message:
    message = parts.world.messages.get(int(body.get("message_id") or 0))
    if message is None or message.channel_id != channel.id or message.only_for not in (None, caller.id):
        raise unknown("message")
    return message


def _submit(parts: Parts, caller: User, channel: Channel, body: Payload, data: Payload, locale: str) -> None:
    custom_id: str = data["custom_id"]
    opener = parts.interactions.opened_modal(caller, int(data["id"]), custom_id)
    submitted = pressed.modal(parts.world, channel, data)
    parts.interactions.create(
        InteractionKind.MODAL_SUBMIT,
        caller,
        channel,
        submitted,
        body.get("nonce"),
        locale=locale,
        source=opener.source,
        opened_by=opener,
    )
    opener.modal = None


@routes.post("/interactions/{interaction_id}/{token}/callback")
async def callback(interaction_id: int, token: str, parts: Server, sent: Sent, with_response: bool = False) -> Response:
    check(CallbackForm, sent.body)
    if sent.body["type"] in ANSWER:
        check(ANSWER[sent.body["type"]], sent.body.get("data") or {}, "data")
    one, kind, message = parts.interactions.acknowledge(interaction_id, token, sent.body, sent.uploads)
    if not with_response:
        return nothing()
    return answer(_callback_response(parts, one, kind, message))


def _callback_response(parts: Parts, one: Interaction, kind: Callback, message: Message | None) -> Payload:
    told: Payload = {"id": str(one.id), "type": one.kind, "channel_id": str(one.channel.id)}
    if one.channel.guild_id is not None:
        told["guild_id"] = str(one.channel.guild_id)
    if message is None:
        return {"interaction": told}
    told |= {
        "response_message_id": str(message.id),
        "response_message_loading": bool(message.flags & MessageFlags.LOADING),
        "response_message_ephemeral": message.only_for is not None,
    }
    body: Payload = {"interaction": told}
    if kind in (Callback.MESSAGE, Callback.UPDATE):
        body["resource"] = {"type": int(kind), "message": shown(parts, message, parts.world.bot)}
    return body
