"""A playground in this process, without rate limits, whose people talk as fast as the bot's socket takes it.

It measures nothing: the bot is another process, and hears everything over the real gateway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn

from benchmarks import load, town
from playground import message_payloads, seed
from playground.__main__ import listen
from playground.app import create_app
from playground.faults import Faults
from playground.limits import Limits, Rule
from playground.models import Channel, Guild, Message, Payload, Role, User
from playground.parts import Parts, build
from playground.permissions import EVERYONE
from playground.snowflake import now
from playground.store import Store

ENDLESS = Rule(1_000_000, 1.0)
IN_FLIGHT = 100
"""Events that may wait for the socket; a session keeps 2,000."""
POST = "POST /channels/{channel_id}/messages"


class Counted(Faults):
    """No faults, but a count of the events that went to the bot."""

    def __init__(self) -> None:
        super().__init__()
        self.to_bot = 0

    def sent(self, *, by_bot: bool) -> None:
        self.to_bot += by_bot


@dataclass
class Loud:
    """`url` is where the bot connects."""

    parts: Parts
    url: str
    counted: Counted

    @property
    def guild(self) -> Guild:
        """The server that a playground comes with."""
        return next(iter(self.parts.world.guilds.values()))

    @property
    def posts(self) -> int:
        """Messages that the bot has posted."""
        return self.parts.limits.asked[POST]

    def people(self, count: int) -> list[User]:
        """New people, who are nowhere yet."""
        return [self.parts.world.add_user(f"person {number}") for number in range(count)]

    def found(self, name: str, people: Iterable[User], channels: int, roles: int) -> Guild:
        """A new server of these people, to which the bot is invited at once."""
        world = self.parts.world
        guild = Guild(world.snowflakes.next(), name, owner_id=self.guild.owner_id)
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE, position=0)
        for number in range(1, roles + 1):
            role = Role(world.snowflakes.next(), f"role {number}", EVERYONE, position=number + 1)
            guild.roles[role.id] = role
        world.guilds[guild.id] = guild
        town.settle(world, guild, [world.users[guild.owner_id], *people])
        for number in range(channels):
            town.open_channel(world, guild, f"channel-{number}")
        seed.invite_bot(world, guild)
        self.parts.broadcast.member_joined(guild, world.bot)
        return guild

    def said(self, author: User, channel: Channel, text: str) -> Payload:
        """What the gateway says about a message; the playground itself does not keep it."""
        world = self.parts.world
        message = Message(world.snowflakes.next(), channel.id, author.id, text, created_at=now())
        return message_payloads.event(world, self.url, message, world.bot.id)

    async def tell(self, events: Iterable[Payload]) -> None:
        """Sends these messages to the bot, as fast as its socket takes them; returns when all are on their way."""
        bot = self.parts.world.bot.id
        session = next(one for one in self.parts.sessions.all.values() if one.user.id == bot)
        begun = self.counted.to_bot
        for pushed, event in enumerate(events, 1):
            session.push("MESSAGE_CREATE", event)
            while pushed - (self.counted.to_bot - begun) >= IN_FLIGHT:  # noqa: ASYNC110 - the socket tells nobody
                await asyncio.sleep(0.001)

    async def bot_is_there(self) -> None:
        await until(lambda: self.parts.sessions.online(self.parts.world.bot.id))


@asynccontextmanager
async def playground() -> AsyncIterator[Loud]:
    """It runs while the block does."""
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with Store(None) as store:
        parts, counted = build(store, url), Counted()
        parts.limits = Limits({}, otherwise=ENDLESS, everything=ENDLESS)
        parts.gateway.faults = counted
        config = uvicorn.Config(create_app(parts), log_level=logging.ERROR, timeout_graceful_shutdown=1, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await until(lambda: server.started)
            yield Loud(parts, url, counted)
        finally:
            server.should_exit = True
            await serving


async def until(condition: Callable[[], bool], within_s: float = load.START_S) -> None:
    """Returns when it holds; raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - another process does it: there is nothing to subscribe to
            await asyncio.sleep(0.02)
