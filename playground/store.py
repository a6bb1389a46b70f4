"""Keeps what the playground remembers in one SQLite file. It does not know what the things mean: kind, id and JSON."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from playground.models import Payload

SCHEMA = """
CREATE TABLE IF NOT EXISTS things (kind TEXT, id INTEGER, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""


class Store:
    """Writes are collected while a request runs and committed together, in a thread, before it is answered."""

    def __init__(self, path: Path | None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(SCHEMA)
        self._things: dict[tuple[str, int], Payload | None] = {}
        self._files: dict[int, bytes] = {}
        self._writing = asyncio.Lock()

    def load(self, kind: str) -> Iterator[Payload]:
        """Everything of one kind, by ascending id. For the start only: it blocks."""
        for (body,) in self._connection.execute("SELECT body FROM things WHERE kind = ? ORDER BY id", (kind,)):
            yield json.loads(body)

    def put(self, kind: str, identity: int, body: Payload) -> None:
        self._things[kind, identity] = body

    def remove(self, kind: str, identity: int) -> None:
        self._things[kind, identity] = None

    def put_file(self, identity: int, body: bytes) -> None:
        self._files[identity] = body

    async def file(self, identity: int) -> bytes | None:
        if identity in self._files:
            return self._files[identity]
        async with self._writing:
            return await asyncio.to_thread(self._read_file, identity)

    async def flush(self) -> None:
        """Commits what was collected; returns once it is on disk."""
        async with self._writing:
            things, self._things = self._things, {}
            if not things and not self._files:
                return
            files = dict(self._files)
            await asyncio.to_thread(self._write, things, files)
            for identity in files:
                del self._files[identity]

    def close(self) -> None:
        self._connection.close()

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.flush()
        self.close()

    def _read_file(self, identity: int) -> bytes | None:
        row = self._connection.execute("SELECT body FROM files WHERE id = ?", (identity,)).fetchone()
        return None if row is None else bytes(row[0])

    def _write(self, things: dict[tuple[str, int], Payload | None], files: dict[int, bytes]) -> None:
        gone = [key for key, body in things.items() if body is None]
        kept = [(*key, json.dumps(body)) for key, body in things.items() if body is not None]
        with self._connection:
            self._connection.executemany("DELETE FROM things WHERE kind = ? AND id = ?", gone)
            self._connection.executemany("INSERT OR REPLACE INTO things VALUES (?, ?, ?)", kept)
            self._connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", list(files.items()))
