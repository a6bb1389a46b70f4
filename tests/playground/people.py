"""People at the playground: they act on REST and listen on the gateway, as Discord's own client does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.playground.openapi import Json

DEADLINE_S = 30.0
"""Far more than anything takes: the machine may be busy with other things."""


class Person:
    """One person's client; `events` holds what the gateway said, in order."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, told: dict[str, str]) -> None:
        self.id = int(told["id"])
        self.name = told["name"]
        self.token = told["token"]
        self.session_id = ""
        self.locale = "en-US"
        self.events: list[tuple[str, Any]] = []
        self._http = http
        self._api = f"{base_url}/api/v10"
        self._gateway = f"{base_url}/gateway/?v=10&encoding=json"
        self._news = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None

    async def request(self, method: str, path: str, body: Json = None, **more: Json) -> tuple[int, Any]:
        """The status and the decoded answer."""
        kwargs = more if body is None else {"json": body, **more}
        headers = {"Authorization": self.token, "X-Discord-Locale": self.locale}
        async with self._http.request(method, self._api + path, headers=headers, **kwargs) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def ok(self, method: str, path: str, body: Json = None, **more: Json) -> Json:
        status, answer = await self.request(method, path, body, **more)
        assert status < 300, (method, path, status, answer)
        return answer

    async def say(self, channel_id: int, content: str, **fields: Json) -> dict[str, Any]:
        body = {"content": content, **fields}
        message: dict[str, Any] = await self.ok("POST", f"/channels/{channel_id}/messages", body)
        return message

    async def interact(self, kind: int, channel_id: int, guild_id: int | None, data: Json, **fields: Json) -> int:
        """Sends an interaction; the status of the answer."""
        body = {"type": kind, "channel_id": str(channel_id), "data": data, "session_id": self.session_id, **fields}
        if guild_id is not None:
            body["guild_id"] = str(guild_id)
        status, _ = await self.request("POST", "/interactions", body)
        return status

    async def listen(self) -> None:
        """Connects to the gateway; returns once READY came."""
        self._listening = asyncio.create_task(self._follow_gateway())
        ready = await self.heard("READY")
        self.session_id = ready["session_id"]

    async def heard(self, event: str, matches: Callable[[Any], bool] = lambda _: True) -> Json:
        """The first such event, past or still to come."""

        def find() -> list[Any]:
            return [data for name, data in self.events if name == event and matches(data)]

        async with asyncio.timeout(DEADLINE_S), self._news:
            await self._news.wait_for(lambda: bool(find()))
            return find()[0]

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    async def leave(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _follow_gateway(self) -> None:
        async with self._http.ws_connect(self._gateway) as socket:
            await socket.receive_json()
            await socket.send_json({"op": 2, "d": {"token": self.token, "properties": {}}})
            async for message in socket:
                frame = message.json()
                if frame["op"] == 0:
                    async with self._news:
                        self.events.append((frame["t"], frame["d"]))
                        self._news.notify_all()
