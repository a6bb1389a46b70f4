"""A playground on a free port in the test's own loop, people, and discord.py with only its addresses changed."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
import uvicorn
import yarl
from starlette.types import ASGIApp

from playground.__main__ import listen
from playground.app import create_app
from playground.limits import Limits, Rule
from playground.parts import Parts, Timing, build
from playground.store import Store
from tests.playground.openapi import Json, Specification
from tests.playground.people import DEADLINE_S, Person
from tests.playground.watching import Watch
from tests.waiting import until

PATIENT = Timing(answer_within_s=DEADLINE_S)
"""A busy machine must not look like a bot that does not answer."""

ENDLESS = Rule(1_000_000, 1.0)


class Recorder(discord.Client):
    """A bot that remembers what it was told."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.2)
        self.tree = discord.app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.resumes = 0

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py waits 5 s before it identifies anew, for Discord's sake; not here."""

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)

    async def on_resumed(self) -> None:
        self.resumes += 1

    async def message(self, matches: Callable[[discord.Message], bool] = lambda _: True) -> discord.Message:
        await until(lambda: any(map(matches, self.heard)), DEADLINE_S)
        return next(filter(matches, self.heard))


@dataclass
class Running:
    """A playground that runs, and the ways into it."""

    parts: Parts
    watch: Watch
    http: aiohttp.ClientSession
    stack: AsyncExitStack

    @property
    def url(self) -> str:
        return self.parts.base_url

    @property
    def guild_id(self) -> int:
        return next(iter(self.parts.world.guilds))

    def channel_id(self, name: str = "general") -> int:
        return next(one.id for one in self.parts.world.channels.values() if one.name == name)

    async def person(self, name: str, *, listening: bool = True) -> Person:
        async with self.http.get(self.url + "/playground.json") as response:
            told = await response.json()
        person = Person(self.http, self.url, next(one for one in told["people"] if one["name"] == name))
        if listening:
            await person.listen()
            self.stack.push_async_callback(person.leave)
        return person

    async def bot(self, intents: discord.Intents | None = None, client: discord.Client | None = None) -> Json:
        """A client that is ready; it is closed at the end."""
        client = client or Recorder(intents or everything())
        await self.stack.enter_async_context(connected(client))
        return client


def everything() -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = intents.members = True
    return intents


@asynccontextmanager
async def connected(client: discord.Client) -> AsyncIterator[None]:
    running = asyncio.create_task(client.start("playground"))
    try:
        waiting = asyncio.create_task(_ready(client))
        done, _ = await asyncio.wait({running, waiting}, timeout=DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert waiting in done, running.exception() if running.done() else "the bot was not ready in time"
        yield
    finally:
        await client.close()
        await asyncio.gather(running, return_exceptions=True)


async def _ready(client: discord.Client) -> None:
    await until(lambda: client.is_ready(), DEADLINE_S)


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, log_level=logging.ERROR, timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started, DEADLINE_S)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="session")
def specification(material: Path) -> Specification:
    return Specification(material / "discord" / "openapi.json")


@pytest.fixture
def discord_py(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Points discord.py at a playground; nothing else of it is changed."""

    def point(base_url: str) -> None:
        monkeypatch.setattr(discord.http.Route, "BASE", base_url + "/api/v10")
        gateway = yarl.URL(base_url.replace("http", "ws") + "/gateway/")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        monkeypatch.setattr(discord.asset.Asset, "BASE", base_url + "/cdn")

    yield point


Start = Callable[..., Any]


@pytest.fixture
async def start(specification: Specification, discord_py: Callable[[str], None]) -> AsyncIterator[Start]:
    """Starts playgrounds (`state`, `timing`, `limits`); every exchange must have agreed with Discord's document."""
    watches: list[Watch] = []

    @asynccontextmanager
    async def open_one(
        state: Path | None = None, timing: Timing | None = None, limits: Limits | None = None
    ) -> AsyncIterator[Running]:
        async with AsyncExitStack() as stack:
            listener = listen("127.0.0.1", 0)
            base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            discord_py(base_url)
            store = await stack.enter_async_context(Store(state))
            parts = build(store, base_url, timing or PATIENT)
            parts.limits = limits or Limits({}, otherwise=ENDLESS, everything=ENDLESS)
            watch = Watch(create_app(parts), specification)
            watches.append(watch)
            await stack.enter_async_context(serving(watch, listener))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            yield Running(parts, watch, http, stack)

    yield open_one
    assert [problem for watch in watches for problem in watch.problems] == []


@pytest.fixture
async def running(start: Start) -> AsyncIterator[Running]:
    async with start() as one:
        yield one
