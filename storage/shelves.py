"""The vectors of a server in memory, brought up to date before each question, and multiplied in a thread. SQLite only.

They are stored in 16 bits a number and widened once, when they are read: widening takes six times as long as the
product. 50,000 messages of 384 numbers are 77 MB; servers that were not asked about for longest go first. It does not
know what the vectors mean; what went from the database goes from here with the next question.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.forgetting import portions
from storage.models import Passage, PassageVector

MOST_VECTORS = 130_000
"""In memory, of all servers together: 200 MB at 384 numbers each; one server may have more."""
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
    rows: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def newest(self) -> int:
        """The greatest id, 0 where there is none."""
        return int(self.ids.max(initial=0))

    @property
    def found(self) -> State:
        """The state that these vectors would be."""
        return len(self.ids), self.newest, int(self.ids.sum())


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
        ids = select(PassageVector.passage_id).where(*mine)
        async with self._database.session() as session:
            newer = list(await session.scalars(ids.where(PassageVector.passage_id > shelf.newest)))
            grown = await _with(session, shelf, newer)
            if grown.found != state:  # something went, or an older one got its vector
                there = list(await session.scalars(ids))
                stays = np.isin(grown.ids, np.asarray(there, np.int64))
                grown = Shelf(state, grown.ids[stays], grown.channels[stays], grown.rows[stays])
                grown = await _with(session, grown, sorted(set(there) - set(grown.ids.tolist())))
        return Shelf(grown.found, grown.ids, grown.channels, grown.rows)


async def _with(session: AsyncSession, shelf: Shelf, new: Sequence[int]) -> Shelf:
    """The shelf and the vectors of these passages."""
    if not new:
        return shelf
    ids, channels, rows = [shelf.ids], [shelf.channels], [shelf.rows] * bool(len(shelf.ids))
    columns = select(PassageVector.passage_id, Passage.channel_id, PassageVector.vector)
    for some in portions(new):
        wanted = columns.join_from(PassageVector, Passage).where(PassageVector.passage_id.in_(some))
        found = (await session.execute(wanted)).all()
        ids.append(np.asarray([row.passage_id for row in found], np.int64))
        channels.append(np.asarray([row.channel_id or DOCUMENT for row in found], np.int64))
        rows.append(np.stack([row.vector for row in found]))
    return Shelf(shelf.state, np.concatenate(ids), np.concatenate(channels), np.concatenate(rows))


def _nearest(
    shelf: Shelf, vector: NDArray[np.float32], places: NDArray[np.int64], most: int
) -> list[tuple[int, float]]:
    norm = float(np.linalg.norm(vector))
    if not len(shelf.ids) or shelf.rows.shape[1] != len(vector) or not norm:
        return []
    wanted = (vector / norm).astype(np.float32)
    scores = shelf.rows @ wanted
    scores[~np.isin(shelf.channels, places)] = -np.inf
    count = min(most, len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    ranked = best[np.argsort(-scores[best], kind="stable")]
    return [(int(shelf.ids[place]), float(scores[place])) for place in ranked if np.isfinite(scores[place])]
