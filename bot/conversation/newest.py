"""The newest reply of each conversation: the only one with buttons, until somebody answers it or time is over.

It takes the buttons away again. It does not know what they do, nor what the replies say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import discord
import structlog

from bot.conversation.channel_clock import ChannelClocks
from bot.conversation.order import Page
from bot.conversation.pace import Pace
from bot.conversation.streaming import TROUBLE, AnyMessage, Standing
from bot.errands import Errands

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class Finished:
    """A reply that is complete, as it stands on Discord, and the answers of which it shows the one numbered `number`.

    `key` is its conversation's."""

    key: int
    question: discord.Message
    asker_id: int
    standing: Standing
    number: int = 0
    pages: tuple[Page, ...] = ()
    is_answered: bool = False

    @property
    def messages(self) -> Sequence[AnyMessage]:
        return [shown.message for shown in self.standing.messages]

    @property
    def last(self) -> AnyMessage:
        return self.messages[-1]


class Newest:
    """Remembers the replies that have buttons; those of an earlier run are not known here."""

    def __init__(self, clocks: ChannelClocks, errands: Errands, pace: Pace) -> None:
        self._clocks = clocks
        self._errands = errands
        self._pace = pace
        self._finished: dict[int, Finished] = {}

    def put(self, finished: Finished) -> None:
        """This is the newest reply of its conversation now; the one before loses its buttons."""
        before = self._finished.get(finished.key)
        self._finished[finished.key] = finished
        if before is not None and before.last.id != finished.last.id:
            self._errands.run(self.strip(before.last), "buttons")
        self._errands.run(self._expire(finished), "buttons")

    def heard(self, message: discord.Message, *, flows: bool) -> None:
        """Somebody said something: what it answers keeps the words that it was answered for.

        The buttons go a little later, with the next reply: right now Discord's limits are needed for that one."""
        answered = message.reference.message_id if message.reference else None
        for finished in self._finished.values():
            replied = answered in [part.id for part in finished.messages]
            if replied or (flows and finished.key == message.channel.id):
                finished.is_answered = True

    def of(self, message_ids: Collection[int]) -> Finished | None:
        """The newest reply of some conversation, if one of these messages is part of it."""
        return next(
            (one for one in self._finished.values() if any(part.id in message_ids for part in one.messages)), None
        )

    def to(self, question_id: int) -> Finished | None:
        """The newest reply of some conversation, if it answers this message."""
        return next((one for one in self._finished.values() if one.question.id == question_id), None)

    async def strip(self, message: AnyMessage) -> None:
        """Take the buttons from under this message."""
        try:
            async with self._clocks.of(message.channel.id).slot():
                await message.edit(view=None)
        except TROUBLE as error:
            log.info("buttons stay", message=message.id, error=str(error))

    async def _expire(self, finished: Finished) -> None:
        await self._pace.clock.sleep(self._pace.controls_s)
        if self._finished.get(finished.key) is finished:
            del self._finished[finished.key]
            await self.strip(finished.last)
