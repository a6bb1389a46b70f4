"""Checks every exchange with the playground's API against Discord's document, whatever the test is about."""

from __future__ import annotations

import contextlib
import json
import re
from email.parser import BytesParser
from email.policy import HTTP

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground.rest.edge import FAULT_HEADER
from tests.playground.openapi import Exchange, Json, Specification

PREFIX = "/api/v10"

PEOPLE_ONLY = {
    "POST /interactions": "people's clients create interactions; the document describes applications only",
    "GET /guilds/{}/application-command-index": "the slash-command picker of people's clients",
    "GET /channels/{}/application-command-index": "the slash-command picker of people's clients",
    "PUT /channels/{}/polls/{}/answers/@me": "people vote; bots cannot",
    "PATCH /users/@me/settings": "people's own settings",
    "GET /users/@me/channels": "a person's list of conversations; bots have none",
}
"""Routes of the playground that Discord's document leaves out, each with the reason."""

ERROR_CODE_AS_TEXT = r".* 4XX: at \$\.errors.*_errors.*\.code: '[A-Z_]+' is not of type 'integer'"
ID_AS_NUMBER = r".* request: at \$[\w.\[\]]*(_id|\.id|users\[\d+\]|messages\[\d+\]): \d+ is not of type"

FORWARDING = r".* at \$[\w.\[\]]*message_reference\.type: .*"

DEVIATIONS: dict[str, str] = {
    ERROR_CODE_AS_TEXT: "Discord's field errors carry codes such as BASE_TYPE_MAX_LENGTH; its document says integer",
    FORWARDING: "Discord takes references of type 1 (its documentation says so); its document names only type 0",
    ID_AS_NUMBER: "discord.py sends many ids as numbers; Discord takes both, its document names only strings",
}
"""Problems that are known (regular expressions): where Discord itself, or discord.py, differs, and why."""


class Watch:
    """ASGI middleware that records what is wrong; a fixture looks at `problems` after each test."""

    def __init__(self, app: ASGIApp, specification: Specification) -> None:
        self._app = app
        self._specification = specification
        self.problems: list[str] = []
        self.seen: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        asked, answered = bytearray(), bytearray()
        start: Message = {}

        async def receive_and_keep() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def send_and_keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            answered.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive_and_keep, send_and_keep)
        self._check(scope, bytes(asked), start, bytes(answered))

    def _check(self, scope: Scope, asked: bytes, start: Message, answered: bytes) -> None:
        """What the guard refuses (403 with code 0) never reaches the API and is none of the document's business; nor
        are errors on purpose."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        exchange = Exchange(
            method=scope["method"],
            path=scope["path"].removeprefix(PREFIX),
            query=scope["query_string"].decode(),
            request=_request_json(headers.get("content-type", ""), asked),
            status=start["status"],
            headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
            answer=json.loads(answered) if answered else None,
        )
        if exchange.status == 403 and exchange.answer["code"] == 0:
            return
        if exchange.status >= 500 and FAULT_HEADER.lower() in exchange.headers:
            return
        operation = self._specification.operation(exchange.method, exchange.path)
        if operation is None:
            self._without_operation(exchange)
            return
        self.seen.add(str(operation))
        for problem in self._specification.problems(operation, exchange):
            if not any(re.match(known, problem) for known in DEVIATIONS):
                self.problems.append(problem)

    def _without_operation(self, exchange: Exchange) -> None:
        parts = ["{}" if part.isdigit() else part for part in exchange.path.split("/")]
        name = f"{exchange.method} {'/'.join(parts)}"
        if name not in PEOPLE_ONLY and exchange.status != 404:
            self.problems.append(f"{name}: not in Discord's document")


def _request_json(kind: str, body: bytes) -> Json:
    if not body:
        return None
    if not kind.startswith("multipart/"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(body)
        return None
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    for part in message.walk():
        if part.get_param("name", header="content-disposition") == "payload_json":
            return json.loads(part.get_content() if part.get_content_maintype() == "text" else part.get_payload())
    return None
