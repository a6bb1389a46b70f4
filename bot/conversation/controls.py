"""What the buttons under an answer do, and who may press them. They work after a restart.

Everything that a press needs is in the button's custom id, in history and on Discord. It does not know how an answer
is made.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Self

import discord
import structlog

from bot.commands.answering import tell
from bot.conversation.answer import CUT_OFF
from bot.conversation.buttons import TEMPLATE, Action, Target, after_failure, custom_id, view_of
from bot.conversation.newest import Newest
from bot.conversation.order import Kind, Order, Page
from bot.conversation.pace import Pace
from bot.conversation.pausing import Pauses
from bot.conversation.running import Replies, Why, places_of
from bot.conversation.standing import StandingReplies
from bot.conversation.streaming import TROUBLE
from bot.conversation.turn import Turns
from bot.errands import Errands
from bot.errors import Refusal, explain, is_expected
from bot.gate import Gate
from bot.limits import PersonalLimits

log = structlog.get_logger()

NOT_YOURS = "Only the person who asked, and moderators, can use these buttons."
NOT_WRITTEN = "That answer is no longer being written."
QUESTION_GONE = "The question is gone, so I cannot answer it again. Please ask anew."
IN_WORK = "I am already working on that."
NOT_NEWEST = "Somebody has answered this already, or it is a while ago. Please ask anew, or reply to it."
PAGES_GONE = "I was restarted since, and know only the answer that stands here."
SEARCHED = 100
"""Messages after a reply of an earlier run among which an answer to it is looked for."""

Button = discord.ui.Button[discord.ui.View]
_KINDS = {Action.RETRY: Kind.ANSWER, Action.AGAIN: Kind.AGAIN, Action.CONTINUE: Kind.CONTINUE}


class Controls:
    """Deals with presses. Nothing that goes wrong with one leaves it."""

    def __init__(
        self,
        *,
        turns: Turns,
        replies: Replies,
        newest: Newest,
        standing: StandingReplies,
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
        self._pauses = pauses
        self._limits = limits
        self._gate = gate
        self._errands = errands
        self._pace = pace
        self._in_work: set[int] = set()

    def press(self, interaction: discord.Interaction, action: Action, target: Target) -> None:
        """Somebody pressed a button; what follows may take as long as an answer."""
        self._errands.run(self._pressed(interaction, action, target), f"button {action}")

    async def _pressed(self, interaction: discord.Interaction, action: Action, target: Target) -> None:
        try:
            await interaction.response.defer()
            if not _may_press(interaction, target):
                raise Refusal(NOT_YOURS)
            if interaction.message is None:
                return
            if action is Action.STOP:
                await self._stop(interaction.message, target)
            else:
                await self._once(interaction, interaction.message, action, target)
        except Exception as error:  # the edge: whatever it was, the log has the cause
            trace = None if is_expected(error) else error
            log.log(explain(error).level, "press failed", action=action, error=repr(error), exc_info=trace)
            try:
                await tell(interaction, explain(error).sentence)
            except TROUBLE as silenced:
                log.warning("nobody could be told", action=action, error=str(silenced))

    async def _stop(self, message: discord.Message, target: Target) -> None:
        running = self._replies.to(target.question_id)
        if running is not None:
            running.stop(Why.PRESSED)
            return
        await message.edit(view=view_of(after_failure(target)))  # a reply that a restart has ended
        raise Refusal(NOT_WRITTEN)

    async def _once(
        self, interaction: discord.Interaction, message: discord.Message, action: Action, target: Target
    ) -> None:
        """Do it, unless the same is being done: two presses within a moment are one."""
        running = self._replies.to(target.question_id)
        if target.question_id in self._in_work or (running is not None and not running.is_shown):
            raise Refusal(IN_WORK)
        self._in_work.add(target.question_id)
        try:
            if action is Action.PAGE:
                await self._turn_page(message, target)
                return
            with self._limits.request(interaction.user.id):
                await self._write(interaction, message, action, target)
        finally:
            self._in_work.discard(target.question_id)

    async def _write(
        self, interaction: discord.Interaction, message: discord.Message, action: Action, target: Target
    ) -> None:
        self._pauses.require_none(*places_of(message))
        await self._gate.for_interaction(interaction)
        if action is not Action.RETRY:
            await self._require_newest(message)
        order = await self._order(action, message)
        question = await _question(interaction, target)
        asker = interaction.user if interaction.user.id == target.asker_id else None
        async with self._turns.begun(question, asker_id=target.asker_id, asker=asker) as running:
            await self._turns.answer(running, order)

    async def _order(self, action: Action, message: discord.Message) -> Order:
        """What is wanted, beside the answers that there are; of those of an earlier run only the one that is shown."""
        known = self._newest.of([message.id])
        if action is Action.RETRY or known is None:
            standing = await self._standing.of(message)
            pages = (Page(standing.text, standing.footer, CUT_OFF in standing.footer),) if standing.text else ()
            return Order(_KINDS[action], standing, 0, pages)
        return Order(_KINDS[action], known.standing, known.number, known.pages)

    async def _turn_page(self, message: discord.Message, target: Target) -> None:
        """Show another of the answers."""
        await self._require_newest(message)
        known = self._newest.of([message.id])
        if known is None or target.number >= len(known.pages):
            raise Refusal(PAGES_GONE)
        await self._turns.show(known, target.number, message)

    async def _require_newest(self, message: discord.Message) -> None:
        """What somebody replied to must not change any more. Raises Refusal, and takes the buttons away."""
        known = self._newest.of([message.id])
        if known is None and not await self._was_newest(message):
            await self._newest.strip(message)
            raise Refusal(NOT_NEWEST)
        if known is not None and known.is_answered:
            await self._newest.strip(message)
            raise Refusal(NOT_NEWEST)

    async def _was_newest(self, message: discord.Message) -> bool:
        """Whether a reply of an earlier run is still young, and nobody has said anything to it since."""
        age = self._pace.clock.utc() - (message.edited_at or message.created_at)
        if age > timedelta(seconds=self._pace.controls_s):
            return False
        if self._standing.flows(message.channel):
            return not [later async for later in message.channel.history(limit=1, after=message)]
        later = [one async for one in message.channel.history(limit=SEARCHED, after=message)]
        return not any(one.reference and one.reference.message_id == message.id for one in later)


def reply_button(controls: Controls) -> type[discord.ui.DynamicItem[Button]]:
    """The item to register with the client: discord.py makes one for every press on a button with such a custom id."""

    class ReplyButton(discord.ui.DynamicItem[Button], template=TEMPLATE):
        def __init__(self, action: Action, target: Target) -> None:
            super().__init__(discord.ui.Button(custom_id=custom_id(action, target)))
            self._action = action
            self._target = target

        @classmethod
        async def from_custom_id(
            cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
        ) -> Self:
            target = Target(int(match["question"]), int(match["asker"]), int(match["number"]))
            return cls(Action(match["action"]), target)

        async def callback(self, interaction: discord.Interaction) -> None:
            controls.press(interaction, self._action, self._target)

    return ReplyButton


def _may_press(interaction: discord.Interaction, target: Target) -> bool:
    is_moderator = interaction.guild_id is not None and interaction.permissions.manage_messages
    return interaction.user.id == target.asker_id or is_moderator


async def _question(interaction: discord.Interaction, target: Target) -> discord.Message:
    """The question as it is now. Raises Refusal where it was deleted."""
    channel = interaction.channel
    if not isinstance(channel, discord.abc.Messageable):
        raise Refusal(QUESTION_GONE)
    place: discord.abc.Messageable = channel
    if isinstance(channel, discord.Thread) and channel.id == target.question_id:  # it was opened for the answer
        if not isinstance(channel.parent, discord.TextChannel):
            raise Refusal(QUESTION_GONE)
        place = channel.parent
    try:
        return await place.fetch_message(target.question_id)
    except discord.NotFound:
        raise Refusal(QUESTION_GONE) from None
