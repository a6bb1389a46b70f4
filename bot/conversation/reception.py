"""The door: every message from Discord comes in here, and leaves answered, refused with a sentence, or left alone.

It turns Discord's objects into the facts that `permissions` judges. It does not know how an answer is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import discord
import structlog

from bot.conversation.intake import ORDINARY, Intake
from bot.conversation.streaming import TROUBLE
from bot.conversation.transcript import Transcript
from bot.conversation.turn import Turns
from bot.errors import TooManyRequests, explain, is_expected
from bot.limits import PersonalLimits
from bot.membership import Membership
from bot.permissions import Incoming, PrivatePolicy, Verdict, judge

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
        my_id: Callable[[], int],
        allowed_bots: Collection[int] = (),
        store_all: bool = False,
    ) -> None:
        self._membership = membership
        self._private = private
        self._limits = limits
        self._turns = turns
        self._intake = intake
        self._transcript = transcript
        self._my_id = my_id
        self._allowed_bots = frozenset(allowed_bots)
        self._store_all = store_all

    async def receive(self, message: discord.Message) -> None:
        """Deal with one message."""
        try:
            await self._deal_with(message)
        except Exception as error:  # the edge: whatever it was, the person reads a sentence and the log has the cause
            await self._explain(message, error)

    async def _deal_with(self, message: discord.Message) -> None:
        facts = await self._facts(message)
        verdict = judge(facts, self._private)
        if verdict is Verdict.IGNORE:
            if facts.ordinary and facts.served and not facts.from_me and (self._store_all or facts.in_own_thread):
                await self._intake.record([message])
            return
        with self._limits.request(message.author.id):
            if verdict is Verdict.REFUSE_PRIVATE:
                await message.channel.send(PRIVATE_REFUSED)
            elif not message.author.bot or await self._has_human(message):
                await self._turns.answer(message)

    async def _facts(self, message: discord.Message) -> Incoming:
        me = self._my_id()
        channel = message.channel
        own_thread = isinstance(channel, discord.Thread) and channel.owner_id == me
        served = message.guild is None or await self._membership.serves(message.guild.id)
        stranger = message.webhook_id is not None or (
            message.author.bot and message.author.id not in self._allowed_bots
        )
        humans = 0
        if served and isinstance(channel, discord.Thread) and own_thread and not stranger:
            humans = await self._transcript.humans_in(channel, message)
        return Incoming(
            author_id=message.author.id,
            ordinary=message.type in ORDINARY,
            from_me=message.author.id == me,
            from_bot=stranger,
            in_private=message.guild is None,
            served=served,
            mentions_me=any(person.id == me for person in message.mentions),
            mentions_my_role=any(role.tags is not None and role.tags.bot_id == me for role in message.role_mentions),
            in_own_thread=own_thread,
            humans_in_thread=humans,
        )

    async def _has_human(self, message: discord.Message) -> bool:
        """The loop breaker: two bots must not talk with each other for ever."""
        await self._intake.record([message])
        conversation = await self._transcript.of(message)
        lately = conversation.rows[-BOTS_IN_A_ROW:]
        return len(lately) < BOTS_IN_A_ROW or any(not row.author.is_bot for row in lately)

    async def _explain(self, message: discord.Message, error: Exception) -> None:
        explanation = explain(error)
        trace = None if is_expected(error) else error
        log.log(explanation.level, "message not answered", message=message.id, error=repr(error), exc_info=trace)
        try:
            if isinstance(error, TooManyRequests) and not error.first:
                await message.add_reaction("⏳")  # the sentence was said a moment ago
            else:
                reference = message.to_reference(fail_if_not_exists=False)
                await message.channel.send(explanation.sentence, reference=reference, mention_author=False)
        except TROUBLE as silenced:
            log.warning("nobody could be told", message=message.id, error=str(silenced))
