"""The shapes of what clients send, checked before anything looks inside. What the fields mean is not known here."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from playground.errors import invalid_form
from playground.models import Json, Payload

DIGITS = re.compile(r"[0-9]{1,20}")


def _digits(value: str | int) -> str | int:
    if not DIGITS.fullmatch(str(value)):
        raise ValueError("is not a snowflake")
    return value


Snowflake = Annotated[str | int, AfterValidator(_digits)]
"""An id or a permission number; Discord takes it as text or as a number."""


Nonce = Annotated[str, Field(max_length=25)] | int
"""What a client marks its own request with."""


class Form(BaseModel):
    """Unknown fields are let through: clients send more than the playground uses."""

    model_config = ConfigDict(extra="allow", strict=True)


class Reference(Form):
    type: int | None = None
    message_id: Snowflake | None = None
    channel_id: Snowflake | None = None
    fail_if_not_exists: bool | None = None


class AllowedMentions(Form):
    parse: list[str] | None = None
    users: list[Snowflake] | None = None
    roles: list[Snowflake] | None = None
    replied_user: bool | None = None


class File(Form):
    id: Snowflake | None = None
    filename: str | None = None
    description: str | None = None


class Footer(Form):
    text: str


class Author(Form):
    name: str


class Picture(Form):
    url: str


class EmbedField(Form):
    name: str
    value: str
    inline: bool | None = None


class Embed(Form):
    title: str | None = None
    description: str | None = None
    url: str | None = None
    timestamp: str | None = None
    color: int | None = None
    footer: Footer | None = None
    author: Author | None = None
    image: Picture | None = None
    thumbnail: Picture | None = None
    fields: list[EmbedField] | None = None


class Component(Form):
    type: int
    id: int | None = None
    custom_id: str | None = None
    url: str | None = None
    disabled: bool | None = None
    components: list[Component] | None = None
    accessory: Component | None = None


class PollMedia(Form):
    text: str | None = None
    emoji: Payload | None = None


class PollAnswer(Form):
    poll_media: PollMedia


class PollForm(Form):
    question: PollMedia
    answers: list[PollAnswer]
    duration: int | float | None = None
    allow_multiselect: bool | None = None


class MessageForm(Form):
    content: str | None = None
    nonce: Nonce | None = None
    enforce_nonce: bool | None = None
    flags: int | None = None
    embeds: list[Embed] | None = None
    components: list[Component] | None = None
    attachments: list[File] | None = None
    allowed_mentions: AllowedMentions | None = None
    message_reference: Reference | None = None
    poll: PollForm | None = None
    sticker_ids: list[Snowflake] | None = None


def _free(name: str) -> str:
    for word in ("clyde", "discord"):
        if word in name.lower():
            raise ValueError(f'Username cannot contain "{word}"')
    if name.lower() in ("everyone", "here"):
        raise ValueError(f'Username cannot be "{name}"')
    return name


WebhookName = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_free)]
"""Discord keeps its own names for itself."""


class WebhookMessageForm(MessageForm):
    username: WebhookName | None = None
    avatar_url: str | None = None


class WebhookForm(Form):
    name: WebhookName


class VoteForm(Form):
    answer_ids: list[Snowflake]


class NewChannelForm(Form):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    type: int | None = None
    topic: str | None = None


class ChannelForm(Form):
    name: str | None = None
    topic: str | None = None
    archived: bool | None = None
    locked: bool | None = None


class ThreadForm(Form):
    name: str
    type: int | None = None
    auto_archive_duration: int | None = None


class Option(Form):
    name: str
    type: int
    description: str | None = None
    required: bool | None = None
    options: list[Option] | None = None


class CommandForm(Form):
    name: str
    type: int | None = None
    description: str | None = None
    options: list[Option] | None = None
    contexts: list[int] | None = None
    dm_permission: bool | None = None
    default_member_permissions: Snowflake | None = None


class FilledOption(Form):
    name: str
    value: str | int | float | bool | None = None
    focused: bool | None = None
    options: list[FilledOption] | None = None


class CommandData(Form):
    id: Snowflake
    target_id: Snowflake | None = None
    options: list[FilledOption] | None = None


class ComponentData(Form):
    custom_id: str
    values: list[str] | None = None


class ModalData(Form):
    id: Snowflake
    custom_id: str
    components: list[Payload]


class InteractionForm(Form):
    type: int
    channel_id: Snowflake
    data: Payload
    nonce: Nonce | None = None
    message_id: Snowflake | None = None


class CallbackForm(Form):
    type: int
    data: Payload | None = None


class Modal(Form):
    custom_id: str
    title: str
    components: list[Component]


class Choices(Form):
    choices: list[Payload] | None = None


class Recipient(Form):
    recipient_id: Snowflake


class Bulk(Form):
    messages: list[Snowflake]


class Target(Form):
    value: Snowflake


class Settings(Form):
    default_guilds_restricted: bool


def check(form: type[Form], body: Json, path: str = "") -> None:
    """Raises Discord's form error, with the field's path, when the body does not have the form's shape."""
    try:
        form.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([*path.split("."), *(str(part) for part in first["loc"])]).strip(".")
        code = "BASE_TYPE_REQUIRED" if first["type"] == "missing" else "BASE_TYPE_BAD_VALUE"
        raise invalid_form(where or "body", code, first["msg"]) from None
