"""A question → passages that answer it, of what is stored and may be read; each is looked at again on Discord.

It knows who may read what only as sets of channels (`scope`), and no interaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import discord
import numpy as np
import structlog

from bot.conversation.attachments import has_text
from bot.conversation.intake import Intake
from bot.conversation.newest import Places
from bot.embedding import Embedder
from bot.lookup.indexing import Indexing
from llm.tasks.find import Candidate, fused, quoted, telling
from storage.choices import Choices
from storage.indexing import words
from storage.search import Found, Search, Within

log = structlog.get_logger()

RANKED = 50
"""Passages of each ranking that are joined."""
CONSIDERED = 24
"""Of the joined ranking: as many as a model may get to read."""
LOOK_AGAIN_S = 5.0
_DISCORD = (discord.HTTPException, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers a question: `passages` in the order of their worth, each still there a moment ago.

    `by_words_only`: there was no model to compare what is meant."""

    passages: tuple[Found, ...]
    by_words_only: bool = False


class Finding:
    """Finds. Raises StorageError."""

    def __init__(
        self,
        *,
        search: Search,
        indexing: Indexing,
        embedder: Embedder,
        choices: Choices,
        intake: Intake,
        places: Places,
    ) -> None:
        self._search = search
        self._indexing = indexing
        self._embedder = embedder
        self._choices = choices
        self._intake = intake
        self._places = places

    async def find(self, question: str, within: Within) -> Answer:
        """What answers the question there; nothing where it is not said."""
        await self._indexing.words(within.guild_id, within.channel_ids)
        found, is_by_meaning = await self._candidates(question, within)
        candidates = [Candidate(one.id, one.text, near) for one, near in found]
        chosen = {one.id for one in quoted(question, candidates)}
        passages = [one for one, _ in found if one.id in chosen]
        return Answer(tuple(await self._still_there(passages, within.guild_id)), by_words_only=not is_by_meaning)

    async def _candidates(self, question: str, within: Within) -> tuple[list[tuple[Found, float | None]], bool]:
        """The best passages by words and meaning together, with how near they are; whether meaning was compared."""
        wanted = telling(words(question))
        by_words, embedded = await asyncio.gather(
            self._search.by_words(wanted, within, RANKED), self._embedder.one(question)
        )
        near: dict[int, float] = {}
        if embedded is not None:
            vector = np.asarray(embedded.vector, np.float32)
            near = dict(await self._search.by_meaning(vector, embedded.model, within, RANKED))
        ranked = fused(by_words, list(near))[:CONSIDERED]
        found = await self._search.passages(ranked)
        said = [(found[number], near.get(number)) for number in ranked if number in found]
        authors = {one.author_id for one, _ in said if one.author_id is not None}
        left_out = await self._choices.left_out(authors, within.guild_id)
        return [(one, score) for one, score in said if one.author_id not in left_out], embedded is not None

    async def _still_there(self, passages: Sequence[Found], guild_id: int) -> list[Found]:
        there = await asyncio.gather(*(self._is_there(one, guild_id) for one in passages))
        return [one for one, is_there in zip(passages, there, strict=True) if is_there]

    async def _is_there(self, passage: Found, guild_id: int) -> bool:
        """Whether Discord has the message as it is stored; what it does not have or changed is stored anew."""
        if passage.message_id is None or passage.channel_id is None:
            return True
        try:
            async with asyncio.timeout(LOOK_AGAIN_S):
                message = await self._places(passage.channel_id, guild_id).fetch_message(passage.message_id)
        except discord.NotFound:
            await self._intake.delete([passage.message_id])
            return False
        except _DISCORD as error:
            log.info("a found message cannot be looked at again", message=passage.message_id, error=repr(error))
            return False
        if self._is_same(message, passage.text):
            return True
        await self._intake.edit(message)
        return False

    def _is_same(self, message: discord.Message, text: str) -> bool:
        """Whether a message still says this; of one with files, which stand below it, what was typed counts."""
        if has_text(message):
            typed = message.content.strip()
            return not typed or text.startswith(f"{typed}\n")
        return self._intake.stored(message).content == text
