"""What is recalled of a person when that person asks: it stands beside the question, in this turn and in later ones.

So a conversation's prompt begins the same way each time, and a memory that is forgotten is in none any more. Nobody's
memories enter somebody else's answer. It does not know how a prompt shows them (`context`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import accumulate

import discord

from bot.audience import hearers_in
from bot.embedding import Embedder
from bot.errands import Errands
from storage.choices import Consent
from storage.history import StoredMessage
from storage.memories import Hearers, Memories, Remembered
from storage.recalls import Recalls

MOST = 5
"""Memories beside one question."""
AT_LEAST = 0.25
"""Cosine similarity by MiniLM: of questions and what helps with them it was 0.34 to 0.83 ("what should I drink?" and "I
like tea": 0.41), of others 0.30 at most and mostly below 0.2."""
ABOUT_ME = re.compile(r"\b(?:about me|remember|who i am|who am i)\b", re.IGNORECASE)
"""Who asks so asks for all that is remembered, which is near to none of it."""
LONGEST_QUESTION = 2000
MOST_CHARACTERS = 1000
"""Of all memories beside one question, so that a small context has room for the question."""

Beside = dict[int, list[str]]
"""What stands beside which message, by its id."""


class Recalling:
    """Finds memories. Every method raises StorageError."""

    def __init__(self, memories: Memories, recalls: Recalls, embedder: Embedder, errands: Errands) -> None:
        self._memories = memories
        self._recalls = recalls
        self._embedder = embedder
        self._errands = errands

    async def beside(
        self,
        question: discord.Message,
        asker_id: int,
        rows: Collection[StoredMessage],
        chosen: Collection[Consent],
    ) -> Beside:
        """What stands beside the messages of a conversation, in an answer to the asker; nothing without their yes."""
        if Consent.MEMORY not in chosen:
            return {}
        guild_id = question.guild.id if question.guild else None
        hearers = hearers_in(question.channel)
        found = await self._recalls.of([row.id for row in rows], asker_id, guild_id, hearers)
        asked = next((row.content for row in rows if row.id == question.id), "")
        if question.id not in found and asked.strip():
            recalled = await self._recalled(asker_id, guild_id, asked, hearers)
            if recalled:
                await self._recalls.keep(question.id, [memory.id for memory in recalled])
                found[question.id] = [memory.text for memory in recalled]
        return found

    async def in_private(self, person_id: int, guild_id: int | None, asked: str) -> list[str]:
        """What helps to answer this, for an answer that nobody else reads; nothing of it is kept."""
        found = await self._recalled(person_id, guild_id, asked, Hearers(is_private=True))
        return [memory.text for memory in found]

    async def _recalled(self, person_id: int, guild_id: int | None, asked: str, hearers: Hearers) -> list[Remembered]:
        is_for_all = ABOUT_ME.search(asked) is not None
        vector = None if is_for_all else await self._embedder.one(asked[:LONGEST_QUESTION])
        if vector is not None:
            bare = await self._memories.without_vector(person_id, guild_id, vector.model)
            if bare:
                self._errands.run(self._embed(bare), "embed memories")
        found = await self._memories.recall(person_id, guild_id, vector, most=MOST, at_least=AT_LEAST, hearers=hearers)
        sizes = accumulate(len(memory.text) for memory in found)
        return [memory for memory, size in zip(found, sizes, strict=True) if size <= MOST_CHARACTERS]

    async def _embed(self, bare: list[Remembered]) -> None:
        """Give vectors to what was told while there was no model for them, or another one."""
        vectors = await self._embedder.of([memory.text for memory in bare])
        if vectors is not None:
            await self._memories.embed({memory.id: each for memory, each in zip(bare, vectors, strict=True)})
