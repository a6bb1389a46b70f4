"""What was said in a range of messages, in sentences that each name their messages. Knows no discord and no SQL.

The range is cut into parts where conversations pause; a chat model reads them side by side and takes notes, which are
kept, and joins these. Where no model can do it, the most telling sentences speak for themselves, part by part in the
same way, and the summary says why.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import structlog

from llm.client import LLMClient
from llm.errors import LLMError
from llm.tasks.chunks import Chunk, Notes, Planned, plan, shortened
from llm.tasks.extract import as_item, best_places, candidates
from llm.tasks.likeness import Likeness, Measured, together
from llm.tasks.summary import Cost, Engine, Fallback, SourceMessage, Summary, SummaryItem, Wish
from llm.tasks.summary_model import SummaryModel, Written
from llm.tasks.summary_prompts import EDITION
from llm.tasks.together import all_of
from llm.types import Priority

__all__ = ["NoteStore", "SourceMessage", "Summarizer", "Summary", "SummaryItem", "Wish"]

PART_TOKENS = 1_500
"""Of one part: models write better notes of less, and what is new costs no more than it must."""
AT_ONCE = 16
"""Parts that are read at the same time."""
_EXTRACT = "extract:2"
_EXTRACT_PART = 8_000
"""Characters of one part, where no model reads it."""
_PER_NOTE = 12
"""Sentences of a part for one that is kept of it, where no model writes."""

Progress = Callable[[int, int], None]
"""Gets how many parts were read, and how many there are."""
T = TypeVar("T")
log = structlog.get_logger()


class NoteStore(Protocol):
    """Keeps the notes of parts, so that nothing is read twice. Raises nothing: it may as well forget."""

    async def known(self, message_ids: Sequence[int]) -> Mapping[int, Sequence[Notes]]:
        """Notes of parts that begin with one of these messages, by its id."""
        ...

    async def keep(self, notes: Notes, message_ids: Sequence[int]) -> None:
        """Remember the notes of a part of these messages."""
        ...


class Summarizer:
    """Writes summaries; no chat model is asked where `engine` is "extractive". `part_tokens` and `at_once` are what
    benchmarks vary."""

    def __init__(
        self,
        client: LLMClient,
        likeness: Likeness,
        *,
        engine: Engine = "chat",
        part_tokens: int = PART_TOKENS,
        at_once: int = AT_ONCE,
    ) -> None:
        self._client = client
        self._engine = engine
        self._likeness = likeness
        self._part_tokens = part_tokens
        self._at_once = at_once

    async def summarize(
        self,
        messages: Sequence[SourceMessage],
        wish: Wish,
        *,
        user: str | None = None,
        store: NoteStore | None = None,
        progress: Progress = lambda done, total: None,
        priority: Priority = "command",
    ) -> Summary:
        """Up to `wish.sentences` about all the messages, which come in order, place by place.

        Falls back to members' own words, and says so, with the built-in model, when the engine fails, and when nothing
        that it wrote can be used. Raises nothing of its own; cancelling it ends its requests.
        """
        if self._engine == "extractive":
            return replace(await self._extracted(messages, wish, store, progress), fallback="as chosen")
        spent = Cost()
        try:
            model = SummaryModel(self._client, self._likeness, await self._client.model(), user, priority)
            try:
                found = await self._written(model, messages, wish, store, progress) if messages else "no citations"
            finally:
                spent = model.spent
        except LLMError as error:
            log.warning("summary falls back to an extract", error=str(error), kind=type(error).__name__)
            found = "engine failed"
        if not isinstance(found, Summary):
            found = replace(await self._extracted(messages, wish, store, progress), fallback=found)
        return replace(found, cost=spent)

    async def _written(
        self,
        model: SummaryModel,
        messages: Sequence[SourceMessage],
        wish: Wish,
        store: NoteStore | None,
        progress: Progress,
    ) -> Summary | Fallback:
        """What the model wrote, or why it is no summary."""
        if model.is_too_small:
            return "built-in model"
        budget = min(self._part_tokens, model.room(wish.sentences * 60) * 2 // 3)
        if budget < 64:
            return "no room"
        sizes = await model.weights(messages)
        read = [shortened(message, size, budget) for message, size in zip(messages, sizes, strict=True)]
        sizes = [min(size, budget) for size in sizes]
        known = await store.known([message.id for message in read]) if store else {}
        writer = f"{model.info.id}:{EDITION}"
        parts = plan(read, sizes, budget=budget, writer=writer, known=known)
        by_id = {message.id: message for message in read}
        if len(parts) == 1 and parts[0].notes is None:
            progress(0, 1)
            written = await model.whole(read, wish)
        else:
            weight = {message.id: size for message, size in zip(read, sizes, strict=True)}
            written = await self._in_parts(model, parts, by_id, weight, wish, store, progress)
        if not written.items:
            return "no citations"
        if wish.language:
            other = await model.translated(written.items, wish.language)
            written = replace(written, items=other.items)
        return _told(written, parts, len(messages))

    async def _in_parts(
        self,
        model: SummaryModel,
        parts: Sequence[Planned],
        by_id: Mapping[int, SourceMessage],
        weight: Mapping[int, int],
        wish: Wish,
        store: NoteStore | None,
        progress: Progress,
    ) -> Written:
        """Notes of each part, those that are missing side by side, then what they come to."""

        async def read(chunk: Chunk) -> Written:
            tokens = sum(weight[message.id] for message in chunk.messages)
            return await model.notes(chunk.messages, tokens)

        taken = await self._each(parts, read, store, progress)
        notes = [item for one in taken for item in one.items]
        dropped = sum(one.dropped for one in taken)
        if not notes:
            return Written([], dropped)
        joined = await self._joined(model, notes, by_id, wish)
        return Written(joined.items, dropped + joined.dropped)

    async def _joined(
        self, model: SummaryModel, notes: list[SummaryItem], by_id: Mapping[int, SourceMessage], wish: Wish
    ) -> Written:
        """One summary of all notes: of those that tell most, where they are too many for the model to read at once."""
        room = model.room(wish.sentences * 60) * 2
        while len(notes) > 1 and sum(len(note.text) + 10 for note in notes) > room:
            notes = await self._best(notes, max(1, len(notes) * 3 // 4))
        written = await model.joined(notes, by_id, wish)
        if written.items:
            return written
        return Written(await self._best(notes, wish.sentences), written.dropped)

    async def _best(self, notes: Sequence[SummaryItem], count: int) -> list[SummaryItem]:
        """Those of the notes that speak most of what the others speak of, in order."""
        rows = await self._likeness.of([note.text for note in notes])
        if rows is None:
            step = len(notes) / count
            return [notes[int(place * step)] for place in range(min(count, len(notes)))]
        scores = rows @ rows.sum(axis=0)
        return [notes[place] for place in sorted(scores.argsort()[::-1][:count])]

    async def _extracted(
        self, messages: Sequence[SourceMessage], wish: Wish, store: NoteStore | None, progress: Progress
    ) -> Summary:
        """Members' own words: the best sentences of each part, and the best of those."""
        sizes = [min(len(message.text), _EXTRACT_PART) for message in messages]
        known = await store.known([message.id for message in messages]) if store else {}
        parts = plan(messages, sizes, budget=_EXTRACT_PART, writer=_EXTRACT, known=known)

        async def read(chunk: Chunk) -> Written:
            found = candidates(chunk.messages)
            return await self._chosen(found, max(wish.sentences, len(found) // _PER_NOTE))

        taken = await self._each(parts, read, store, progress)
        items = [item for one in taken for item in one.items]
        if len(parts) > 1:
            by_id = {message.id: message for message in messages}
            notes = [replace(by_id[item.message_ids[0]], text=item.text) for item in items]
            items = (
                await self._chosen(notes, wish.sentences, together([one.vectors for one in taken if one.items]))
            ).items
        else:
            items = items[: wish.sentences]
        return replace(_told(Written(items), parts, len(messages)), method="extract")

    async def _chosen(self, found: Sequence[SourceMessage], count: int, known: Measured | None = None) -> Written:
        """The best of these sentences; `known`: their vectors, where they were made before."""
        vectors = known or await self._likeness.measure([one.text for one in found])
        rows = None if vectors is None else vectors.rows
        places = await asyncio.to_thread(best_places, found, count, rows)
        return Written([as_item(found[place]) for place in places], vectors=vectors and vectors.of(places))

    async def _each(
        self,
        parts: Sequence[Planned],
        read: Callable[[Chunk], Coroutine[Any, Any, Written]],
        store: NoteStore | None,
        progress: Progress,
    ) -> list[Written]:
        """What each part holds: as it was kept, or read now, several at a time; what was read is kept at once."""
        turns = asyncio.Semaphore(self._at_once)
        done = sum(part.notes is not None for part in parts)
        progress(done, len(parts))

        async def one(part: Planned) -> Written:
            nonlocal done
            if part.notes is not None:
                return Written(list(part.notes.items), vectors=part.notes.vectors)
            async with turns:
                written = await read(part.chunk)
            done += 1
            progress(done, len(parts))
            if store is not None:
                ids = [message.id for message in part.chunk.messages]
                notes = Notes(part.chunk.key, ids[0], len(ids), tuple(written.items), written.vectors)
                await store.keep(notes, ids)
            return written

        return await all_of(one(part) for part in parts)


def _told(written: Written, parts: Sequence[Planned], total: int) -> Summary:
    cited = {number for item in written.items for number in item.message_ids}
    spoken_of: defaultdict[int, bool] = defaultdict(bool)
    for place, part in enumerate(parts):
        spoken_of[place] = any(message.id in cited for message in part.chunk.messages)
    return Summary(
        items=written.items,
        read=sum(len(part.chunk.messages) for part in parts),
        total=total,
        method="model",
        parts=len(parts),
        reused=sum(part.notes is not None for part in parts),
        cited=sum(spoken_of.values()),
        dropped=written.dropped,
    )
