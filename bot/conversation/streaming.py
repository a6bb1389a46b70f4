"""An answer on Discord while it grows: posted at the first sentence, then edited at Discord's pace.

The channel's clock says when the next request may go out; no two are ever in flight for one answer. It does not know
where the text comes from, what the buttons do, nor what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import aiohttp
import discord
import structlog

from bot.conversation.buttons import Buttons, view_of
from bot.conversation.channel_clock import ChannelClock
from bot.conversation.layout import Wanted, layout, may_attach, of_earlier, uploads
from bot.conversation.own_text import Checked, OwnText
from bot.conversation.pace import Pace
from bot.conversation.rendering import Part, has_sentence
from bot.conversation.replying import replied
from bot.conversation.shown import AnyMessage, Shown, Standing

log = structlog.get_logger()

FIRST_POST_S = 1.5
"""The first post waits for a whole sentence, since phones notify with it, but not longer than this for any text."""
TYPING_S = 8.0
"""Discord shows the typing indicator for ten seconds."""
FAILURES_IN_A_ROW = 3
"""Requests that may fail before it is given up; discord.py has tried each several times by then."""
NONCE_BITS = 63
TOO_MANY_REQUESTS = 429
TROUBLE = (discord.HTTPException, aiohttp.ClientError, OSError)
"""Ways in which a request to Discord fails."""

OnPosted = Callable[[AnyMessage, Part, AnyMessage], Awaitable[None]]
"""Called for each new message of an answer, with its part and the message that it replies to."""


class LiveReply:
    """One answer that replies to `question`. Use it with `async with`: leaving it stops typing and editing.

    `show` may be called as often as text comes; `finish` returns when Discord shows the end exactly, or when somebody
    deleted what was shown. `buttons` stand under it while it grows; `standing` is an answer that it replaces. What is
    asked now may be answered late: then the answer is a new message that pings the author of `question`. `room`: the
    thread that the answer goes into, where that is not the place of the question. Not `is_live`:
    nothing is shown but the end.
    """

    def __init__(
        self,
        question: discord.Message,
        clock: ChannelClock,
        on_posted: OnPosted,
        pace: Pace,
        *,
        buttons: Buttons = (),
        standing: Standing | None = None,
        own: OwnText | None = None,
        is_live: bool = True,
        room: discord.Thread | None = None,
    ) -> None:
        self.question = question
        self._room = room
        self._is_live = is_live
        self._clock = clock
        self._on_posted = on_posted
        self._time = pace.clock
        self._buttons = buttons
        self._own = own
        self._checked: tuple[str, Checked] | None = None
        self._standing = (standing.text, standing.footer) if standing else ("", "")
        self._text, self._footer = self._standing
        self._posted: list[Shown] = list(standing.messages) if standing else []
        self._outdated: list[Shown] = []
        self._late_at = self._time.now() + pace.late_s
        self._pings = False
        self._first_text_at: float | None = None
        self._has_begun = False
        self._final = False
        self._changed = asyncio.Event()
        self._typing: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._over = False
        self._failures = 0
        self._nonce = secrets.randbits(NONCE_BITS)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be shown: the reply was deleted, or may not be written."""
        return self._over

    @property
    def is_taken_back(self) -> bool:
        """Whether the answer so far has words in it that Steward does not say: nothing more of it is needed."""
        return self._checked is not None and self._checked[1].is_hit

    @property
    def posted(self) -> list[Shown]:
        """The messages so far, each with what it shows."""
        return list(self._posted)

    async def __aenter__(self) -> Self:
        self._typing = asyncio.create_task(self._keep_typing())
        if self._posted and self._is_live:
            self._keep_up()
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
        if not text.strip() or not self._is_live:
            return
        if self._first_text_at is None:
            self._first_text_at = self._time.now()
            self._see_whether_late()
        self._text, self._footer = text, ""
        self._keep_up()

    def begin_anew(self) -> None:
        """Another answer comes, to `question`; what is shown stays until it does, and no more of it is shown."""
        if self._has_begun:
            self._standing = self._presentable(), self._footer
        if self._first_text_at is not None:
            self._text, self._footer = self._standing
        self._first_text_at, self._has_begun, self._checked = None, False, None

    def remark(self, footer: str) -> None:
        """Say this until there is an answer."""
        if self._footer != footer and self._is_live:
            self._footer = footer
            self._keep_up()

    async def finish(self, text: str, footer: str = "", buttons: Buttons = ()) -> None:
        """This is the whole answer. Raises what discord.py raises when it cannot be shown."""
        if self._first_text_at is None:
            self._see_whether_late()
        self._text, self._footer, self._buttons, self._final = text, footer, buttons, True
        self._keep_up()
        if self._writer is not None:
            await self._writer

    def _see_whether_late(self) -> None:
        """Whoever waited long looks elsewhere by now: remarks give way to a new message, which pings."""
        if self._time.now() > self._late_at and not self._text:
            self._outdated, self._posted, self._pings = self._posted, [], True

    def _keep_up(self) -> None:
        """See to it that the writer is at work while there is something to write."""
        self._changed.set()
        if not self._over and (self._writer is None or self._writer.done()):
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Bring Discord up to date; once the answer is deleted or may not be written, there is nothing more to do."""
        try:
            while self._next_late() is not None or self._has_outdated:
                if await self._is_time_to_post():
                    async with self._clock.slot():
                        await self._one_request()
        except TROUBLE as error:
            self._over = True
            if not isinstance(error, discord.NotFound):
                raise

    async def _is_time_to_post(self) -> bool:
        """Whether something may be shown now; else waits for more text, or for the moment when it may."""
        if self._has_begun or self._final or self._first_text_at is None or has_sentence(self._presentable()):
            return True
        self._changed.clear()
        left = self._first_text_at + FIRST_POST_S - self._time.now()
        try:
            async with asyncio.timeout(max(left, 0)):
                await self._changed.wait()
        except TimeoutError:
            return True
        return False

    @property
    def _has_outdated(self) -> bool:
        """Whether remarks stand that have given way to the answer."""
        return bool(self._outdated and (self._posted or self._final))

    def _presentable(self) -> str:
        """The text as far as it may be seen: looked at once for each edit, not for each word that comes."""
        if self._own is None or self._final or self._first_text_at is None:
            return self._text
        if self._checked is None or self._checked[0] != self._text:
            self._checked = self._text, self._own.checked(self._text, is_whole=False)
        return self._checked[1].shown

    def _wanted(self) -> list[Wanted]:
        """What the messages should show."""
        attaches = may_attach(self.question.channel)
        text = self._presentable()
        return layout(text, self._footer, self._buttons, is_whole=self._final, may_attach=attaches)

    def _next_late(self) -> tuple[int, Wanted | None] | None:
        """The first message that is not as it should be: its index and what it should show (None: it should go)."""
        wanted = self._wanted()
        for index, state in enumerate(wanted):
            if index >= len(self._posted):
                return index, state
            now = self._posted[index]
            if not now.state.looks_like(state):
                return index, state
            self._posted[index] = Shown(now.message, state)
        return (len(wanted), None) if len(wanted) < len(self._posted) else None

    async def _one_request(self) -> None:
        """Bring one message up to date. A failure is only logged at first: the next request tries again."""
        try:
            await self._mend(self._next_late())
        except TROUBLE as error:
            self._failures += 1
            if self._failures == FAILURES_IN_A_ROW or _is_final(error):
                raise
            log.warning("request failed", message=self.question.id, error=str(error))
        else:
            self._failures = 0

    async def _mend(self, late: tuple[int, Wanted | None] | None) -> None:
        if late is None:
            if self._outdated:
                await _delete(self._outdated[-1].message)
                self._outdated.pop()
            return
        index, wanted = late
        if wanted is None:
            await _delete(self._posted[-1].message)
            self._posted.pop()
        elif index < len(self._posted):
            await self._edit(index, wanted)
        else:
            await self._post(wanted)
        self._has_begun = self._has_begun or self._first_text_at is not None

    async def _post(self, state: Wanted) -> None:
        """Post a part. One that failed may be on Discord all the same: then it is this one, with what it said then."""
        if self._typing is not None and self._text:
            self._typing.cancel()
        before = self._posted[-1].message if self._posted else self.question
        message = await self._send(state, before)
        self._posted.append(Shown(message, of_earlier(state) if self._failures else state))
        self._nonce = secrets.randbits(NONCE_BITS)
        await self._on_posted(message, state.part, before)

    async def _edit(self, index: int, state: Wanted) -> None:
        now = self._posted[index]
        await now.message.edit(
            content=state.part.shown,
            view=discord.utils.MISSING if now.state.buttons == state.buttons else view_of(state.buttons or ()),
            attachments=discord.utils.MISSING if now.state.file == state.file else uploads(state.file),
        )
        self._posted[index] = Shown(now.message, state)

    async def _send(self, state: Wanted, before: AnyMessage) -> discord.Message:
        """Reply, even when the question is gone or its history may not be read; only who waited long is pinged."""
        channel, view = self._room or self.question.channel, view_of(state.buttons or ()) or discord.utils.MISSING
        content = state.part.shown
        if before.channel.id != channel.id:  # a reply to what stands elsewhere there cannot be
            return await channel.send(content, view=view, nonce=self._nonce)
        pings = self._pings and not self._posted

        async def send(reference: discord.MessageReference | None) -> discord.Message:
            files, nonce = uploads(state.file), self._nonce
            if reference is None:
                return await channel.send(content, view=view, files=files, nonce=nonce)
            return await channel.send(
                content, reference=reference, mention_author=pings, view=view, files=files, nonce=nonce
            )

        return await replied(before, send)

    async def _keep_typing(self) -> None:
        with contextlib.suppress(*TROUBLE):
            while True:
                await (self._room or self.question.channel).typing()
                await self._time.sleep(TYPING_S)


async def _delete(message: AnyMessage) -> None:
    """See to it that a message is gone, whoever deletes it."""
    with contextlib.suppress(discord.NotFound):
        await message.delete()


def _is_final(error: Exception) -> bool:
    """Whether Discord will never take this request: what it refuses stays refused, what breaks may work again."""
    return isinstance(error, discord.HTTPException) and error.status < 500 and error.status != TOO_MANY_REQUESTS
