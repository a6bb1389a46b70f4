"""What the buttons under an answer do, and who may press them. They work after a restart.

Everything that a press needs is in the button's custom id, in history and on Discord. It does not know how an answer
is made.
"""

from __future__ import annotations

import re
from typing import Self

import discord
import structlog

from bot.commands.answering import tell
from bot.conversation.answer import CUT_OFF
from bot.conversation.buttons import TEMPLATE, Action, Target, after_failure, custom_id, view_of
from bot.conversation.newest import Finished, Newest
from bot.conversation.order import Kind, Order
from bot.conversation.pausing import Pauses
from bot.conversation.running import Replies, Why, places_of
from bot.conversation.shown import Standing
from bot.conversation.standing import StandingReplies
from bot.conversation.streaming import TROUBLE
from bot.conversation.turn import Turns
from bot.errands import Errands
from bot.errors import Refusal, explain, is_expected
from bot.gate import Gate
from bot.language import aloud
from bot.limits import PersonalLimits
from bot.metering import Payer
from storage.open_replies import Page

log = structlog.get_logger()

NOT_YOURS = "Only the person who asked, and moderators, can use these buttons."
NOT_WRITTEN = "That answer is no longer being written."
QUESTION_GONE = "The question is gone, so I cannot answer it again. Please ask anew."
IN_WORK = "I am already working on that."
NOT_NEWEST = "Somebody has answered this already, or it is a while ago. Please ask anew, or reply to it."
SOURCE_GONE = (
    "Something that this answer was made from was deleted, so I no longer have it and cannot go on. Please ask anew."
)
TEXT_GONE = "I no longer have that answer, so I cannot go on with it. Please ask anew, or reply to it."
PAGES_GONE = "I no longer have the other answers, only the one that stands here."

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
    ) -> None:
        self._turns = turns
        self._replies = replies
        self._newest = newest
        self._standing = standing
        self._pauses = pauses
        self._limits = limits
        self._gate = gate
        self._errands = errands

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
        known = self._newest.of([message.id])
        if known is None or known.is_restored:  # a reply that a restart has ended; else it was complete a moment ago
            await message.edit(view=view_of(after_failure(target)))
        raise Refusal(NOT_WRITTEN)

    async def _once(
        self, interaction: discord.Interaction, message: discord.Message, action: Action, target: Target
    ) -> None:
        """Do it, unless the same is being done: two presses within a moment are one."""
        running, alone = self._replies.to(target.question_id), self._replies.alone(target.question_id)
        if alone.locked() or (running is not None and not running.is_ending):
            raise Refusal(IN_WORK)
        async with alone:
            if running is not None:  # its buttons stand there a moment before everything about it is kept
                await running.shown.wait()
            if action is Action.PAGE:
                await self._turn_page(message, target)
                return
            with self._limits.request(interaction.user.id):
                await self._write(interaction, message, action, target)

    async def _write(
        self, interaction: discord.Interaction, message: discord.Message, action: Action, target: Target
    ) -> None:
        self._pauses.require_none(*places_of(message))
        await self._gate.for_interaction(interaction)
        known = self._newest.of([message.id]) if action is Action.RETRY else await self._require_newest(message)
        order = await self._order(action, message, known)
        question = await _question(interaction, known.question_id if known else target.question_id)
        asker = interaction.user if interaction.user.id == target.asker_id else None
        payer = Payer.of(interaction.user, interaction.guild, interaction.channel)
        with aloud(self._gate.rulebook.language_at(interaction)):  # not in the language of whoever pressed
            async with self._turns.begun(question, asker_id=target.asker_id, asker=asker, payer=payer) as running:
                await self._turns.answer(running, order)

    async def _order(self, action: Action, message: discord.Message, known: Finished | None) -> Order:
        """What is wanted, beside the answers that there are; where those are no longer kept, the one that is shown."""
        is_known = known is not None and not known.is_restored
        standing = known.standing if known is not None and is_known else await self._standing.of(message)
        pages = await self._newest.pages(message)
        if action is Action.CONTINUE and await self._standing.is_deleted(standing):
            raise Refusal(SOURCE_GONE)
        if action is Action.CONTINUE and not standing.text:
            raise Refusal(TEXT_GONE)
        if known is not None and known.number < len(pages):
            return Order(_KINDS[action], standing, known.number, pages)
        return Order(_KINDS[action], standing, 0, (_page_of(standing),) if standing.text else ())

    async def _turn_page(self, message: discord.Message, target: Target) -> None:
        """Show another of the answers."""
        known = await self._require_newest(message)
        pages = await self._newest.pages(message)
        if known is not None and target.number < len(pages):
            await self._turns.show(known, pages, target.number, message)
            return
        if known is not None:
            await self._turns.show(known, (_page_of(known.standing),), 0, message)
        raise Refusal(PAGES_GONE)

    async def _require_newest(self, message: discord.Message) -> Finished | None:
        """The reply, as far as it is known: what somebody replied to must not change any more.

        Raises Refusal, and takes the buttons away."""
        known = self._newest.of([message.id])
        if known is not None:
            await self._standing.recall(known, message)
        if known.is_answered if known is not None else not await self._standing.was_newest(message):
            await self._newest.strip(message)
            raise Refusal(NOT_NEWEST)
        return known


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


def _page_of(standing: Standing) -> Page:
    return Page(standing.text, standing.footer, "length" if CUT_OFF in standing.footer else "stop")


def _may_press(interaction: discord.Interaction, target: Target) -> bool:
    is_moderator = interaction.guild_id is not None and interaction.permissions.manage_messages
    return interaction.user.id == target.asker_id or is_moderator


async def _question(interaction: discord.Interaction, question_id: int) -> discord.Message:
    """The question as it is now. Raises Refusal where it was deleted."""
    channel = interaction.channel
    if not isinstance(channel, discord.abc.Messageable):
        raise Refusal(QUESTION_GONE)
    place: discord.abc.Messageable = channel
    if isinstance(channel, discord.Thread) and channel.id == question_id:  # it was opened for the answer
        if not isinstance(channel.parent, discord.TextChannel):
            raise Refusal(QUESTION_GONE)
        place = channel.parent
    try:
        return await place.fetch_message(question_id)
    except discord.NotFound:
        raise Refusal(QUESTION_GONE) from None
