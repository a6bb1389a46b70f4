"""Link previews: what Discord adds to a message a moment after it was posted. Pure: nothing is ever fetched."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playground.models import Message, MessageFlags, Payload

LINK = re.compile(r"(?<![<\w])https?://[^\s<>]+[^\s<>.,;:!?)\]'\"]")
OWN = re.compile(r"https://(?:ptb\.|canary\.)?discord\.com/channels/")
"""Links to messages have no preview: the client leads to them."""
MOST = 5
KIND = "link"


def of(message: Message) -> list[Payload]:
    """One embed for each link of the text, unless its writer suppressed them."""
    if message.flags & MessageFlags.SUPPRESS_EMBEDS:
        return []
    addresses = dict.fromkeys(address for address in LINK.findall(message.content) if not OWN.match(address))
    return [_embed(address) for address in list(addresses)[:MOST]]


def without(embeds: list[Payload]) -> list[Payload]:
    """The embeds that the writer sent."""
    return [one for one in embeds if one["type"] != KIND]


def _embed(address: str) -> Payload:
    host = urlsplit(address).netloc
    path = urlsplit(address).path.strip("/").replace("-", " ").replace("/", " › ")
    body: Payload = {"type": KIND, "url": address, "title": path or host}
    return {**body, "description": "The playground opens no links; here would be the page's own words."} | (
        {"provider": {"name": host}} if host else {}
    )
