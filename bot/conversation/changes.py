"""What happens to a question after it was said: it is edited, deleted, or posted again by a proxy.

It does not know how an answer is made, nor how the stored copies follow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import discord
import structlog

from bot.conversation.intake import Intake, replied_to
from bot.conversation.newest import Finished, Newest
from bot.conversation.order import Order
from bot.conversation.pace import Pace
from bot.conversation.pausing import Pauses
from bot.conversation.pictures import Pictures
from bot.conversation.proxies import Proxies
from bot.conversation.running import Replies, Why, places_of
from bot.conversation.standing import StandingReplies
from bot.conversation.turn import Turns
from bot.errands import Errands
from bot.errors import Refusal
from bot.gate import Gate
from bot.limits import PersonalLimits
from storage.history import Edit, History

log = structlog.get_logger()


class Changes:
    """Brings answers up to date with their questions. Methods raise StorageError and discord's errors."""

    def __init__(
        self,
        *,
        turns: Turns,
        replies: Replies,
        newest: Newest,
        standing: StandingReplies,
        intake: Intake,
        pictures: Pictures,
        history: History,
        proxies: Proxies,
        pauses: Pauses,
        limits: PersonalLimits,
        gate: Gate,
        errands: Errands,
        pace: Pace,
    ) -> None:
        self._turns = turns
        self._replies = replies
        self._newest = newest
        self._standing = standing
        self._intake = intake
        self._pictures = pictures
        self._history = history
        self._proxies = proxies
        self._pauses = pauses
        self._limits = limits
        self._gate = gate
        self._errands = errands
        self._pace = pace

    async def deleted(self, message_ids: Collection[int]) -> None:
        """Nobody waits for an answer to what was deleted, unless a proxy says it again in a moment."""
        originals = [found for message_id in message_ids if (found := self._asked(message_id)) is not None]
        if not self._proxies.are_allowed or not originals:
            self._replies.deleted(message_ids)
        self._pictures.forget(message_ids)
        self._newest.forget(message_ids)
        await self._intake.delete(message_ids)
        if self._proxies.are_allowed:
            for original in originals:
                copy = self._proxies.deleted(original)
                if copy is not None:
                    await self._carry_over(original, copy)
                else:
                    self._errands.run(self._stop_later(original.id), "deleted question")

    async def place_deleted(self, channel_id: int) -> None:
        """A channel or thread was deleted, and with it the questions that are being answered there."""
        self._replies.stop_in(channel_id, Why.DELETED)
        await self._intake.delete_channel(channel_id)

    def is_copy(self, message: discord.Message) -> bool:
        """Whether a proxy says again what somebody said."""
        return self._proxies.wrote(message)

    async def reposted(self, copy: discord.Message) -> None:
        """A proxy's copy takes the place of a question that was, or will be, deleted."""
        original = self._proxies.reposted(copy)
        if original is not None:
            await self._carry_over(original, copy)

    async def edited(self, message: discord.Message) -> None:
        """Another text wants another answer: while one is being written, and for a while after it."""
        edit = await self._intake.edit(message)
        running = self._replies.to(message.id)
        if running is not None and not running.is_ending:
            running.edited(message)
            return
        if running is not None:  # its answer is complete, and stands there in a moment
            await running.shown.wait()
        async with self._replies.alone(message.id):
            await self._edited_afterwards(message, edit)

    async def _edited_afterwards(self, message: discord.Message, edit: Edit) -> None:
        """The answer stands there already."""
        finished = self._newest.to(message.id)
        if finished is not None and self._counts(message, finished, edit) and not await self._is_answered(finished):
            try:
                await self._answer_anew(message, finished)
            except Refusal as refusal:
                log.info("edit not answered", message=message.id, error=str(refusal))

    def _counts(self, message: discord.Message, finished: Finished, edit: Edit) -> bool:
        """Whether an edit is answered: link previews are none."""
        if self._pace.clock.utc() - message.created_at > timedelta(seconds=self._pace.edits_s):
            return False
        return edit is Edit.CHANGED if finished.question is None else finished.question.content != message.content

    async def _is_answered(self, finished: Finished) -> bool:
        """What was replied to stays as it is."""
        if finished.is_restored:
            await self._standing.recall(finished, await finished.last.fetch())
        return finished.is_answered

    async def _answer_anew(self, message: discord.Message, finished: Finished) -> None:
        self._pauses.require_none(*places_of(message))
        with self._limits.request(finished.asker_id):
            await self._gate.require(message.guild, message.channel, message.author)
            async with self._turns.begun(message, asker_id=finished.asker_id) as running:
                await self._turns.answer(running, Order(standing=finished.standing))

    def _asked(self, message_id: int) -> discord.Message | None:
        """A message that is being answered, or was answered lately."""
        running, finished = self._replies.to(message_id), self._newest.to(message_id)
        if running is not None:
            return running.said(message_id)
        return finished.question if finished is not None else None

    async def _stop_later(self, message_id: int) -> None:
        """No copy came in time, so it was really deleted."""
        await self._pace.clock.sleep(self._pace.repost_s)
        self._replies.deleted([message_id])

    async def _carry_over(self, original: discord.Message, copy: discord.Message) -> None:
        """The copy is the question from now on; it answers what the original answered."""
        is_kept = await self._gate.rulebook.keeps(copy.guild, copy.channel)
        if is_kept:
            await self._history.record([replace(self._intake.stored(copy), reply_to=replied_to(original))])
        running, finished = self._replies.to(original.id), self._newest.to(original.id)
        if running is not None:
            running.replaced(original.id, copy)
        elif finished is not None:
            await self._newest.carried_over(finished, copy)
            rows = (await self._history.chain(finished.messages[0].id, 1)).messages if is_kept else []
            await self._history.record([replace(row, reply_to=copy.id) for row in rows])
