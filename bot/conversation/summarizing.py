"""Running summaries of what prompts had to drop, or will soon: made in the background, stored with their sources.

It does not know how a summary is written (`llm.tasks.running_summary`) nor when a prompt is cut (`prompting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import structlog

from bot.conversation.context import Exchange, reach
from bot.conversation.prompting import Prompts
from bot.conversation.transcript import Conversation
from bot.settings.rules import Rules
from llm.client import LLMClient
from llm.tasks.running_summary import Utterance, go_on
from storage.summaries import RunningSummaries, RunningSummary

log = structlog.get_logger()

MOST_TOKENS = 256
SHARE = 12
"""A summary takes at most this part (one in so many) of a small model's context."""


class Summarizing:
    """Keeps the summaries of conversations up to date. Raises llm.errors and StorageError."""

    def __init__(self, llm: LLMClient, prompts: Prompts, summaries: RunningSummaries) -> None:
        self._llm = llm
        self._prompts = prompts
        self._summaries = summaries

    async def keep(
        self,
        conversation: Conversation,
        channel_id: int,
        guild_name: str | None,
        pieces: Sequence[Exchange],
        user: str,
        rules: Rules | None = None,
    ) -> None:
        """See to it that a summary tells what the next prompt of this conversation has no room for."""
        if not pieces:
            return
        name = rules.model if rules else ""
        tokens = min(MOST_TOKENS, (await self._llm.model(name)).max_model_len // SHARE)
        end = await self._prompts.to_tell(guild_name, pieces, conversation.unseen, tokens, rules)
        told = reach(pieces, end)
        if told == end:
            return
        onto = await self._summaries.latest([pieces[told - 1].lines[-1].row.id]) if told else None
        dropped = pieces[told if onto else 0 : end]
        notes = await go_on(
            self._llm, onto.text if onto else "", utterances(dropped), tokens=tokens, user=user, model=name
        )
        if notes is None:
            return
        lines = [line for piece in dropped for line in piece.lines]
        upto = lines[-1].row.id
        sources = frozenset(chain((line.row.id for line in lines), onto.sources if onto else ()))
        made = RunningSummary(channel_id, conversation.key, upto, notes.text, notes.writer, sources)
        is_kept = await self._summaries.put(made, {line.row.id: line.row.content for line in lines}, onto)
        log.info("summary made", upto=upto, sources=len(sources), writer=notes.writer, kept=is_kept)


def utterances(pieces: Sequence[Exchange]) -> list[Utterance]:
    """What was said, by whom, as it stood in prompts."""
    return [
        Utterance(message.name or "Steward", message.content, by_person=message.role == "user")
        for piece in pieces
        for message in piece.messages
    ]
