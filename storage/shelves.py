"""The vectors of a server in memory, brought up to date before each question, and multiplied in a thread. SQLite only.

A row is two bytes a number: 50,000 messages of 384 numbers are 38 MB. Servers that were not asked about for longest go
first. It does not know what the vectors mean; what went from the database goes from here with the next question.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from storage.database import Database
from storage.forgetting import portions
from storage.models import Passage, PassageVector

MOST_VECTORS = 250_000
"""In memory, of all servers together: 200 MB at 384 numbers each."""
BLOCK = 4096
"""Vectors that are widened to 32 bits together: so many stay in a processor's cache."""
DOCUMENT = 0
"""Stands for a channel where a passage is a document's."""

Key = tuple[int, str]
State = tuple[int, int, int]


@dataclass(slots=True)
class Shelf:
    """The vectors of one server by one model: `ids`, `channels` and `rows` go together."""

    state: State = (0, 0, 0)
    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    channels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 0), np.float16))


class Shelves:
    """Vectors by server and model."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shelves: OrderedDict[Key, Shelf] = OrderedDict()
        self._updating = asyncio.Lock()

    async def nearest(
        self,
        vector: NDArray[np.float32],
        model: str,
        guild_id: int,
        channel_ids: Collection[int],
        *,
        documents: bool,
        most: int,
    ) -> list[tuple[int, float]]:
        """Passages of these channels nearest to `vector`, with their cosine, the nearest first. Raises StorageError."""
        shelf = await self._current((guild_id, model))
        places = [*channel_ids, *([DOCUMENT] if documents else [])]
        return await asyncio.to_thread(_nearest, shelf, vector, np.asarray(places, np.int64), most)

    async def _current(self, key: Key) -> Shelf:
        async with self._updating:
            shelf = self._shelves.pop(key, None) or Shelf()
            state = await self._state(key)
            if shelf.state != state:
                shelf = await self._updated(key, shelf, state)
            self._shelves[key] = shelf
            while len(self._shelves) > 1 and sum(len(one.ids) for one in self._shelves.values()) > MOST_VECTORS:
                self._shelves.popitem(last=False)
            return shelf

    async def _state(self, key: Key) -> State:
        """Differs whenever vectors came or went: no id is given twice."""
        mine = (PassageVector.guild_id == key[0], PassageVector.model == key[1])
        ids = PassageVector.passage_id
        wanted = select(func.count(), func.coalesce(func.max(ids), 0), func.coalesce(func.sum(ids), 0)).where(*mine)
        async with self._database.session() as session:
            count, newest, total = (await session.execute(wanted)).one()
        return int(count), int(newest), int(total)

    async def _updated(self, key: Key, shelf: Shelf, state: State) -> Shelf:
        """A shelf with what is there now; only vectors that are new are read."""
        mine = (PassageVector.guild_id == key[0], PassageVector.model == key[1])
        async with self._database.session() as session:
            there = list(await session.scalars(select(PassageVector.passage_id).where(*mine)))
            stays = np.isin(shelf.ids, np.asarray(there, np.int64))
            ids, channels, rows = [shelf.ids[stays]], [shelf.channels[stays]], [shelf.rows[stays]]
            for some in portions(sorted(set(there) - set(shelf.ids.tolist()))):
                columns = select(PassageVector.passage_id, Passage.channel_id, PassageVector.vector)
                new = columns.join_from(PassageVector, Passage).where(PassageVector.passage_id.in_(some), *mine)
                found = (await session.execute(new)).all()
                ids.append(np.asarray([row.passage_id for row in found], np.int64))
                channels.append(np.asarray([row.channel_id or DOCUMENT for row in found], np.int64))
                rows.append(np.asarray([row.vector for row in found], np.float16))
        filled = [part for part in rows if len(part)]
        matrix = np.concatenate(filled) if filled else np.zeros((0, 0), np.float16)
        return Shelf(state, np.concatenate(ids), np.concatenate(channels), matrix)


def _nearest(
    shelf: Shelf, vector: NDArray[np.float32], places: NDArray[np.int64], most: int
) -> list[tuple[int, float]]:
    norm = float(np.linalg.norm(vector))
    if not len(shelf.ids) or shelf.rows.shape[1] != len(vector) or not norm:
        return []
    wanted = (vector / norm).astype(np.float32)
    scores = np.empty(len(shelf.ids), np.float32)
    for start in range(0, len(scores), BLOCK):
        scores[start : start + BLOCK] = shelf.rows[start : start + BLOCK].astype(np.float32) @ wanted
    scores[~np.isin(shelf.channels, places)] = -np.inf
    count = min(most, len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    ranked = best[np.argsort(-scores[best], kind="stable")]
    return [(int(shelf.ids[place]), float(scores[place])) for place in ranked if np.isfinite(scores[place])]
