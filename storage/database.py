"""Engine, sessions (one per operation), health and schema of the one database. Knows no single table.

SQLite has one writer: write transactions wait for each other here, in order, instead of failing on the file's lock.
Messages that were only collected so far are written before anything else looks (`storage.intake`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, Pool

from storage import address, schema
from storage.errors import DatabaseUnavailable
from storage.failures import translated
from storage.indexing import AT_ONCE_SINCE, SQLITE_AT_ONCE, SQLITE_FORGET
from storage.intake import WRITE_AFTER_S, Intake, Write
from storage.models import Base

BUSY_TIMEOUT_MS = 10_000  # another process (`steward db purge`) may hold SQLite's write lock for a moment
CONNECT_TIMEOUT_S = 10
COMMAND_TIMEOUT_S = 60
POOL_SIZE = 5  # on SQLite each connection is a thread


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `steward db check` found: `problems` are the database's own words, empty when it is sound."""

    revision: schema.Revision
    problems: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)


class Database:
    """One database, SQLite or PostgreSQL. Use `async with`; every method raises StorageError and nothing else."""

    def __init__(self, url: str, *, write_after_s: float = WRITE_AFTER_S) -> None:
        """`write_after_s`: how long messages are collected before they are written together."""
        self._write_after_s = write_after_s
        self._address = address.parse(url)
        self.is_sqlite = self._address.file is not None
        self._write_lock = asyncio.Lock() if self.is_sqlite else nullcontext()
        self.engine = self._make_engine(AsyncAdaptedQueuePool)
        self._driver_errors = () if self.is_sqlite else _asyncpg_errors()
        self._reader = async_sessionmaker(self.engine, expire_on_commit=False)
        self._writer = self.engine.execution_options(immediate=True)
        self._intake: Intake | None = None
        self.place_revision = 0
        """How often names of places were deleted in this process."""
        self.setting_revisions: Counter[int] = Counter()
        """How often each server's settings changed in this process: what was read before is old then."""

    def __str__(self) -> str:
        return str(self._address)

    async def __aenter__(self) -> Self:
        if self._address.file is not None:
            with translated(self._address, (sqlite3.Error,)):
                _make_file(self._address.file)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.engine.dispose)
            await self.health()
            undo.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._intake is not None:
                await self._intake.close()
        finally:
            await self.engine.dispose()

    def intake(self, write: Write) -> Intake:
        """The one place where messages are collected; `write` is how the first caller stores them."""
        if self._intake is None:
            self._intake = Intake(write, write_after_s=self._write_after_s)
        return self._intake

    @property
    def host(self) -> str | None:
        """The name of the machine that the database is on; None where that is this one."""
        return None if self.is_sqlite else self._address.url.host

    @asynccontextmanager
    async def session(self, *, settled: bool = True) -> AsyncIterator[AsyncSession]:
        """A session for one operation that only reads: it sees one moment of the database.

        `settled=False` where messages are of no interest: those that were collected are not written for its sake.
        """
        await self._settle(settled)
        with translated(self._address, self._driver_errors):
            async with self._reader() as session:
                yield session

    @asynccontextmanager
    async def write(self, *, settled: bool = True) -> AsyncIterator[AsyncConnection]:
        """A transaction for one operation that writes: committed when the body ends well, undone when it raises.

        `settled=False` as in `session`.
        """
        await self._settle(settled)
        with translated(self._address, self._driver_errors):
            async with self._write_lock, self._writer.begin() as connection:
                yield connection

    async def health(self) -> None:
        """DatabaseUnavailable, DatabaseBusy or DatabaseCorrupt when a simple question gets no answer."""
        async with self.session(settled=False) as session:
            await session.execute(text("SELECT 1 FROM sqlite_master LIMIT 1" if self.is_sqlite else "SELECT 1"))

    async def revision(self) -> schema.Revision:
        """(current, head): where the tables stand, and where this program wants them."""
        async with self.session(settled=False) as session:
            connection = await session.connection()
            return await connection.run_sync(schema.read_revision)

    async def require_current(self) -> None:
        """SchemaOutdated, which names the command that mends it, or SchemaTooNew, unless the tables are current."""
        schema.require_current(await self.revision())

    async def upgrade(self) -> schema.Revision:
        """Bring the tables to this program's revision, all or nothing; safe when two processes start at once."""
        engine = self._make_engine(NullPool, migrating=True).execution_options(immediate=True)
        try:
            with translated(self._address, self._driver_errors):
                async with self._write_lock, engine.begin() as connection:
                    revision = await connection.run_sync(schema.upgrade)
                    if self.is_sqlite and sqlite3.sqlite_version_info >= AT_ONCE_SINCE:
                        await connection.execute(text(SQLITE_AT_ONCE))
                    return revision
        finally:
            await engine.dispose()

    async def forget_journal(self) -> None:
        """Make SQLite's journal and its full-text index give up what was deleted, as far as no other reader still needs
        it."""
        if self.is_sqlite:
            async with self.write() as connection:
                await connection.execute(text(SQLITE_FORGET))
            with translated(self._address):
                async with self._write_lock, self.engine.connect() as connection:
                    await connection.run_sync(_truncate_journal)

    async def check(self) -> CheckReport:
        """Let the database examine itself, and count every table's rows."""
        revision = await self.revision()
        async with self.session() as session:
            problems = await _integrity_problems(session) if self.is_sqlite else []
            if revision.current is None:
                return CheckReport(revision, problems)
            rows = {
                name: await session.scalar(select(func.count()).select_from(table)) or 0
                for name, table in Base.metadata.tables.items()
            }
        return CheckReport(revision, problems, rows)

    async def _settle(self, wanted: bool) -> None:
        if wanted and self._intake is not None:
            await self._intake.settle()

    def _make_engine(self, pool: type[Pool], *, migrating: bool = False) -> AsyncEngine:
        """`migrating`: foreign keys stay off (SQLite changes a table by replacing it) and commands may take long."""
        options: dict[str, Any] = {"poolclass": pool, "hide_parameters": True}
        if pool is not NullPool:
            options |= {"pool_size": POOL_SIZE, "max_overflow": 0 if self.is_sqlite else POOL_SIZE}
        if self.is_sqlite:
            engine = create_async_engine(self._address.url, **options)
            _prepare_sqlite(engine, foreign_keys=not migrating)
            return engine
        timeouts = {"timeout": CONNECT_TIMEOUT_S, "command_timeout": None if migrating else COMMAND_TIMEOUT_S}
        try:
            return create_async_engine(self._address.url, pool_pre_ping=True, connect_args=timeouts, **options)
        except ModuleNotFoundError:
            raise DatabaseUnavailable("PostgreSQL needs asyncpg: pip install 'steward-bot[scale]'.") from None


