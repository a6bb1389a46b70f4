"""Every message once: those that Discord sends twice, and those that were said while the gateway's session was lost.

A session that is resumed brings everything that was missed; a new one brings nothing, so the channels in which somebody
spoke lately are read again. What is older than a question stays fresh is left to the next use of its channel. It does
not know what is done with a message.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import timedelta

import discord
import structlog

from bot.clock import Clock
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands

log = structlog.get_logger()

REMEMBERED = 2_000
"""Messages whose second coming is noticed."""
CHANNELS = 50
"""Those that are read again: the ones in which somebody spoke last."""
READ_AGAIN = 50
"""Messages of each at most: one request."""
FRESH = timedelta(minutes=5)
"""Nobody waits longer for the answer to a question that was lost."""

Receive = Callable[[discord.Message], Coroutine[object, object, None]]
_Last = tuple["discord.abc.MessageableChannel", int]  # only type checkers know that name
"""A channel and the id of the last message in it: what it says is not kept here."""


class Hearing:
    """Hands each message on, in a task of its own."""

    def __init__(self, receive: Receive, errands: Errands, clock: Clock) -> None:
        self._receive = receive
        self._listeners: list[Callable[[discord.Message], None]] = []
        self._errands = errands
        self._clock = clock
        self._heard: OrderedDict[int, None] = OrderedDict()
        self._last: OrderedDict[int, _Last] = OrderedDict()
        self._before: list[_Last] | None = None

    def also(self, listener: Callable[[discord.Message], None]) -> None:
        """`listener` gets each message, too, in the order of arrival; it must not wait for anything."""
        self._listeners.append(listener)

    def hears(self, message: discord.Message) -> None:
        """Somebody said something."""
        if message.id in self._heard:
            return
        self._heard[message.id] = None
        self._last[message.channel.id] = (message.channel, message.id)
        self._last.move_to_end(message.channel.id)
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)
        if len(self._last) > CHANNELS:
            self._last.popitem(last=False)
        self._errands.run(self._receive(message), "message")
        for listener in self._listeners:
            listener(message)

    async def hears_late(self, message: discord.Message) -> None:
        """Somebody said something while nobody listened: which roles they have, Discord tells with events only."""
        if message.id in self._heard:
            return
        if message.guild is not None and not isinstance(message.author, discord.Member):
            with contextlib.suppress(*TROUBLE):
                message.author = await message.guild.fetch_member(message.author.id)
        self.hears(message)

    def is_cut_off(self) -> None:
        """The socket is gone; nothing is heard until a session goes on or begins."""
        if self._before is None:
            self._before = list(self._last.values())

    def goes_on(self) -> None:
        """The session was resumed: Discord sends what was said meanwhile by itself."""
        self._before = None

    async def catch_up(self) -> None:
        """A new session has begun: what was said since the last one, as far as it is still fresh."""
        before, self._before = self._before or [], None
        for channel, last_id in before:
            after = discord.Object(last_id)
            try:
                missed = [found async for found in channel.history(limit=READ_AGAIN, after=after)]
            except TROUBLE as error:
                log.warning("channel not read again", channel=channel.id, error=str(error))
                continue
            for message in missed:
                if self._clock.utc() - message.created_at <= FRESH:
                    await self.hears_late(message)
