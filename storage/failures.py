"""The one edge where the drivers' errors become ours. Knows no table.

What a driver says can quote the row it refused (a member's words), so only its first line is kept, and nothing is
chained: a traceback in a log shows neither content nor password.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.address import Address
from storage.errors import BadRecord, DatabaseBusy, DatabaseCorrupt, DatabaseUnavailable, StorageError

SQLITE_KINDS: dict[str, tuple[type[StorageError], str]] = {
    "SQLITE_BUSY": (DatabaseBusy, "{address} is locked by another process; is a second Steward running on it?"),
    "SQLITE_LOCKED": (DatabaseBusy, "{address} is locked by another process; is a second Steward running on it?"),
    "SQLITE_CORRUPT": (DatabaseCorrupt, "{address} is damaged ({reason}); restore a backup, or move it away."),
    "SQLITE_NOTADB": (DatabaseCorrupt, "{address} is not a SQLite database; give another path, or move it away."),
    "SQLITE_CANTOPEN": (DatabaseUnavailable, "{address} cannot be opened; check the path and its permissions."),
    "SQLITE_READONLY": (DatabaseUnavailable, "{address} cannot be written; check its permissions and its folder's."),
    "SQLITE_FULL": (DatabaseUnavailable, "The disk is full: {address} cannot grow."),
    "SQLITE_IOERR": (DatabaseUnavailable, "The disk failed under {address} ({reason})."),
}


@contextmanager
def translated(address: Address, driver_errors: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise every database failure of the body as a StorageError; `driver_errors` are those SQLAlchemy lets through."""
    caught: tuple[type[Exception], ...] = (StatementError, PoolTimeout, OSError, OverflowError, *driver_errors)
    try:
        yield
    except caught as error:
        raise _ours(error, address) from None


def _ours(error: BaseException, address: Address) -> StorageError:
    root = _root(error)
    if isinstance(root, StorageError):
        return root
    if isinstance(root, sqlite3.Error):
        known = _sqlite_kind(root)
        if known is not None:
            kind, sentence = known
            return kind(sentence.format(address=address, reason=_first_line(root)))
    if isinstance(root, OverflowError) or isinstance(error, DataError | IntegrityError):
        return BadRecord(f"The database refused a value: {_first_line(root)}")
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return BadRecord(f"The database cannot hold a value: {_first_line(root)}")
    if isinstance(error, PoolTimeout):
        return DatabaseBusy(f"Every connection to {address} stayed in use for too long.")
    return DatabaseUnavailable(f"{address} cannot be used: {_first_line(root)}")


def _root(error: BaseException) -> BaseException:
    """The driver's own error under SQLAlchemy's and the adapters' wrappings."""
    while True:
        inner = getattr(error, "orig", None) or error.__cause__
        if inner is None:
            return error
        error = inner


def _sqlite_kind(error: sqlite3.Error) -> tuple[type[StorageError], str] | None:
    name = getattr(error, "sqlite_errorname", "")
    return next((kind for prefix, kind in SQLITE_KINDS.items() if name.startswith(prefix)), None)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
