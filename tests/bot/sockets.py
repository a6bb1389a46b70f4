"""The bot on a playground's real sockets: Ada, who acts by REST, and a Steward that can end and come back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import httpx
import pytest

from bot.app import point_discord_at
from bot.client import StewardClient
from bot.config import Settings
from bot.conversation.pace import Pace
from llm.client import LLMClient
from llm.config import LLMSettings
from storage.database import Database
from storage.settings import GuildSettings
from tests.ports import free_port

DEADLINE_S = 30.0
PLURALKIT = 466378653216014359
PACE = Pace(quiet_s=0.1, repost_s=0.2)
BUTTON_PRESS = 3

Json = dict[str, Any]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns when `condition` holds; raises TimeoutError after DEADLINE_S."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110 - what is awaited lies in other processes
            await asyncio.sleep(0.03)


@dataclass
class Ada:
    """Somebody who writes and reads by REST; `seed` is what GET /playground.json says."""

    http: httpx.AsyncClient
    channel: str
    seed: Json

    @property
    def bot_id(self) -> str:
        return str(self.seed["bot"]["id"])

    async def call(self, method: str, path: str, body: Json | None = None) -> Any:  # noqa: ANN401 - whatever JSON it is
        """What is answered to a request of hers that must succeed."""
        answer = await self.http.request(method, path, json=body)
        return answer.raise_for_status().json() if answer.content else None

    async def ask(self, text: str, reply_to: str | None = None, channel: str | None = None) -> str:
        return await self.say(f"<@{self.bot_id}> {text}", reply_to, channel)

    async def say(self, text: str, reply_to: str | None = None, channel: str | None = None) -> str:
        """The id of the message."""
        body: Json = {"content": text}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to}
        return str((await self.call("POST", f"/channels/{channel or self.channel}/messages", body))["id"])

    async def attach(self, text: str, *files: tuple[str, bytes]) -> str:
        """Ask with files."""
        body = json.dumps({"content": f"<@{self.bot_id}> {text}"})
        parts = {f"files[{number}]": file for number, file in enumerate(files)}
        answer = await self.http.post(f"/channels/{self.channel}/messages", data={"payload_json": body}, files=parts)
        return str(answer.raise_for_status().json()["id"])

    async def replies(self, question: str, channel: str | None = None) -> list[Json]:
        """Steward's replies to a message, as they are now."""
        found = await self.call("GET", f"/channels/{channel or self.channel}/messages?limit=100")
        return [one for one in found if (one.get("message_reference") or {}).get("message_id") == question]

    async def reads(self, question: str, expected: str, channel: str | None = None) -> Json:
        """Steward's one reply, once it is exactly `expected`."""
        shown: list[Json] = []

        async def is_there() -> bool:
            shown[:] = await self.replies(question, channel)
            return [one["content"] for one in shown] == [expected]

        try:
            await eventually(is_there)
        except TimeoutError:
            pytest.fail(f"instead of {expected!r} stands {[one['content'] for one in shown]!r}")
        return shown[0]

    async def sees(self, question: str, part: str) -> bool:
        """Whether `part` stands in Steward's replies to a message."""
        return part in str(await self.replies(question))

    async def press(self, message: Json, label: str) -> None:
        """Press a button under a message."""
        buttons = [button for row in message["components"] for button in row["components"]]
        data = {"component_type": 2, "custom_id": next(one["custom_id"] for one in buttons if one["label"] == label)}
        body = {
            "type": BUTTON_PRESS,
            "application_id": self.bot_id,
            "guild_id": self.seed["guild"]["id"],
            "channel_id": message["channel_id"],
            "message_id": message["id"],
            "session_id": "none",
            "data": data,
        }
        await self.call("POST", "/interactions", body)

    async def opens(self, *names: str) -> list[str]:
        """New channels, on which nobody's rate limit has been counted yet."""
        path = f"/guilds/{self.seed['guild']['id']}/channels"
        return [str((await self.call("POST", path, {"name": name, "type": 0}))["id"]) for name in names]


