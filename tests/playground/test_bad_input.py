"""Whatever is sent, the answer is Discord's error and never our own fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.playground.conftest import Running

WRONG: list[Any] = [1.5, "²", [None], {"x": None}, "9" * 40]
"""Values that no field takes, or hardly any."""

MESSAGE = ("content", "flags", "embeds", "components", "attachments", "allowed_mentions", "message_reference", "nonce")
INTERACTION = ("type", "channel_id", "data", "message_id", "nonce")


def nested(field: str, value: Any) -> Iterator[Any]:  # noqa: ANN401 - any wrong value is the point
    """The value in place of the field, and below it."""
    yield {field: value}
    yield {field: dict.fromkeys(("id", "users", "message_id", "custom_id"), value)}
    yield {field: [dict.fromkeys(("id", "type", "title", "components"), value)]}
    yield {field: [{"type": 1, "components": [value], "fields": [value]}]}


def forget_what_was_asked(running: Running) -> None:
    """These requests are wrong on purpose; every answer must still be right."""
    assert {problem for problem in running.watch.problems if " request: " not in problem} == set()
    running.watch.problems.clear()


async def test_messages_with_wrong_fields(running: Running) -> None:
    grace, channel = await running.person("Grace", listening=False), running.channel_id()
    said = await grace.say(channel, "right")
    cases = [body for field in MESSAGE for value in WRONG for body in nested(field, value)]
    for number, body in enumerate(cases):
        path, method = f"/channels/{channel}/messages", "POST"
        if number % 2:
            path, method = f"{path}/{said['id']}", "PATCH"
        status, answer = await grace.request(method, path, {"content": "x", **body})
        assert status in (200, 400, 403), (method, body, answer)
    forget_what_was_asked(running)


async def test_interactions_commands_and_threads_with_wrong_fields(running: Running) -> None:
    bot, grace = running.parts.world.bot, await running.person("Grace", listening=False)
    channel = running.channel_id()
    command = {"name": "ask", "description": "d", "options": [{"name": "q", "type": 3, "description": "d"}]}
    right = {"type": 2, "channel_id": str(channel), "data": {"id": "1", "name": "ask", "options": []}}
    thread = {"name": "t", "type": 11}
    for value in WRONG:
        for field in INTERACTION:
            for body in nested(field, value):
                status, answer = await grace.request("POST", "/interactions", {**right, **body})
                assert status in (400, 404), (body, answer)
        for field in thread:
            status, answer = await grace.request("POST", f"/channels/{channel}/threads", {**thread, field: value})
            assert status in (201, 400), (field, value, answer)
        grace.token, hers = "Bot playground", grace.token
        for field in (*command, "default_member_permissions", "contexts"):
            path = f"/applications/{bot.id}/commands"
            status, answer = await grace.request("POST", path, {**command, field: value})
            assert status in (200, 201, 400), (field, value, answer)
            status, answer = await grace.request("PUT", path, [value])
            assert status == 400, (value, answer)
        grace.token = hers
    forget_what_was_asked(running)


async def test_bodies_that_are_no_json(running: Running) -> None:
    grace, path = await running.person("Grace", listening=False), f"/channels/{running.channel_id()}/messages"
    for raw in (b"\xff", b"{", b"[" * 100_000, b'"text"', b"12"):
        status, answer = await grace.request("POST", path, data=raw)
        assert (status, answer["code"]) == (400, 50109), raw[:10]
    headers = {"Authorization": grace.token, "Content-Type": "multipart/form-data; boundary=b"}
    for raw in (b"", b"--b", b"--b\r\n\r\n--b--", b"no parts at all"):
        async with running.http.post(f"{running.url}/api/v10{path}", data=raw, headers=headers) as response:
            assert response.status == 400
