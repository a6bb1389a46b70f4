"""What somebody wants to post, checked and brought into the shape in which Discord keeps it. Pure.

The fields' types were checked before (forms). It does not know who may post where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from playground.errors import empty_message, invalid_form, required, too_long
from playground.models import MessageFlags, Payload

CONTENT_LIMIT = 2000
EMBEDS_LIMIT = 10
EMBED_TEXT_LIMIT = 6000
ROWS_LIMIT = 5
COMPONENTS_LIMIT = 40
EMBED_FIELDS = ("title", "description", "url", "timestamp", "color", "footer", "image", "thumbnail", "author", "fields")
EMBED_LIMITS = {"title": 256, "description": 4096}
ACTION_ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS = (STRING_SELECT, 5, 6, 7, 8)
LINK_BUTTON = 5
CHOOSABLE_FLAGS = MessageFlags.SUPPRESS_EMBEDS | MessageFlags.SUPPRESS_NOTIFICATIONS | MessageFlags.COMPONENTS_V2


@dataclass(slots=True)
class Upload:
    """A file that came with a request."""

    filename: str
    content_type: str
    body: bytes


def content(body: Payload) -> str:
    """The text; raises when it is longer than 2,000 characters."""
    text: str = body.get("content") or ""
    if len(text) > CONTENT_LIMIT:
        raise too_long("content", CONTENT_LIMIT)
    return text.strip()


def embeds(body: Payload) -> list[Payload]:
    given: list[Payload] = body.get("embeds") or []
    if len(given) > EMBEDS_LIMIT:
        raise too_long("embeds", EMBEDS_LIMIT)
    for index, embed in enumerate(given):
        for key, limit in EMBED_LIMITS.items():
            if len(embed.get(key) or "") > limit:
                raise too_long(f"embeds.{index}.{key}", limit)
    if sum(_embed_length(embed) for embed in given) > EMBED_TEXT_LIMIT:
        raise invalid_form("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    kept = [{key: embed[key] for key in EMBED_FIELDS if embed.get(key) is not None} for embed in given]
    return [{**embed, "type": "rich"} for embed in kept]


def components(body: Payload) -> list[Payload]:
    """The components with their ids and defaults filled in; custom ids must differ."""
    given: list[Payload] = body.get("components") or []
    version_2 = bool((body.get("flags") or 0) & MessageFlags.COMPONENTS_V2)
    limit = COMPONENTS_LIMIT if version_2 else ROWS_LIMIT
    if len(given) > limit:
        raise too_long("components", limit)
    numbered = _Numbering()
    shaped = [numbered.shape(one, f"components.{index}") for index, one in enumerate(given)]
    _refuse_twins(shaped)
    return shaped


def walk(shaped: list[Payload]) -> Iterator[Payload]:
    """Every component, however deep it lies."""
    for one in shaped:
        yield one
        yield from walk(one.get("components") or [])
        accessory = one.get("accessory")
        if accessory:
            yield from walk([accessory])


def chosen_flags(body: Payload) -> int:
    """The flags that the writer of a message may set."""
    flags: int = body.get("flags") or 0
    return flags & int(CHOOSABLE_FLAGS)


def refuse_empty(text: str, *others: object) -> None:
    if not text and not any(others):
        raise empty_message()


def _embed_length(embed: Payload) -> int:
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts.append((embed.get("author") or {}).get("name"))
    for field in embed.get("fields") or []:
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if text)


class _Numbering:
    """Gives components without an id the next free one, as Discord does."""

    def __init__(self) -> None:
        self._last = 0

    def shape(self, one: Payload, path: str) -> Payload:
        self._last += 1
        shaped: Payload = {key: value for key, value in one.items() if value is not None}
        shaped["id"] = shaped.get("id") or self._last
        if one["type"] in SELECTS:
            shaped = {"min_values": 1, "max_values": 1, **shaped}
        if one["type"] == BUTTON and one.get("style") == LINK_BUTTON and not one.get("url"):
            raise required(f"{path}.url")
        if one["type"] in (BUTTON, *SELECTS) and len(one.get("custom_id") or "") > 100:
            raise too_long(f"{path}.custom_id", 100)
        if "components" in shaped:
            inner = enumerate(shaped["components"])
            shaped["components"] = [self.shape(each, f"{path}.components.{index}") for index, each in inner]
        if shaped.get("accessory"):
            shaped["accessory"] = self.shape(shaped["accessory"], f"{path}.accessory")
        return shaped


def _refuse_twins(shaped: list[Payload]) -> None:
    names = [one["custom_id"] for one in walk(shaped) if one.get("custom_id")]
    if len(names) != len(set(names)):
        message = "Component custom id cannot be duplicated"
        raise invalid_form("components", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
