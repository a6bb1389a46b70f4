"""Which database a URL means. Pure: opens nothing, knows no table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import BadAddress

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
OPTIONS = {"host", "port", "ssl", "sslmode"}  # after the question mark; `host` may be the folder of a socket
EXPECTED = "sqlite:///path/to/file.sqlite3 or postgresql://user:password@host/database"


@dataclass(frozen=True, slots=True)
class Address:
    """A URL with its driver; `file` is the SQLite file, None on PostgreSQL. `str()` is safe to show: no password."""

    url: URL
    file: Path | None

    def __str__(self) -> str:
        if self.file is not None:
            return f"the file {self.file}"
        shown = URL.create("postgresql", self.url.username, None, self.url.host, self.url.port, self.url.database)
        return f"the database {shown.render_as_string()}"


def parse(url: str) -> Address:
    """Understand what the owner wrote. BadAddress otherwise; its text never repeats a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadAddress(f"The database URL is not understood; expected {EXPECTED}.") from None
    driver = DRIVERS.get(parsed.drivername)
    if driver is None:
        raise BadAddress(f"Steward does not speak {parsed.drivername!r}; expected {EXPECTED}.")
    if driver == "postgresql+asyncpg":
        return Address(_with_asyncpg_names(parsed.set(drivername=driver)), None)
    if parsed.host:
        raise BadAddress("A SQLite URL has three slashes for a relative path and four for an absolute one.")
    if parsed.database in (None, "", ":memory:"):
        raise BadAddress("A SQLite URL must name a file: what is kept in memory only would be forgotten.")
    file = Path(str(parsed.database)).expanduser().absolute()
    return Address(parsed.set(drivername=driver, database=str(file)), file)


def _with_asyncpg_names(url: URL) -> URL:
    """PostgreSQL's own tools say `sslmode`, asyncpg says `ssl`."""
    unknown = sorted(set(url.query) - OPTIONS)
    if unknown:
        raise BadAddress(f"Unknown option {unknown[0]!r} in the database URL; known are {', '.join(sorted(OPTIONS))}.")
    mode = url.query.get("sslmode")
    if mode is None:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
