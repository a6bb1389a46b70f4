"""The real thing: `steward run` as a process of its own, and people who act through the page's own routes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import websockets

from tests.ports import free_port

START_S = 120.0
ANSWER_S = 60.0


@dataclass
class Stack:
    """Where one `steward run` lives: its folder outlasts the process, as an owner's folder does."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    playground_port: int = field(default_factory=free_port)
    worker_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.playground_port}"

    @property
    def worker(self) -> str:
        return f"http://127.0.0.1:{self.worker_port}"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "playground" / "steward.sqlite3"

    @property
    def log(self) -> str:
        return (self.folder / "steward.log").read_text(errors="replace")

    def worker_pid(self) -> int:
        """Process id of the worker that runs now."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if "llm.worker" in child.cmdline():
                    return child.pid
        raise LookupError("no worker runs")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Stack]:
        """Starts everything, waits until it answers, and ends it as Ctrl-C does."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("STEWARD_", "DISCORD_"))
        }
        environment |= {
            "STEWARD_PLAYGROUND__PORT": str(self.playground_port),
            "STEWARD_WORKER__PORT": str(self.worker_port),
            "PYTHONUNBUFFERED": "1",
        } | self.environment
        with (self.folder / "steward.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        try:
            await self._wait_until_up()
            yield self
        finally:
            await self._stop()

    async def _stop(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            await self.process.wait()

    async def _wait_until_up(self) -> None:
        async with httpx.AsyncClient() as http, asyncio.timeout(START_S):
            for url in (f"{self.page}/playground.json", f"{self.worker}/health"):
                while not await _ok(http, url):
                    assert self.process is not None
                    assert self.process.returncode is None, f"steward ended:\n{self.log}"
                    await asyncio.sleep(0.1)

    async def people(self) -> dict[str, Any]:
        """What GET /playground.json says."""
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{self.page}/playground.json")
            result: dict[str, Any] = answer.raise_for_status().json()
            return result


async def _ok(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


class Person:
    """Somebody in the playground: speaks by REST and sees by the gateway, as the page does."""

    def __init__(self, stack: Stack, token: str, bot_id: str) -> None:
        self._http = httpx.AsyncClient(base_url=f"{stack.page}/api/v10", headers={"Authorization": token}, timeout=20)
        self._gateway = f"ws://127.0.0.1:{stack.playground_port}/gateway/?v=10&encoding=json"
        self._token = token
        self.bot_id = bot_id
        self.session_id = ""
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def enter(cls, stack: Stack, index: int = 0) -> AsyncIterator[Person]:
        """The `index`-th of the playground's people, connected."""
        seed = await stack.people()
        person = cls(stack, seed["people"][index]["token"], seed["bot"]["id"])
        async with websockets.connect(person._gateway, max_size=None) as socket_:
            reader = asyncio.create_task(person._read(socket_))
            try:
                await person.sees("READY", lambda _: True)
                yield person
            finally:
                reader.cancel()
                await asyncio.wait([reader])
                await person._http.aclose()

    async def _read(self, socket_: websockets.ClientConnection) -> None:
        hello = json.loads(await socket_.recv())
        beat = asyncio.create_task(self._heartbeat(socket_, hello["d"]["heartbeat_interval"] / 1000))
        identify = {"token": self._token, "intents": (1 << 26) - 1, "properties": {}}
        await socket_.send(json.dumps({"op": 2, "d": identify}))
        try:
            async for raw in socket_:
                event = json.loads(raw)
                if event["op"] == 0:
                    await self._note(event["t"], event["d"])
        finally:
            beat.cancel()

    async def _heartbeat(self, socket_: websockets.ClientConnection, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            await socket_.send(json.dumps({"op": 1, "d": None}))

    async def _note(self, name: str, data: dict[str, Any]) -> None:
        if name == "READY":
            self.session_id = data["session_id"]
        async with self._news:
            self.seen.append((name, data))
            self._news.notify_all()

    async def sees(
        self, name: str, test: Callable[[dict[str, Any]], bool], deadline_s: float = ANSWER_S, since: int = 0
    ) -> dict[str, Any]:
        """The first event of that name, from position `since` on, for which `test` holds; waits for it."""

        def find() -> dict[str, Any] | None:
            return next((data for event, data in self.seen[since:] if event == name and test(data)), None)

        async with asyncio.timeout(deadline_s), self._news:
            await self._news.wait_for(lambda: find() is not None)
        found = find()
        assert found is not None
        return found

    async def says(self, channel: str, content: str, reply_to: str | None = None) -> dict[str, Any]:
        """Posts a message as the page does; `reply_to` is a message id."""
        body: dict[str, Any] = {"content": content}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to, "channel_id": channel}
        answer = await self._http.post(f"/channels/{channel}/messages", json=body)
        result: dict[str, Any] = answer.raise_for_status().json()
        return result

    async def message(self, channel: str, message: str) -> dict[str, Any]:
        """A message as it stands now."""
        result: dict[str, Any] = (
            (await self._http.get(f"/channels/{channel}/messages/{message}")).raise_for_status().json()
        )
        return result

    async def commands(self, guild: str) -> dict[str, dict[str, Any]]:
        """The slash commands of the server by name."""
        index = (await self._http.get(f"/guilds/{guild}/application-command-index")).raise_for_status().json()
        return {command["name"]: command for command in index["application_commands"]}

    async def runs(self, guild: str, channel: str, name: str, **options: object) -> None:
        """Uses a slash command as the page does."""
        command = (await self.commands(guild))[name]
        types = {option["name"]: option["type"] for option in command.get("options", [])}
        given = [{"name": key, "type": types[key], "value": value} for key, value in options.items()]
        await self._gives(command, guild, channel, {"type": 1, "options": given})

    async def picks(self, guild: str, channel: str, name: str, message: dict[str, Any]) -> None:
        """Uses an entry of a message's menu."""
        command = (await self.commands(guild))[name]
        await self._gives(command, guild, channel, {"type": 3, "target_id": message["id"]})

    async def _gives(self, command: dict[str, Any], guild: str, channel: str, data: dict[str, Any]) -> None:
        body = {
            "type": 2,
            "application_id": command["application_id"],
            "guild_id": guild,
            "channel_id": channel,
            "session_id": self.session_id,
            "data": {"id": command["id"], "name": command["name"], "version": command["version"], **data},
        }
        (await self._http.post("/interactions", json=body)).raise_for_status()

    async def answer_to(self, message: dict[str, Any], deadline_s: float = ANSWER_S) -> dict[str, Any]:
        """The bot's first message in reply to `message`, as it was first posted."""
        return await self.sees(
            "MESSAGE_CREATE",
            lambda data: (
                data["author"]["id"] == self.bot_id
                and (data.get("message_reference") or {}).get("message_id") == message["id"]
            ),
            deadline_s,
        )