@dataclass
class Backstage:
    """Faults on purpose, and what they did."""

    http: httpx.AsyncClient

    async def fault(self, name: str, **fault: object) -> None:
        """Switch one on: the fields are those of playground.faults.Fault."""
        (await self.http.put(f"/playground/faults/{name}", json=fault)).raise_for_status()

    async def struck(self, name: str) -> int:
        return int((await self.http.get("/playground/faults")).raise_for_status().json()[name]["struck"])

    async def all_off(self) -> None:
        (await self.http.delete("/playground/faults")).raise_for_status()

    async def asked(self, request: str) -> int:
        """How often that kind of request was made since the start: "PATCH /channels/{channel_id}/…"."""
        counted: Json = (await self.http.get("/playground/limits")).raise_for_status().json()["asked"]
        return int(counted.get(request, 0))


class Patient(StewardClient):
    """Identifies anew when it is let, instead of five seconds later, which is for Discord's sake."""

    may_identify: asyncio.Event

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        if not initial:
            await self.may_identify.wait()


@dataclass
class Steward:
    """The bot, connected; it can end and come back over the same database."""

    llm: LLMClient
    database: Database
    pace: Pace
    settings: Settings = field(default_factory=lambda: Settings(bot={"proxies": [PLURALKIT]}))
    may_identify: asyncio.Event = field(default_factory=asyncio.Event)
    _client: Patient | None = None
    _running: asyncio.Task[None] | None = None

    @property
    def client(self) -> Patient:
        assert self._client is not None, "Steward is not here"
        return self._client

    async def comes(self) -> None:
        self.may_identify.set()
        self._client = Patient(self.settings, self.llm, self.database, True, pace=self.pace)
        self._client.may_identify = self.may_identify
        await self._client.login("playground")
        self._running = asyncio.create_task(self._client.connect())
        async with asyncio.timeout(DEADLINE_S):
            await self._client.wait_until_ready()

    async def goes(self) -> None:
        if self._client is None or self._running is None:
            return
        await self._client.close()
        await self._running
        self._client = self._running = None


@asynccontextmanager
async def steward_at(
    playground: str,
    engine: str,
    database: Database,
    limits: LLMSettings,
    monkeypatch: pytest.MonkeyPatch,
    pace: Pace = PACE,
) -> AsyncIterator[Steward]:
    """A Steward that is there; discord.py's addresses are put back afterwards."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", None)
    monkeypatch.setattr(discord.asset.Asset, "BASE", discord.asset.Asset.BASE)
    point_discord_at(playground)
    async with httpx.AsyncClient() as http:
        guild = (await http.get(f"{playground}/playground.json")).raise_for_status().json()["guild"]
    await GuildSettings(database).adopt(
        int(guild["id"]), guild["name"]
    )  # else the set-up message is among the requests
    async with LLMClient(limits, engine) as llm:
        steward = Steward(llm, database, pace)
        await steward.comes()
        try:
            yield steward
        finally:
            await steward.goes()


@asynccontextmanager
async def ada_at(playground: str) -> AsyncIterator[Ada]:
    """Ada, in the first of the channels."""
    async with httpx.AsyncClient() as http:
        seed = (await http.get(f"{playground}/playground.json")).raise_for_status().json()
    token = {"Authorization": seed["people"][0]["token"]}
    async with httpx.AsyncClient(base_url=f"{playground}/api/v10", headers=token) as http:
        yield Ada(http, seed["channels"][0]["id"], seed)


@pytest.fixture(scope="session")
def playground() -> Iterator[str]:
    """A playground process of its own; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "playground", "--port", str(port)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process, httpx.Client() as http:
        try:
            deadline = time.monotonic() + 60
            while not _answers(http, f"{url}/health"):
                assert process.poll() is None and time.monotonic() < deadline, "the playground did not start"
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()


@pytest.fixture
async def backstage(playground: str) -> AsyncIterator[Backstage]:
    """Every fault ends with the test."""
    async with httpx.AsyncClient(base_url=playground) as http:
        made = Backstage(http)
        try:
            yield made
        finally:
            await made.all_off()


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.get(url).is_success
    except httpx.HTTPError:
        return False
