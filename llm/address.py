"""Where the engine's API is, and with which headers it is asked. Pure: opens no connection."""

from __future__ import annotations

import ipaddress
from typing import cast
from urllib.parse import urlsplit

from openai import Omit


def api_address(url: str) -> str:
    """The API's address: as given, but where only a server is named, its /v1."""
    given = url.rstrip("/")
    return f"{given}/v1" if urlsplit(given).path == "" else given


def unsent_headers() -> dict[str, str]:
    """What OPENAI_… variables of the environment would add is not sent: Steward knows its own settings only."""
    unsent = dict.fromkeys(("OpenAI-Organization", "OpenAI-Project"), Omit())
    return cast(dict[str, str], unsent)  # the library's own mark; its annotation lacks it


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
