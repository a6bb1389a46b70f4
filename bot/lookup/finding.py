"""A question → passages that answer it, of what is stored and may be read; each is looked at again on Discord.

It knows who may read what only as sets of channels (`scope`), and no interaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import discord
import numpy as np
import structlog

from bot.conversation.attachments import has_text
from bot.conversation.intake import Intake
from bot.conversation.newest import Places
from bot.embedding import Embedder
from bot.lookup.indexing import Indexing
from llm.client import LLMClient
from llm.tasks.find import CONSIDERED, RANKED, Candidate, Why, fused, quoted, speaking_of, telling
from llm.tasks.find_answer import Excerpt, Progress, Written, written
from llm.tasks.likeness import Likeness
from llm.types import Usage
from storage.choices import Choices
from storage.indexing import words
from storage.search import Found, Search, Within

log = structlog.get_logger()

NEIGHBOURS = 2
"""Messages before and after a found one: an answer often follows what speaks of the question."""
WITH_NEIGHBOURS = 6
LOOK_AGAIN_S = 5.0
_DISCORD = (discord.HTTPException, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of an answer, and the passages that it rests on."""

    text: str
    sources: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers a question: `sentences` by a model, or else `passages` in the order of their worth; what is cited
    was still there a moment ago.

    `by_words_only`: there was no model to compare what is meant. `why`: no model wrote an answer, though one should.
    `channels`: of everything that a model read for it. `usage`: what the model used."""

    passages: tuple[Found, ...] = ()
    sentences: tuple[Said, ...] = ()
    by_words_only: bool = False
    why: Why | None = None
    channels: frozenset[int] = frozenset()
    usage: Usage | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not self.passages and not self.sentences


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
        llm: LLMClient | None,
        likeness: Likeness,
    ) -> None:
        """`llm` is None where no model should write: then people speak for themselves."""
        self._search = search
        self._indexing = indexing
        self._embedder = embedder
        self._choices = choices
        self._intake = intake
        self._places = places
        self._llm = llm
        self._likeness = likeness

    async def find(
        self,
        question: str,
        within: Within,
        *,
        user: str | None = None,
        model: str = "",
        progress: Progress = lambda count: None,
    ) -> Answer:
        """What answers the question there; nothing where it is not said. `user` and `model` are for the chat engine."""
        await self._indexing.words(within.guild_id, within.channel_ids)
        found, is_by_meaning = await self._candidates(question, within)
        candidates = [Candidate(one.id, one.text, near) for one, near in found]
        if not speaking_of(question, candidates):
            return Answer(by_words_only=not is_by_meaning)
        read = await self._with_neighbours([one for one, _ in found], within.guild_id)
        made = Written()
        if self._llm is not None:
            excerpts = [Excerpt(one.document or one.author, one.text) for one in read]
            made = await written(
                self._llm, question, excerpts, self._likeness, user=user, model=model, progress=progress
            )
        if self._llm is not None and made.why is None:
            said = tuple(Said(one.text, tuple(read[place] for place in one.sources)) for one in made.sentences)
            answer = Answer(sentences=said, channels=_channels(read), usage=made.usage)
        else:
            chosen = {one.id for one in quoted(question, candidates)}
            passages = tuple(one for one, _ in found if one.id in chosen)
            answer = Answer(passages, why=made.why, channels=_channels(passages))
        return replace(await self.checked(answer, within), by_words_only=not is_by_meaning)

    async def checked(self, answer: Answer, within: Within) -> Answer:
        """What is left of an answer there now: that of which everything that it rests on is still so."""
        cited = dict.fromkeys([*answer.passages, *(one for said in answer.sentences for one in said.sources)])
        there = await self._still_there(list(cited), within)
        return replace(
            answer,
            passages=tuple(one for one in answer.passages if one in there),
            sentences=tuple(said for said in answer.sentences if there.issuperset(said.sources)),
        )

    async def _with_neighbours(self, found: Sequence[Found], guild_id: int) -> list[Found]:
        """What a model gets to read: the best messages between those around them, in their order, and pieces of
        documents; each once."""
        read: dict[tuple[int | None, int], Found] = {}
        for place, one in enumerate(found):
            around = []
            if one.message_id is not None and place < WITH_NEIGHBOURS:
                around = await self._search.around(one.message_id, NEIGHBOURS)
            for each in sorted([*around, one], key=lambda each: each.message_id or 0):
                read.setdefault((each.message_id, each.id if each.message_id is None else 0), each)
        authors = {one.author_id for one in read.values() if one.author_id is not None}
        left_out = await self._choices.left_out(authors, guild_id)
        return [one for one in read.values() if one.author_id not in left_out and one.text.strip()]

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

    async def _still_there(self, passages: Sequence[Found], within: Within) -> set[Found]:
        """Those that may be looked at there, and that Discord or the documents still have as they are."""
        pieces = [one.id for one in passages if one.message_id is None]
        kept = await self._search.passages(pieces) if pieces else {}
        authors = {one.author_id for one in passages if one.author_id is not None}
        left_out = await self._choices.left_out(authors, within.guild_id)
        messages = [one for one in passages if one.channel_id in within.channel_ids and one.author_id not in left_out]
        there = await asyncio.gather(*(self._is_there(one, within.guild_id) for one in messages))
        said = {one for one, is_there in zip(messages, there, strict=True) if is_there}
        return said | {one for one in passages if one.id in kept and within.documents}

    async def _is_there(self, passage: Found, guild_id: int) -> bool:
        """Whether Discord has the message as it is stored; what it does not have or changed is stored anew."""
        if passage.message_id is None or passage.channel_id is None:
            return False
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


def _channels(passages: Collection[Found]) -> frozenset[int]:
    return frozenset(one.channel_id for one in passages if one.channel_id is not None)
