"""Keeps what can be found up to date, in the background: the words of what people write, and what it means.

Only channels of which everything is kept (`/settings`) are indexed; one that no longer is leaves the index. Meaning
comes from the worker's embedding model, in portions, and is left out while there is none. It does not know who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from bot.lookup.scope import stored_whole
from bot.settings.rulebook import Rulebook
from llm.errors import LLMError
from llm.tasks_client import TasksClient
from storage.errors import StorageError
from storage.search import AT_ONCE, Search

log = structlog.get_logger()

EVERY_S = 15.0
TOGETHER = 64
"""Texts whose vectors are asked for at once: a second's work of a small machine, so that others come in between."""
PROBE = "steward"
"""Whatever it means: the answer names the model."""


class Indexing:
    """Brings the index up to date. Methods raise StorageError."""

    def __init__(self, search: Search, rulebook: Rulebook, tasks: TasksClient | None) -> None:
        self._search = search
        self._rulebook = rulebook
        self._tasks = tasks
        self._model = ""

    async def keep(self, *, every_s: float = EVERY_S) -> None:
        """Do it now and then, until cancelled. What fails is logged and tried again."""
        while True:
            try:
                for guild_id in await self._search.guilds():
                    await self._catch_up(guild_id)
            except StorageError as error:
                log.error("the search index is not up to date", error=str(error))
            await asyncio.sleep(every_s)

    async def words(self, guild_id: int, channel_ids: Collection[int]) -> None:
        """Take what was said there last into the index, so that it is found at once."""
        await self._search.index(guild_id, channel_ids)

    async def _catch_up(self, guild_id: int) -> None:
        places = await stored_whole(self._rulebook, guild_id, await self._search.places(guild_id))
        channel_ids = [place.id for place in places]
        await self._search.leave(guild_id, channel_ids)
        while await self._search.index(guild_id, channel_ids) == AT_ONCE:
            pass
        try:
            await self.meanings(guild_id)
        except LLMError as error:
            log.debug("no vectors for the search index", error=repr(error))

    async def meanings(self, guild_id: int) -> None:
        """Give every passage its vector. Raises llm.errors, too."""
        if self._tasks is None or not await self._search.waiting(guild_id, self._model, 1):
            return
        self._model = (await self._tasks.embed([PROBE])).model
        while waiting := await self._search.waiting(guild_id, self._model, TOGETHER):
            made = await self._tasks.embed(list(waiting.values()))
            if made.model != self._model:
                return
            await self._search.embed(guild_id, made.model, dict(zip(waiting, made.rows, strict=True)))
