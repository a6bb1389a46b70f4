"""The newest reply of each conversation: the only one with buttons, until somebody answers it or time is over.

It takes the buttons away again, also those of an earlier run. It does not know what they do, nor what the replies say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord
import structlog

from bot.conversation.channel_clock import ChannelClocks
from bot.conversation.intake import Keeps
from bot.conversation.layout import Wanted
from bot.conversation.pace import Pace
from bot.conversation.rendering import Part
from bot.conversation.shown import AnyMessage, Shown, Standing
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from storage.errors import StorageError
from storage.open_replies import KeptReply, OpenReplies, Page

log = structlog.get_logger()

Places = Callable[[int, int | None], discord.PartialMessageable]
"""A channel by its id and its server's."""


@dataclass(eq=False, slots=True)
class Finished:
    """A reply that is complete, as it stands on Discord since `since`: the answer `number` to its question.

    `key` is its conversation's. `is_restored`: it is of an earlier run, so that its texts are not known yet, nor
    whether somebody answered it (`StandingReplies.recall` finds out); nor is the question's text, then or later.
    `pages`: the answers to choose from, where nothing is stored."""

    key: int
    question_id: int
    asker_id: int
    standing: Standing
    since: datetime
    number: int = 0
    question: discord.Message | None = None
    is_answered: bool = False
    is_restored: bool = False
    pages: tuple[Page, ...] = ()

    @property
    def messages(self) -> Sequence[AnyMessage]:
        return [shown.message for shown in self.standing.messages]

    @property
    def first(self) -> AnyMessage:
        return self.messages[0]

    @property
    def last(self) -> AnyMessage:
        return self.messages[-1]


class Newest:
    """The replies that have buttons, in memory and, with what these page through, in storage."""

    def __init__(
        self,
        clocks: ChannelClocks,
        errands: Errands,
        pace: Pace,
        open_replies: OpenReplies,
        places: Places,
        keeps: Keeps,
    ) -> None:
        self._clocks = clocks
        self._errands = errands
        self._pace = pace
        self._open = open_replies
        self._places = places
        self._keeps = keeps
        self._finished: dict[int, Finished] = {}
        self._parts: dict[int, Finished] = {}

    async def restore(self) -> None:
        """Take over the replies of an earlier run; their buttons go in time, and at once where it is over.

        Raises StorageError."""
        for kept in await self._open.all():
            channel = self._places(kept.channel_id, kept.guild_id)
            ids = dict.fromkeys((kept.message_id, kept.last_id))
            messages = [Shown(channel.get_partial_message(number), Wanted(Part("", ""), None)) for number in ids]
            finished = Finished(
                kept.conversation,
                kept.question_id,
                kept.person_id,
                Standing(messages),
                kept.since,
                kept.shown,
                is_restored=True,
            )
            self._know(finished)
            self._errands.run(self._expire(finished), "buttons")

    async def put(self, finished: Finished, pages: Sequence[Page]) -> None:
        """This is the newest of its conversation now, and shows one of `pages`; the one before loses its buttons."""
        before = self._finished.get(finished.key)
        self._know(finished)
        if before is not None and before.last.id != finished.last.id:
            self._errands.run(self.strip(before.last), "buttons")
        self._errands.run(self._expire(finished), "buttons")
        try:
            if await self._keeps(finished.last.guild, finished.last.channel):
                await self._open.put(_kept(finished), pages)
            else:
                finished.pages = tuple(pages)
        except StorageError as error:  # they stand, and work until a restart; only there are no other answers to see
            log.error("alternatives not stored", message=finished.last.id, error=str(error))

    async def pages(self, message: AnyMessage) -> tuple[Page, ...]:
        """The answers between which the buttons under this message choose. Raises StorageError."""
        known = self.of([message.id])
        return (known.pages if known is not None else ()) or tuple(await self._open.pages(message.id))

    async def carried_over(self, finished: Finished, copy: discord.Message) -> None:
        """A proxy has said the question again. Raises StorageError."""
        finished.question, finished.question_id = copy, copy.id
        await self._open.asked_by(finished.first.id, copy.id)

    def heard(self, message: discord.Message, *, flows: bool) -> Finished | None:
        """Somebody said something: what it answers keeps the words that it was answered for. The reply that it names.

        The buttons go a little later, with the next reply: right now Discord's limits are needed for that one."""
        answered = message.reference.message_id if message.reference else None
        replied_to = self._parts.get(answered) if answered is not None else None
        goes_on = self._finished.get(message.channel.id) if flows else None
        for finished in (replied_to, goes_on):
            if finished is not None:
                finished.is_answered = True
        return replied_to

    def of(self, message_ids: Collection[int]) -> Finished | None:
        """The newest reply of some conversation, if one of these messages is part of it."""
        return next((self._parts[number] for number in message_ids if number in self._parts), None)

    def to(self, question_id: int) -> Finished | None:
        """The newest reply of some conversation, if it answers this message."""
        return next((one for one in self._finished.values() if one.question_id == question_id), None)

    def forget(self, message_ids: Collection[int]) -> None:
        """These messages were deleted: their texts are not kept with the replies to them, either."""
        for finished in self._finished.values():
            if finished.question_id in message_ids:
                finished.question = None

    def forget_person(self, person_id: int, guild_id: int | None) -> None:
        """Of what this person asked nothing is kept: the buttons under the answers go, since they lead nowhere."""
        for finished in list(self._finished.values()):
            if finished.asker_id == person_id and guild_id in (None, finished.first.guild and finished.first.guild.id):
                self._forget(finished)
                self._errands.run(self.strip(finished.last), "buttons")

    async def strip(self, message: AnyMessage) -> None:
        """Take the buttons from under this message."""
        try:
            async with self._clocks.of(message.channel.id).slot():
                await message.edit(view=None)
        except TROUBLE as error:
            log.info("buttons stay", message=message.id, error=str(error))

    def _know(self, finished: Finished) -> None:
        """It is the newest of its conversation, and known by its messages; the one before no longer is."""
        before = self._finished.get(finished.key)
        if before is not None:
            self._forget(before)
        self._finished[finished.key] = finished
        self._parts |= dict.fromkeys((part.id for part in finished.messages), finished)

    def _forget(self, finished: Finished) -> None:
        del self._finished[finished.key]
        self._parts = {number: one for number, one in self._parts.items() if one is not finished}

    async def _expire(self, finished: Finished) -> None:
        age = (self._pace.clock.utc() - finished.since).total_seconds()
        await self._pace.clock.sleep(max(0.0, self._pace.controls_s - age))
        if self._finished.get(finished.key) is finished:
            self._forget(finished)
            await self.strip(finished.last)
            await self._open.close([finished.first.id])


def _kept(finished: Finished) -> KeptReply:
    guild = finished.first.guild
    return KeptReply(
        message_id=finished.first.id,
        last_id=finished.last.id,
        channel_id=finished.last.channel.id,
        guild_id=guild.id if guild else None,
        conversation=finished.key,
        question_id=finished.question_id,
        person_id=finished.asker_id,
        shown=finished.number,
        since=finished.since,
    )
