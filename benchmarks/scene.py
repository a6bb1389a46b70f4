"""The people's way into a playground: they act by REST, and one of them watches the gateway. It measures nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

HEARTBEAT_S = 20.0

Json = dict[str, Any]
Hear = Callable[[str, Json], None]


@dataclass(slots=True)
class Scene:
    """`told` is what GET /playground.json says; `refused` counts the people's own requests that had to wait."""

    http: aiohttp.ClientSession
    told: Json
    bot_is_there: asyncio.Event = field(default_factory=asyncio.Event)
    refused: int = 0

    @property
    def bot_id(self) -> str:
        return str(self.told["bot"]["id"])

    def channel(self, name: str) -> str:
        """The id of the channel with this name."""
        return next(str(one["id"]) for one in self.told["channels"] if one["name"] == name)

    def token(self, name: str) -> str:
        return next(str(one["token"]) for one in self.told["people"] if one["name"] == name)

    async def say(self, token: str, channel: str, text: str) -> str:
        """Somebody posts a message; its id. What is refused is waited out."""
        while True:
            async with self.http.post(
                f"/api/v10/channels/{channel}/messages", json={"content": text}, headers={"Authorization": token}
            ) as response:
                answer: Json = await response.json()
                if response.status != 429:
                    response.raise_for_status()
                    return str(answer["id"])
            self.refused += 1
            await asyncio.sleep(answer["retry_after"])

    async def counted(self) -> tuple[dict[str, int], dict[str, int]]:
        """How many requests of each kind were made so far, and how many refused."""
        async with self.http.get("/playground/limits") as response:
            told = await response.json()
        return told["asked"], told["refused"]

    async def watch(self, hear: Hear) -> None:
        """Reads the gateway as the first person does, and hands on every event."""
        async with self.http.ws_connect("/gateway?v=10&encoding=json", max_msg_size=0) as socket:
            token = self.told["people"][0]["token"]
            await socket.send_json({"op": 2, "d": {"token": token, "properties": {}}})
            beating = asyncio.create_task(_beat(socket))
            try:
                async for frame in socket:
                    event = frame.json()
                    self._look_for_the_bot(event["t"], event["d"])
                    if event["t"]:
                        hear(event["t"], event["d"])
            finally:
                beating.cancel()
        raise RuntimeError("the playground's gateway closed: nobody sees the answers any more")

    def _look_for_the_bot(self, name: str | None, data: Json) -> None:
        if name == "READY":
            present = [one for guild in data["guilds"] for one in guild["presences"]]
        else:
            present = [data] if name == "PRESENCE_UPDATE" else []
        if any(one["user"]["id"] == self.bot_id and one["status"] == "online" for one in present):
            self.bot_is_there.set()


@asynccontextmanager
async def entered(playground: str, hear: Hear) -> AsyncIterator[Scene]:
    """People at this playground, while one of them watches."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)  # a kept connection may close just as it is used again
    async with aiohttp.ClientSession(playground, connector=connector) as http:
        async with http.get("/playground.json") as response:
            scene = Scene(http, await response.json())
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(scene.watch(hear))
            yield scene
            watching.cancel()


async def _beat(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        await socket.send_json({"op": 1, "d": None})
