"""The vectors of a server in memory, brought up to date before each question, and multiplied in a thread. SQLite only.

They are stored in 16 bits a number and widened once, when they are read: widening takes six times as long as the
product. 50,000 messages of 384 numbers are 85 MB; servers that were not asked about for longest go first. It does not
know what the vectors mean; what went from the database goes from here with the next question.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import LargeBinary, String, cast, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.forgetting import portions
from storage.models import Passage, PassageVector

MOST_VECTORS = 130_000
"""In memory, of all servers together: 220 MB at 384 numbers each; one server may have more."""
DOCUMENT = 0
"""Stands for a channel where a passage is a document's."""
GONE = -1
"""Stands for a channel where a passage is no more."""
_SPARE = 256
"""Places, besides a tenth of those that are taken: what comes in one by one is not copied with everything each time."""

Key = tuple[int, str]
State = tuple[int, int, int]
Numbers = NDArray[np.int64]
Rows = NDArray[np.float32]


class Shelf:
    """The vectors of one server by one model: ids, channels and rows go together, the first `used` places are taken.

    Rows are put on the end and taken out where they stand; whoever multiplies them in a thread meanwhile has a view of
    those that were there."""

    def __init__(self) -> None:
        self.used = 0
        self._ids: Numbers = np.zeros(0, np.int64)
        self._channels: Numbers = np.zeros(0, np.int64)
        self._rows: Rows = np.zeros((0, 0), np.float32)

    @property
    def view(self) -> tuple[Numbers, Numbers, Rows]:
        """Ids, channels (GONE where there is nothing) and rows."""
        return self._ids[: self.used], self._channels[: self.used], self._rows[: self.used]

    @property
    def ids(self) -> Numbers:
        """Of what is there."""
        ids, channels, _ = self.view
        return np.compress(channels != GONE, ids)

    @property
    def state(self) -> State:
        """How many, the greatest id, and the sum of the ids."""
        ids = self.ids
        return len(ids), int(ids.max(initial=0)), int(ids.sum())

    def put(self, ids: Numbers, channels: Numbers, rows: Rows) -> None:
        """Put vectors on the end."""
        if self.used + len(ids) > len(self._ids):
            self._make_room(len(ids), rows.shape[1])
        end = self.used + len(ids)
        self._ids[self.used : end] = ids
        self._channels[self.used : end] = channels
        self._rows[self.used : end] = rows
        self.used = end

    def keep(self, ids: Numbers) -> None:
        """Take out what is not among these."""
        mine, channels, rows = self.view
        away = ~np.isin(mine, ids)
        channels[away] = GONE
        rows[away] = 0.0

    def _make_room(self, count: int, width: int) -> None:
        ids, channels, rows = self.view
        stays = channels != GONE
        used = int(stays.sum())
        size = int(1.1 * (used + count)) + _SPARE
        self._ids, self._channels = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._rows = np.zeros((size, width), np.float32)
        if used:
            self._ids[:used], self._channels[:used], self._rows[:used] = ids[stays], channels[stays], rows[stays]
        self.used = used


class Shelves:
    """Vectors by server and model."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shelves: OrderedDict[Key, Shelf] = OrderedDict()
        self._updating = asyncio.Lock()

    async def nearest(
        self,
        vector: Rows,
        model: str,
        guild_id: int,
        channel_ids: Collection[int],
        *,
        documents: bool,
        most: int,
    ) -> list[tuple[int, float]]:
        """Passages of these channels nearest to `vector`, with their cosine, the nearest first. Raises StorageError."""
        ids, channels, rows = await self._current((guild_id, model))
        places = np.asarray([*channel_ids, *([DOCUMENT] if documents else [])], np.int64)
        return await asyncio.to_thread(_nearest, ids, channels, rows, vector, places, most)

    def forget(self, guild_id: int | None) -> None:
        """Hold nothing of a server, or (None) of any, until somebody asks again."""
        for key in [key for key in self._shelves if guild_id in (None, key[0])]:
            del self._shelves[key]

    async def _current(self, key: Key) -> tuple[Numbers, Numbers, Rows]:
        async with self._updating:
            shelf = self._shelves.pop(key, None) or Shelf()
            async with self._database.session() as session:
                state = await _state(session, key)
                if shelf.state != state:
                    await _update(session, key, shelf, state)
            self._shelves[key] = shelf
            while len(self._shelves) > 1 and sum(one.used for one in self._shelves.values()) > MOST_VECTORS:
                self._shelves.popitem(last=False)
            return shelf.view


async def _state(session: AsyncSession, key: Key) -> State:
    """Differs whenever vectors came or went: no id is given twice."""
    mine = (PassageVector.guild_id == key[0], PassageVector.model == key[1])
    ids = PassageVector.passage_id
    wanted = select(func.count(), func.coalesce(func.max(ids), 0), func.coalesce(func.sum(ids), 0)).where(*mine)
    count, newest, total = (await session.execute(wanted)).one()
    return int(count), int(newest), int(total)


async def _update(session: AsyncSession, key: Key, shelf: Shelf, state: State) -> None:
    """Bring a shelf to what is there now; only vectors that are new are read."""
    newest = shelf.state[1]
    await _take(session, shelf, await _ids(session, key, newest))
    if shelf.state != state:  # something went, or an older one got its vector
        there = await _ids(session, key, 0)
        shelf.keep(there)
        await _take(session, shelf, np.setdiff1d(there, shelf.ids))


async def _ids(session: AsyncSession, key: Key, above: int) -> Numbers:
    """Ids of all passages with a vector that are greater than `above`; as one text, which is read at once."""
    joined = func.group_concat(cast(PassageVector.passage_id, String))
    wanted = select(joined).where(
        PassageVector.guild_id == key[0], PassageVector.model == key[1], PassageVector.passage_id > above
    )
    found = await session.scalar(wanted)
    return np.asarray(found.split(",") if found else [], np.int64)


async def _take(session: AsyncSession, shelf: Shelf, new: Numbers | Sequence[int]) -> None:
    """Put the vectors of these passages on the shelf."""
    vector = type_coerce(PassageVector.vector, LargeBinary)  # as it is stored: a row at a time takes longer to widen
    columns = select(PassageVector.passage_id, Passage.channel_id, vector.label("half"))
    for some in portions([int(number) for number in new]):
        wanted = columns.join_from(PassageVector, Passage).where(PassageVector.passage_id.in_(some))
        found = (await session.execute(wanted)).all()
        if not found:
            continue
        halves = np.frombuffer(b"".join(row.half for row in found), "<f2").reshape(len(found), -1)
        channels = np.asarray([row.channel_id or DOCUMENT for row in found], np.int64)
        shelf.put(np.asarray([row.passage_id for row in found], np.int64), channels, halves.astype(np.float32))


def _nearest(
    ids: Numbers, channels: Numbers, rows: Rows, vector: Rows, places: Numbers, most: int
) -> list[tuple[int, float]]:
    norm = float(np.linalg.norm(vector))
    if not len(ids) or rows.shape[1] != len(vector) or not norm:
        return []
    wanted = (vector / norm).astype(np.float32)
    scores = rows @ wanted
    scores[~np.isin(channels, places)] = -np.inf
    count = min(most, len(scores))
    best = np.argpartition(-scores, count - 1)[:count]
    ranked = best[np.argsort(-scores[best], kind="stable")]
    return [(int(ids[place]), float(scores[place])) for place in ranked if np.isfinite(scores[place])]
