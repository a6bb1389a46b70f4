"""The checker itself: it must find what is wrong, or its silence means nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from playground.limits import EASY, Verdict
from tests.playground.openapi import Exchange, Json, Specification

HEADERS = {name.lower(): value for name, value in Verdict("b", EASY.limit, 1, 1.0, refused=False).headers().items()}
TYPING = Exchange("POST", "/channels/1/typing", "", None, 204, HEADERS, None)
GATEWAY = Exchange("GET", "/gateway", "", None, 200, HEADERS, {"url": "ws://127.0.0.1/"})
REFUSED = Exchange("GET", "/gateway", "", None, 404, HEADERS, {"message": "no", "code": 0})
HISTORY = Exchange("GET", "/channels/1/messages", "limit=5", None, 200, HEADERS, [])
POST = Exchange("POST", "/channels/1/messages", "", {"content": "x"}, 404, HEADERS, {"message": "no", "code": 10003})


def problems(specification: Specification, exchange: Exchange) -> list[str]:
    operation = specification.operation(exchange.method, exchange.path)
    assert operation is not None
    return list(specification.problems(operation, exchange))


@pytest.mark.parametrize("exchange", [TYPING, GATEWAY, REFUSED, HISTORY, POST])
def test_what_is_right_passes(specification: Specification, exchange: Exchange) -> None:
    assert problems(specification, exchange) == []


@pytest.mark.parametrize(
    ("exchange", "changes"),
    [
        (GATEWAY, {"answer": {"uri": "ws://127.0.0.1/"}}),
        (GATEWAY, {"answer": None}),
        (GATEWAY, {"status": 302}),
        (GATEWAY, {"headers": {}}),
        (GATEWAY, {"request": {"a": 1}}),
        (TYPING, {"answer": {}}),
        (REFUSED, {"answer": {"detail": "no"}}),
        (HISTORY, {"query": "limit=many"}),
        (HISTORY, {"query": "count=5"}),
        (HISTORY, {"answer": [{"id": "1", "content": "x"}]}),
        (POST, {"status": 200, "answer": [], "request": {"content": 5}}),
    ],
)
def test_what_is_wrong_is_found(specification: Specification, exchange: Exchange, changes: dict[str, Json]) -> None:
    assert problems(specification, replace(exchange, **changes))


def test_literal_paths_win(specification: Specification) -> None:
    found = specification.operation("GET", "/users/@me")
    assert found is not None and found.template == "/users/@me"
    assert specification.operation("GET", "/nowhere") is None
