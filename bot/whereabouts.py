"""Where an engine is, by its address: on this machine, in the owner's network, or elsewhere. Asks nobody."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from bot.language import N_

_OWN_NAMES = (".local", ".lan", ".internal", ".home.arpa")
"""Endings that the public network does not have; host.docker.internal is one of them."""

Whereabouts = Literal["this machine", "own network", "elsewhere"]
OWN_MACHINE = N_("I run on this community's own machine, and nothing that you write leaves it.")
OWN_NETWORK = N_("I run on this community's own machines, and nothing that you write leaves them.")


def host_of(url: str | None) -> str:
    """The host's name; without an address the engine is the worker on this machine."""
    return urlsplit(url or "http://localhost").hostname or ""


def whereabouts(url: str | None) -> Whereabouts:
    """Where the engine at this address is. A name without a dot is a container or a machine of the owner's network."""
    host = host_of(url)
    if host == "localhost" or _is(host, "is_loopback"):
        return "this machine"
    if not {".", ":"} & set(host) or host.endswith(_OWN_NAMES) or _is(host, "is_private"):
        return "own network"
    return "elsewhere"


def privacy_line(*urls: str | None) -> str:
    """Where members' words go, in one sentence, for engines at these addresses."""
    places = {url: whereabouts(url) for url in urls}
    away = sorted({host_of(url) for url, place in places.items() if place == "elsewhere"})
    if away:
        hosts = " and ".join(away)
        return f"My owner chose an engine elsewhere: what you ask me is sent to {hosts} to be answered."
    return OWN_NETWORK if "own network" in places.values() else OWN_MACHINE


def _is(host: str, kind: Literal["is_loopback", "is_private"]) -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(host), kind))
    except ValueError:
        return False