def _make_file(file: Path) -> None:
    """An empty file that only its owner can read, for it will hold conversations; SQLite's journal copies its mode.

    It is opened once, because aiosqlite does not wait for the thread of a connection that could not be opened.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
    sqlite3.connect(file).close()


def _prepare_sqlite(engine: AsyncEngine, *, foreign_keys: bool) -> None:
    """Set each connection up, and take transactions out of the driver's hands: it would begin them too late."""

    pragmas = (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
        "secure_delete = ON",
    )

    def connect(connection: Any, record: object) -> None:  # noqa: ANN401 - the driver's adapter has no public type
        connection.isolation_level = None
        with ExitStack() as undo:
            undo.callback(connection.close)  # else the thread of a connection to a damaged file would outlive it
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()
            undo.pop_all()

    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine.sync_engine, "connect", connect)
    event.listen(engine.sync_engine, "begin", begin)


def _truncate_journal(connection: Connection) -> None:
    """On the driver's own cursor: SQLite refuses it inside a transaction."""
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cursor.close()


async def _integrity_problems(session: AsyncSession) -> list[str]:
    found = list((await session.execute(text("PRAGMA integrity_check"))).scalars())
    dangling = (await session.execute(text("PRAGMA foreign_key_check"))).all()
    lines = [] if found == ["ok"] else [str(line) for line in found]
    return lines + [f"{table} row {row} refers to a missing row of {parent}" for table, row, parent, _ in dangling]


def _asyncpg_errors() -> tuple[type[Exception], ...]:
    import asyncpg  # type: ignore[import-untyped]  # here: SQLite alone must work without it

    return (asyncpg.PostgresError, asyncpg.InterfaceError)
