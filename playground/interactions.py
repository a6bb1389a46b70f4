"""The life of an interaction: a person acts, the application answers within 3 s, follow-ups come for 15 minutes.

It does not know HTTP. Ephemeral answers live only in memory, as they do on Discord's side of a reload.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from enum import IntEnum

from playground import message_payloads
from playground.broadcast import Broadcast
from playground.drafts import Upload
from playground.errors import already_acknowledged, invalid_form, invalid_webhook_token, unknown
from playground.interaction_payloads import created, metadata, slip
from playground.messages import Messages
from playground.models import (
    Channel,
    Interaction,
    InteractionKind,
    Message,
    MessageFlags,
    MessageType,
    Payload,
    User,
)
from playground.snowflake import now
from playground.state import World

NO_ANSWER = "The application did not respond"


class Callback(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


ANSWERS: dict[int, set[Callback]] = {
    InteractionKind.COMMAND: {Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL},
    InteractionKind.COMPONENT: set(Callback) - {Callback.AUTOCOMPLETE},
    InteractionKind.AUTOCOMPLETE: {Callback.AUTOCOMPLETE},
    InteractionKind.MODAL_SUBMIT: set(Callback) - {Callback.AUTOCOMPLETE, Callback.MODAL},
}
"""Which answers each kind of interaction takes."""


class Interactions:
    def __init__(
        self,
        world: World,
        broadcast: Broadcast,
        messages: Messages,
        base_url: str,
        *,
        answer_within_s: float,
        token_lifetime_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._world = world
        self._broadcast = broadcast
        self._messages = messages
        self._base_url = base_url
        self._answer_within_s = answer_within_s
        self._token_lifetime_s = token_lifetime_s
        self._clock = clock
        self._by_token: dict[str, Interaction] = {}

    def end_abandoned(self) -> None:
        """At the start: what was being thought about when the playground stopped will never be answered."""
        for message in list(self._world.messages.values()):
            self._stop_thinking(message)

    # a person acts

    def create(
        self,
        kind: int,
        person: User,
        channel: Channel,
        data: Payload,
        nonce: str | int | None = None,
        *,
        locale: str = "en-US",
        source: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> Interaction:
        """Sends INTERACTION_CREATE to the bot and starts its 3 seconds."""
        self._forget_expired()
        one = Interaction(
            id=self._world.snowflakes.next(),
            token=secrets.token_urlsafe(48),
            kind=kind,
            person=person,
            channel=channel,
            data=data,
            nonce=nonce,
            born=self._clock(),
            locale=locale,
            source=source,
            opened_by=opened_by,
        )
        self._by_token[one.token] = one
        self._broadcast.to_user(person.id, "INTERACTION_CREATE", slip(one))
        self._broadcast.to_bot("INTERACTION_CREATE", created(self._world, self._base_url, one), channel.guild_id)
        one.expiry = asyncio.get_running_loop().call_later(self._answer_within_s, self._fail, one)
        return one

    def opened_modal(self, person: User, interaction_id: int, custom_id: str) -> Interaction:
        """The interaction whose modal this person now submits."""
        for one in self._by_token.values():
            same = one.id == interaction_id and one.person.id == person.id
            if same and one.modal is not None and one.modal["custom_id"] == custom_id:
                return one
        raise unknown("interaction")

    def _fail(self, one: Interaction) -> None:
        if not one.answered:
            one.failed = True
            self._broadcast.to_user(one.person.id, "INTERACTION_FAILURE", {**slip(one), "reason_code": 2})

    # the application answers

    def find(self, token: str) -> Interaction:
        """For follow-ups: the answered interaction of this token, within its 15 minutes."""
        one = self._by_token.get(token)
        if one is None or self._clock() - one.born > self._token_lifetime_s:
            raise invalid_webhook_token()
        if not one.answered:
            raise unknown("webhook")
        return one

    def acknowledge(
        self, interaction_id: int, token: str, body: Payload, uploads: Mapping[int, Upload]
    ) -> tuple[Interaction, Callback, Message | None]:
        """The first answer. Raises for an unknown or late interaction, a second answer, or a kind that does not fit."""
        one = self._by_token.get(token)
        if one is None or one.id != interaction_id or one.failed:
            raise unknown("interaction")
        if one.answered:
            raise already_acknowledged()
        try:
            callback = Callback(body["type"])
        except ValueError:
            raise invalid_form("type", "BASE_TYPE_CHOICES", "Unknown callback type") from None
        if callback not in ANSWERS[one.kind] or (callback is Callback.UPDATE and one.source is None):
            raise invalid_form("type", "INTERACTION_CALLBACK_TYPE_INVALID", "This answer does not fit the interaction")
        message = self._perform(one, callback, body.get("data") or {}, uploads)
        one.answered = True
        if one.expiry is not None:
            one.expiry.cancel()
        if callback not in (Callback.AUTOCOMPLETE, Callback.MODAL):
            self._broadcast.to_user(one.person.id, "INTERACTION_SUCCESS", slip(one))
        return one, callback, message

    def follow_up(self, one: Interaction, body: Payload, uploads: Mapping[int, Upload]) -> Message:
        """A further message; the first one after a deferral takes the place of the "thinking" message."""
        if one.awaits_first_text and one.original_id is not None:
            message = self._own(one, one.original_id)
            self._rewrite(one, message, body, uploads)
            return message
        return self._post(one, body, uploads, original=one.original_id)

    def message(self, one: Interaction, which: str) -> Message:
        """`@original` or the id of one of this interaction's messages."""
        identity = one.original_id if which == "@original" else int(which) if which.isdigit() else None
        if identity is None:
            raise unknown("message")
        return self._own(one, identity)

    def edit(self, one: Interaction, message: Message, body: Payload, uploads: Mapping[int, Upload]) -> None:
        self._rewrite(one, message, body, uploads)

    def delete(self, one: Interaction, message: Message) -> None:
        if message.id == one.original_id:
            one.awaits_first_text = False
        self._messages.remove(one.channel, [message])

    # how

    def _perform(
        self, one: Interaction, callback: Callback, data: Payload, uploads: Mapping[int, Upload]
    ) -> Message | None:
        if callback is Callback.MESSAGE:
            message = self._post(one, data, uploads)
            one.original_id = message.id
            return message
        if callback is Callback.DEFERRED_MESSAGE:
            return self._think(one, data)
        if callback is Callback.UPDATE and one.source is not None:
            one.original_id = one.source.id
            self._messages.rewrite(one.source, data, uploads)
            return one.source
        if callback is Callback.DEFERRED_UPDATE:
            one.original_id = one.source.id if one.source is not None else None
        elif callback is Callback.AUTOCOMPLETE:
            choices = {"choices": data.get("choices") or [], "nonce": one.nonce}
            self._broadcast.to_user(one.person.id, "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE", choices)
        elif callback is Callback.MODAL:
            self._open_modal(one, data)
        return None

    def _open_modal(self, one: Interaction, data: Payload) -> None:
        one.modal = data
        channel_id = str(one.channel.id)
        body = {
            **slip(one),
            **data,
            "channel_id": channel_id,
            "application": {"id": str(self._world.bot.id)},
        }
        self._broadcast.to_user(one.person.id, "INTERACTION_MODAL_CREATE", body)

    def _post(
        self, one: Interaction, data: Payload, uploads: Mapping[int, Upload], *, original: int | None = None
    ) -> Message:
        message = self._messages.compose(
            self._world.bot, one.channel, data, uploads, only_for=one.person.id if _ephemeral(data) else None
        )
        self._mark(one, message, original)
        self._messages.publish(message)
        return message

    def _think(self, one: Interaction, data: Payload) -> Message:
        message = Message(self._world.snowflakes.next(), one.channel.id, self._world.bot.id, "", now())
        message.flags = int(MessageFlags.LOADING)
        message.only_for = one.person.id if _ephemeral(data) else None
        self._mark(one, message, None)
        one.original_id = message.id
        one.awaits_first_text = True
        self._messages.publish(message)
        asyncio.get_running_loop().call_later(self._token_lifetime_s, self._stop_thinking, message)
        return message

    def _stop_thinking(self, message: Message) -> None:
        """Nobody can answer any more: the message that still says "thinking" says so."""
        if message.flags & MessageFlags.LOADING and message.id in self._world.messages:
            self._messages.rewrite(message, {"content": NO_ANSWER}, {})

    def _mark(self, one: Interaction, message: Message, original: int | None) -> None:
        """Writes onto the message which interaction it answers."""
        message.interaction = metadata(one, original)
        if message.only_for is not None:
            message.flags |= int(MessageFlags.EPHEMERAL)
        anchor = original or (one.source.id if one.source is not None else None)
        target = self._world.messages.get(anchor) if anchor is not None else None
        if target is not None:
            message.type = MessageType.REPLY
            message.reference = message_payloads.reference_to(target, one.channel)
        elif one.kind == InteractionKind.COMMAND:
            chat_input = one.data.get("type", 1) == 1
            message.type = MessageType.CHAT_INPUT_COMMAND if chat_input else MessageType.CONTEXT_MENU_COMMAND

    def _rewrite(self, one: Interaction, message: Message, body: Payload, uploads: Mapping[int, Upload]) -> None:
        self._messages.rewrite(message, body, uploads)
        if message.id == one.original_id:
            one.awaits_first_text = False

    def _own(self, one: Interaction, identity: int) -> Message:
        message = self._world.messages.get(identity)
        sources = (one.source.id,) if one.source is not None else ()
        if message is None or (identity not in sources and (message.interaction or {}).get("id") != one.id):
            raise unknown("message")
        return message

    def _forget_expired(self) -> None:
        clock = self._clock()
        old = [token for token, one in self._by_token.items() if clock - one.born > self._token_lifetime_s]
        for token in old:
            del self._by_token[token]


def _ephemeral(data: Payload) -> bool:
    flags: int = data.get("flags") or 0
    return bool(flags & MessageFlags.EPHEMERAL)
