"""Brings the tables up to date, through Alembic and without alembic.ini. Knows no single table.

The functions that take a `Connection` are synchronous: `storage.database` runs them inside its own event loop.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

import storage.migrations
from storage.errors import SchemaMismatch, SchemaOutdated, SchemaTooNew
from storage.models import Base

SCRIPTS = Path(storage.migrations.__file__).parent
MEND = "steward db upgrade"
UPGRADE_LOCK = 0x57E3A4D  # PostgreSQL advisory lock: two processes that start at once upgrade one after the other


class Revision(NamedTuple):
    """The revision of the tables, None for an empty database, and the one that this program works with."""

    current: str | None
    head: str


def read_revision(connection: Connection) -> Revision:
    """Where the database stands. Changes nothing."""
    head = _script().get_current_head()
    if head is None:
        raise SchemaMismatch("This installation of Steward lacks its migrations; install it again.")
    return Revision(MigrationContext.configure(connection).get_current_revision(), head)


def require_known(revision: Revision) -> None:
    """SchemaTooNew when the database was written by a Steward that is newer than this one."""
    known = {script.revision for script in _script().walk_revisions()}
    if revision.current is not None and revision.current not in known:
        raise SchemaTooNew(
            f"The database is at revision {revision.current}, this Steward knows only up to {revision.head}. "
            "Install the newer Steward again, or restore the backup from before its upgrade."
        )


def require_current(revision: Revision) -> None:
    """SchemaOutdated, which names the command that mends it, for older tables; SchemaTooNew for newer ones."""
    require_known(revision)
    if revision.current != revision.head:
        found = "has no tables yet" if revision.current is None else f"is at revision {revision.current}"
        raise SchemaOutdated(
            f"The database {found}, this Steward needs {revision.head}. Make a backup, then run `{MEND}`."
        )


def upgrade(connection: Connection) -> Revision:
    """Run what is missing inside the connection's open transaction: all of it happens, or nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
    revision = read_revision(connection)
    require_known(revision)
    if revision.current is None:
        _require_free_names(connection)
    command.upgrade(alembic_config(connection), "head")
    return read_revision(connection)


def _require_free_names(connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(Base.metadata.tables))
    if taken:
        raise SchemaMismatch(
            f"The database holds tables named {', '.join(taken)} that Steward did not make. Give Steward its own."
        )


def alembic_config(connection: Connection) -> Config:
    """What Alembic's commands need to work on this connection, inside its transaction."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(SCRIPTS))
