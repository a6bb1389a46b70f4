"""Where members' words go is said as the addresses have it."""

from __future__ import annotations

import pytest

from bot.whereabouts import OWN_MACHINE, OWN_NETWORK, privacy_line, whereabouts


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:8700/v1", "http://localhost:1/v1", "http://[::1]:1/v1"])
def test_an_engine_on_this_machine_is_ours(url: str | None) -> None:
    assert whereabouts(url) == "this machine"
    assert privacy_line(url) == OWN_MACHINE


@pytest.mark.parametrize(
    "url",
    [
        "http://worker:8700/v1",
        "http://192.168.1.20:8000/v1",
        "http://[fd00::1]:1/v1",
        "http://gpu.lan:1/v1",
        "http://host.docker.internal:11434/v1",
    ],
)
def test_an_engine_in_the_owners_network_is_ours(url: str) -> None:
    assert whereabouts(url) == "own network"
    assert privacy_line(url) == OWN_NETWORK


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "http://8.8.8.8/v1", "http://[2606:4700::1]/v1"])
def test_an_engine_elsewhere_is_said_to_be_elsewhere(url: str) -> None:
    assert whereabouts(url) == "elsewhere"
    assert "is sent to" in privacy_line(url)


def test_every_engine_elsewhere_is_named() -> None:
    assert "a.example.com and b.example.com" in privacy_line("https://b.example.com/v1", "https://a.example.com/v1")
    assert "sent to a.example.com to" in privacy_line(None, "https://a.example.com/v1")
    assert privacy_line(None, "http://worker:1/v1") == OWN_NETWORK
