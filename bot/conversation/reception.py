"""The door: every message from Discord comes in here, and leaves answered, refused with a sentence, or left alone.

It turns Discord's objects into the facts that `permissions` judges. It does not know how an answer is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from weakref import WeakValueDictionary

import discord
import structlog

from bot.conversation.buttons import Target, after_failure, view_of
from bot.conversation.changes import Changes
from bot.conversation.intake import ORDINARY, Intake
from bot.conversation.newest import Newest
from bot.conversation.pausing import Pauses
from bot.conversation.reminding import Reminding
from bot.conversation.replying import reply
from bot.conversation.rooms import new_thread
from bot.conversation.running import Replies, Running, places_of
from bot.conversation.streaming import TROUBLE
from bot.conversation.transcript import Transcript
from bot.conversation.turn import Turns
from bot.errors import LeftOut, TooManyRequests, explain, is_expected
from bot.gate import Gate, is_allowed
from bot.limits import PersonalLimits
from bot.membership import Membership
from bot.permissions import Incoming, PrivatePolicy, Verdict, is_named, judge, needs_no_mention, starts_afresh
from bot.settings.rules import Rules

log = structlog.get_logger()

PRIVATE_REFUSED = (
    "I do not hold conversations in private messages here: ask me in a channel of your server, or use `/ask` there for "
    "an answer that only you see. `/help` tells more."
)
BOTS_IN_A_ROW = 6
"""An allowed bot is no longer answered when the last messages of a conversation, this many, are all by bots."""


class Reception:
    """Receives messages. Nothing that goes wrong with one leaves it."""

    def __init__(
        self,
        *,
        membership: Membership,
        private: PrivatePolicy,
        limits: PersonalLimits,
        turns: Turns,
        intake: Intake,
        transcript: Transcript,
        replies: Replies,
        newest: Newest,
        changes: Changes,
        pauses: Pauses,
        reminding: Reminding,
        my_id: Callable[[], int],
        gate: Gate,
        allowed_bots: Collection[int] = (),
    ) -> None:
        self._membership = membership
        self._private = private
        self._limits = limits
        self._turns = turns
        self._intake = intake
        self._transcript = transcript
        self._replies = replies
        self._newest = newest
        self._changes = changes
        self._pauses = pauses
        self._reminding = reminding
        self._order: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._my_id = my_id
        self._allowed_bots = frozenset(allowed_bots)
        self._gate = gate

    async def receive(self, message: discord.Message) -> None:
        """Deal with one message. Only who addressed Steward reads about a failure; the log has every one."""
        with self._intake.expected(message):
            await self._received(message)

    async def _received(self, message: discord.Message) -> None:
        waits = self._is_for_me(message)
        try:
            self._transcript.heard(message)
            rules = await self._gate.rulebook.for_message(message)
            waits = waits or rules.answer_when == "everything"
            if message.author.id != self._my_id():  # the next part of an answer is nobody's reply to the one before
                answered = self._newest.heard(message, flows=self._transcript.flows(message.channel))
                if answered is not None:
                    self._replies.answered(answered.question_id)
            if self._changes.is_copy(message):
                await self._judged(message, rules)
                await self._changes.reposted(message)
            elif waits:
                await self._attend(message, rules)
            else:
                await self._judged(message, rules)
        except Exception as error:  # the edge: whatever it was, the log has the cause
            self._log(message, error)
            is_for_me = self._is_for_me(message) or (waits and not isinstance(error, LeftOut))
            if is_for_me and not message.author.bot:
                await self._tell(message, error)

    def typing(self, channel_id: int, person_id: int) -> None:
        """Somebody is typing: perhaps the rest of a question."""
        running = self._replies.open_for(channel_id, person_id)
        if running is not None and running.burst is not None:
            running.burst.typed()

    async def _attend(self, message: discord.Message, rules: Rules) -> None:
        """Take the message's place in its conversation, in the order of arrival, and answer it when its turn comes."""
        async with AsyncExitStack() as held:
            async with self._arrivals(message.channel.id):
                running = await self._accepted(message, rules, held)
            if running is not None:
                if rules.answer_in == "thread" and running.why_stopped is None:
                    running.room = await new_thread(message)
                await self._turns.answer(running)

    async def _accepted(self, message: discord.Message, rules: Rules, held: AsyncExitStack) -> Running | None:
        """The reply to be written, kept in work by `held`; None where there is none to write."""
        facts, verdict = await self._judged(message, rules)
        if verdict is Verdict.IGNORE:
            return None
        if not is_named(facts) and not is_allowed(rules, message.author):  # nobody called: no word is needed either
            return None
        fact = self._reminding.fact(message) if verdict is Verdict.ANSWER else None
        gathers = verdict is Verdict.ANSWER and needs_no_mention(facts) and fact is None
        if gathers and not starts_afresh(facts) and await self._joins(message):
            return None
        held.enter_context(self._limits.request(message.author.id))
        if verdict is Verdict.REFUSE_PRIVATE:
            await message.channel.send(PRIVATE_REFUSED)
            return None
        self._pauses.require_none(*places_of(message))
        await self._gate.require(message.guild, message.channel, message.author)
        if fact is not None:
            await self._reminding.answer(message, fact)
            return None
        if message.author.bot and not await self._has_human(message):
            return None
        return await held.enter_async_context(self._turns.begun(message, gathers=gathers))

    async def _joins(self, message: discord.Message) -> bool:
        """Whether it belongs to a question that the same person has just asked, and that has no answer yet."""
        if self._replies.open_for(message.channel.id, message.author.id) is None:
            return False
        await self._intake.record_said(message)
        running = self._replies.open_for(message.channel.id, message.author.id)
        if running is not None:
            running.joined(self._intake.latest(message))
        return running is not None

    def _arrivals(self, channel_id: int) -> asyncio.Lock:
        """Held by one message of a channel at a time: whoever came first is first in line."""
        lock = self._order.get(channel_id)
        if lock is None:
            lock = self._order[channel_id] = asyncio.Lock()
        return lock

    async def _judged(self, message: discord.Message, rules: Rules) -> tuple[Incoming, Verdict]:
        """Whether to answer, and why; what need not be answered may still have to be stored."""
        facts = await self._facts(message, rules)
        verdict = judge(facts, self._private)
        wanted = rules.store == "everything" or facts.in_own_thread
        kept = facts.ordinary and facts.served and not facts.from_me and wanted
        if verdict is Verdict.IGNORE and kept:
            await self._intake.record_said(message)
        return facts, verdict

    async def _facts(self, message: discord.Message, rules: Rules) -> Incoming:
        channel = message.channel
        own_thread = self._is_own_thread(message)
        served = message.guild is None or await self._membership.serves(message.guild.id)
        humans = 0
        if served and isinstance(channel, discord.Thread) and own_thread and not self._is_stranger(message):
            humans = await self._transcript.humans_in(channel, message)
        return Incoming(
            author_id=message.author.id,
            ordinary=message.type in ORDINARY,
            from_me=message.author.id == self._my_id(),
            from_bot=self._is_stranger(message),
            in_private=message.guild is None,
            served=served,
            mentions_me=self._mentions_me(message),
            mentions_my_role=self._mentions_my_role(message),
            in_own_thread=own_thread,
            humans_in_thread=humans,
            replies_only=f"<@{self._my_id()}>" not in message.content.replace("<@!", "<@"),
            answer_when=rules.answer_when,
        )

    def _is_stranger(self, message: discord.Message) -> bool:
        """Whether a program wrote it that the owner did not allow."""
        is_allowed = message.author.id in self._allowed_bots
        return message.webhook_id is not None or (message.author.bot and not is_allowed)

    def _mentions_me(self, message: discord.Message) -> bool:
        """By name, or by a reply with the ping on: both stand in the message's list of mentions."""
        return any(person.id == self._my_id() for person in message.mentions)

    def _mentions_my_role(self, message: discord.Message) -> bool:
        return any(role.tags is not None and role.tags.bot_id == self._my_id() for role in message.role_mentions)

    def _is_own_thread(self, message: discord.Message) -> bool:
        return isinstance(message.channel, discord.Thread) and message.channel.owner_id == self._my_id()

    def _is_for_me(self, message: discord.Message) -> bool:
        """Whether somebody waits for an answer, as far as the message alone tells."""
        to_me = self._mentions_me(message) or self._mentions_my_role(message)
        is_place_of_mine = message.guild is None or self._is_own_thread(message)
        return message.author.id != self._my_id() and (to_me or is_place_of_mine)

    async def _has_human(self, message: discord.Message) -> bool:
        """The loop breaker: two bots must not talk with each other for ever."""
        await self._intake.record_said(message)
        conversation = await self._transcript.of(message, files=False)
        lately = conversation.rows[-BOTS_IN_A_ROW:]
        return len(lately) < BOTS_IN_A_ROW or any(not row.author.is_bot for row in lately)

    @staticmethod
    def _log(message: discord.Message, error: Exception) -> None:
        trace = None if is_expected(error) else error
        log.log(explain(error).level, "message not answered", message=message.id, error=repr(error), exc_info=trace)

    @staticmethod
    async def _tell(message: discord.Message, error: Exception) -> None:
        """A sentence, or a sign where the same sentence was said a moment ago."""
        try:
            if isinstance(error, TooManyRequests) and not error.first:
                await message.add_reaction("⏳")
            else:
                view = view_of(after_failure(Target(message.id, message.author.id))) or discord.utils.MISSING
                await reply(message, explain(error).sentence, view)
        except TROUBLE as silenced:
            log.warning("nobody could be told", message=message.id, error=str(silenced))
