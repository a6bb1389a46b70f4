"""An answer on Discord while it grows: posted at the first sentence, then edited at Discord's pace.

One clock per channel says when the next request may go out, by how long the last one took; no two are ever in flight
for one answer. It does not know where the text comes from, nor what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

import aiohttp
import discord
import structlog

from bot.conversation.rendering import Part, has_sentence, render

log = structlog.get_logger()

EDIT_INTERVAL_S = 1.0
"""Discord lets a bot send or edit about five messages per five seconds in one channel."""
PATIENCE_FACTOR = 2.0
"""A request that took t seconds (discord.py waits inside it when it is limited) is followed by none for 2 t."""
FIRST_POST_S = 1.5
"""The first post waits for a whole sentence, since phones notify with it, but not longer than this for any text."""
TYPING_S = 8.0
"""Discord shows the typing indicator for ten seconds."""
CANNOT_REPLY_WITHOUT_HISTORY = 160002
"""Discord's error code for a reply where Read Message History is not granted."""
FAILURES_IN_A_ROW = 3
"""Edits that may fail before it is given up; discord.py has tried each several times by then."""
TROUBLE = (discord.HTTPException, aiohttp.ClientError, OSError)
"""Ways in which a request to Discord fails."""

OnPosted = Callable[[discord.Message, Part, discord.Message], Awaitable[None]]
"""Called for each new message of an answer, with its part and the message that it replies to."""


class ChannelClock:
    """When the next request in one channel may go out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._next = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for this channel's turn, then hold it while one request runs."""
        async with self._lock:
            await asyncio.sleep(max(0.0, self._next - self._clock()))
            begun = self._clock()
            try:
                yield
            finally:
                took = self._clock() - begun
                self._next = begun + max(EDIT_INTERVAL_S, PATIENCE_FACTOR * took)


class ChannelClocks:
    """The clocks of the channels in which something is being said."""

    def __init__(self) -> None:
        self._clocks: WeakValueDictionary[int, ChannelClock] = WeakValueDictionary()

    def of(self, channel_id: int) -> ChannelClock:
        """The one clock of this channel."""
        clock = self._clocks.get(channel_id)
        if clock is None:
            clock = self._clocks[channel_id] = ChannelClock()
        return clock


class LiveReply:
    """One answer that replies to `question`. Use it with `async with`: leaving it stops typing and editing.

    `show` may be called as often as text comes; `finish` returns when Discord shows the end exactly, or when somebody
    deleted what was shown.
    """

    def __init__(self, question: discord.Message, clock: ChannelClock, on_posted: OnPosted) -> None:
        self._question = question
        self._clock = clock
        self._on_posted = on_posted
        self._text, self._footer = "", ""
        self._first_text_at: float | None = None
        self._final = False
        self._changed = asyncio.Event()
        self._posted: list[tuple[discord.Message, Part]] = []
        self._typing: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._over = False
        self._failures = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be shown: the reply was deleted, or may not be written."""
        return self._over

    @property
    def posted(self) -> list[tuple[discord.Message, Part]]:
        """The messages so far, each with the part that it shows."""
        return list(self._posted)

    async def __aenter__(self) -> Self:
        self._typing = asyncio.create_task(self._keep_typing())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._typing, self._writer) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def show(self, text: str) -> None:
        """This is the answer so far; blank text changes nothing."""
        if not text.strip():
            return
        self._text, self._footer = text, ""
        if self._first_text_at is None:
            self._first_text_at = time.monotonic()
        self._keep_up()

    def remark(self, footer: str) -> None:
        """Say this until there is an answer."""
        self._footer = footer
        self._keep_up()

    async def finish(self, text: str, footer: str = "") -> None:
        """This is the whole answer. Raises what discord.py raises when it cannot be shown."""
        self._text, self._footer, self._final = text, footer, True
        self._keep_up()
        if self._writer is not None:
            await self._writer

    def _keep_up(self) -> None:
        """See to it that the writer is at work while there is something to write."""
        self._changed.set()
        if not self._over and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Bring Discord up to date; once the answer is deleted or may not be written, there is nothing more to do."""
        try:
            while self._next_late() is not None:
                if await self._is_time_to_post():
                    async with self._clock.slot():
                        await self._one_request()
        except TROUBLE as error:
            self._over = True
            if not isinstance(error, discord.NotFound):
                raise

    async def _is_time_to_post(self) -> bool:
        """Whether something may be shown now; else waits for more text, or for the moment when it may."""
        if self._posted or self._final or self._first_text_at is None or has_sentence(self._text):
            return True
        self._changed.clear()
        left = self._first_text_at + FIRST_POST_S - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0)):
                await self._changed.wait()
        except TimeoutError:
            return True
        return False

    def _next_late(self) -> tuple[int, Part | None] | None:
        """The first message that is not as it should be: its index and what it should show (None: it should go)."""
        parts = render(self._text, self._footer)
        for index, part in enumerate(parts):
            if index >= len(self._posted) or self._posted[index][1].shown != part.shown:
                return index, part
            self._posted[index] = (self._posted[index][0], part)
        return (len(parts), None) if len(parts) < len(self._posted) else None

    async def _one_request(self) -> None:
        late = self._next_late()
        if late is None:
            return
        index, part = late
        if part is None:
            message, _ = self._posted.pop()
            await message.delete()
        elif index < len(self._posted):
            await self._edit(index, part)
        else:
            await self._post(part)

    async def _post(self, part: Part) -> None:
        if self._typing is not None:
            self._typing.cancel()
        before = self._posted[-1][0] if self._posted else self._question
        message = await self._send(part.shown, before)
        self._posted.append((message, part))
        await self._on_posted(message, part, before)

    async def _edit(self, index: int, part: Part) -> None:
        """A failed edit is only logged at first: the next one, a little later, brings everything up to date."""
        message, _ = self._posted[index]
        try:
            await message.edit(content=part.shown)
        except TROUBLE as error:
            self._failures += 1
            if self._failures == FAILURES_IN_A_ROW or isinstance(error, discord.NotFound | discord.Forbidden):
                raise
            log.warning("edit failed", message=message.id, error=str(error))
            return
        self._failures = 0
        self._posted[index] = (message, part)

    async def _send(self, content: str, before: discord.Message) -> discord.Message:
        """Reply without a ping, even when the question is gone by now or its history may not be read."""
        reference = before.to_reference(fail_if_not_exists=False)
        try:
            return await self._question.channel.send(content, reference=reference, mention_author=False)
        except discord.HTTPException as error:
            if error.code != CANNOT_REPLY_WITHOUT_HISTORY:
                raise
            return await self._question.channel.send(content)

    async def _keep_typing(self) -> None:
        with contextlib.suppress(*TROUBLE):
            while True:
                await self._question.channel.typing()
                await asyncio.sleep(TYPING_S)
