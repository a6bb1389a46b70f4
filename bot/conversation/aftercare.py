"""What is done after an answer, so that the next one need not wait for it: its messages' tokens are counted and stored,
and what the next prompt has no room for is summarized.

It runs in the background and may fail: the next answer then does without. It does not know how prompts are chosen.
"""

from __future__ import annotations

from collections.abc import Callable

import discord
import structlog

from bot.conversation.context import Exchange
from bot.conversation.counting import Counting
from bot.conversation.pieces import pieces_of, rows_of
from bot.conversation.summarizing import Summarizing
from bot.conversation.transcript import Conversation, Transcript
from bot.errands import Errands
from bot.settings.rules import Rules
from llm.client import LLMClient
from llm.errors import LLMError
from storage.errors import StorageError

log = structlog.get_logger()


class Aftercare:
    """Looks after conversations, each once at a time."""

    def __init__(
        self,
        *,
        llm: LLMClient,
        transcript: Transcript,
        counting: Counting,
        summarizing: Summarizing,
        errands: Errands,
        me: Callable[[], discord.ClientUser],
    ) -> None:
        self._llm = llm
        self._transcript = transcript
        self._counting = counting
        self._summarizing = summarizing
        self._errands = errands
        self._me = me
        self._in_work: set[int] = set()

    def after(self, question: discord.Message, newest_id: int, rules: Rules) -> None:
        """An answer ended with the message `newest_id`; what follows is nobody's wait."""
        self._errands.run(self._tended(question, newest_id, rules), "aftercare")

    async def _tended(self, question: discord.Message, newest_id: int, rules: Rules) -> None:
        try:
            model = (await self._llm.model(rules.model)).id
            conversation = await self._transcript.stored(
                question.channel, newest_id, rules.context_messages, model=model
            )
            if conversation.key in self._in_work:
                return
            self._in_work.add(conversation.key)
            try:
                if await self._counting.count(await self._pieces(question, conversation), rules.model):
                    conversation = await self._transcript.stored(
                        question.channel, newest_id, rules.context_messages, model=model
                    )
                await self._summarize(question, conversation, rules)
            finally:
                self._in_work.discard(conversation.key)
        except (LLMError, StorageError) as error:
            log.info("aftercare left out", message=question.id, error=repr(error))

    async def _pieces(self, question: discord.Message, conversation: Conversation) -> list[Exchange]:
        me = self._me()
        return await pieces_of(rows_of(conversation.rows, me.id), question.guild, me)

    async def _summarize(self, question: discord.Message, conversation: Conversation, rules: Rules) -> None:
        guild = question.guild
        await self._summarizing.keep(
            conversation,
            question.channel.id,
            guild.name if guild else None,
            await self._pieces(question, conversation),
            f"{guild.id if guild else 0}/{question.author.id}",
            rules,
        )
