"""The migrations make exactly the tables of models.py, from nothing, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from storage import schema
from storage.database import Database
from storage.errors import SchemaMismatch, SchemaOutdated, SchemaTooNew
from storage.history import History
from storage.indexing import FTS, POSTGRES_INDEX
from storage.models import Base
from storage.usage import Usage
from tests.storage.samples import NOON, message


def differences(connection: Connection) -> list[Any]:
    options = {"include_object": _is_a_models}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def _is_a_models(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    """SQLAlchemy has no words for a full-text index: `shape` compares it."""
    return not str(name).startswith((FTS, POSTGRES_INDEX))


def shape(connection: Connection) -> dict[str, Any]:
    """Everything that the database itself says of its tables."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)],
            "key": inspector.get_pk_constraint(table),
            "references": sorted(inspector.get_foreign_keys(table), key=str),
            "indices": sorted(inspector.get_indexes(table), key=str),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version" and not table.startswith(FTS)
    }


def written_as(connection: Connection) -> list[str]:
    """Triggers and the full-text table, in SQLite's own words."""
    if connection.dialect.name != "sqlite":
        return []
    kept = "SELECT sql FROM sqlite_master WHERE type = 'trigger' OR name = 'passage_words' ORDER BY name"
    return list(connection.execute(text(kept)).scalars())


async def test_the_migrations_make_the_models(database: Database) -> None:
    async with database.write() as connection:
        assert await connection.run_sync(differences) == []
        migrated, written = await connection.run_sync(shape), await connection.run_sync(written_as)
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
        assert await connection.run_sync(shape) == migrated
        assert await connection.run_sync(written_as) == written
        assert set(migrated) == set(Base.metadata.tables)


async def test_down_to_nothing_and_up_again(database: Database) -> None:
    async with database.write() as connection:
        await connection.run_sync(lambda it: command.downgrade(schema.alembic_config(it), "base"))
        assert (await connection.run_sync(shape), await connection.run_sync(written_as)) == ({}, [])
    assert (await database.revision()).current is None
    await database.upgrade()
    await database.require_current()


async def test_upgrade_says_where_it_stands(url: str) -> None:
    async with Database(url) as database:
        before = await database.revision()
        assert before.current is None
        with pytest.raises(SchemaOutdated, match="steward db upgrade"):
            await database.require_current()
        assert (await database.check()).rows == {}
        assert await database.upgrade() == (before.head, before.head)
        assert await database.upgrade() == await database.revision() == (before.head, before.head)
        await database.require_current()


async def test_an_older_database_is_not_upgraded_in_silence(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(SchemaOutdated, match="steward db upgrade"):
        await database.require_current()


async def test_a_newer_database_is_left_alone(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refused in (database.require_current(), database.upgrade()):
        with pytest.raises(SchemaTooNew, match="9999"):
            await refused
    assert (await database.revision()).current == "9999"


async def test_two_processes_upgrade_at_once(url: str) -> None:
    async with Database(url) as one, Database(url) as other:
        revisions = await asyncio.gather(one.upgrade(), other.upgrade())
        assert revisions[0] == revisions[1]
        await other.require_current()


async def test_somebody_elses_tables_are_not_touched(url: str) -> None:
    async with Database(url) as database:
        async with database.write() as connection:
            await connection.execute(text("CREATE TABLE messages (mine INTEGER)"))
        with pytest.raises(SchemaMismatch, match="messages"):
            await database.upgrade()
        async with database.write() as connection:
            assert list(await connection.run_sync(shape)) == ["messages"]


async def test_a_failing_migration_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A migration that makes a table and then fails: the table is gone, the revision as before."""
    versions = tmp_path / "scripts" / "versions"
    versions.mkdir(parents=True)
    (versions.parent / "env.py").write_text((schema.SCRIPTS / "env.py").read_text())
    (versions / "one.py").write_text(
        "from alembic import op\nrevision = 'one'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (id INTEGER)')\n    op.execute('SELECT nonsense')\n"
    )
    async with Database(url) as database:
        with monkeypatch.context() as patched:
            patched.setattr(schema, "SCRIPTS", versions.parent)
            with pytest.raises(Exception, match="nonsense"):
                await database.upgrade()
        async with database.session() as session:
            assert await (await session.connection()).run_sync(shape) == {}
        await database.upgrade()


FIRST_ROWS = """
INSERT INTO guilds (id, name) VALUES (7, 'Analytical Society');
INSERT INTO channels (id, guild_id, name, kind) VALUES (70, 7, 'general', 'text'), (-70, 7, '', '');
INSERT INTO people (id, name, is_bot) VALUES (700, 'Ada', false), (900, 'Steward', true);
INSERT INTO messages (id, channel_id, author_id, author_name, content, reply_to, created_at, token_count) VALUES
  (1, 70, 700, 'Ada', 'a question', NULL, '2026-11-22 12:00:00', 3),
  (2, 70, 900, 'Steward', 'an answer', 1, '2026-11-22 12:00:01', NULL),
  (-3, -70, 700, 'Ada', 'a private one', NULL, '2026-11-22 12:00:02', NULL),
  (-4, -70, 900, 'Steward', 'its answer', -3, '2026-11-22 12:00:03', NULL);
INSERT INTO replies (message_id, prompt_message_id, model, duration_s, finish_reason, created_at) VALUES
  (2, 1, 'm', 1.5, 'stop', '2026-11-22 12:00:01'),
  (-4, NULL, 'm', 1.5, 'stop', '2026-11-22 12:00:03'),
  (99, 98, 'm', 1.5, 'stop', '2026-11-22 12:00:04')
"""


async def test_the_first_tables_come_up_with_what_they_hold(url: str) -> None:
    async with Database(url) as database:
        async with database.write() as connection:
            await connection.run_sync(lambda it: command.upgrade(schema.alembic_config(it), "0001"))
            for statement in FIRST_ROWS.split(";"):
                await connection.execute(text(statement))
        await database.upgrade()
        assert (await database.check()).problems == []
        history = History(database)
        assert [row.content for row in (await history.chain(2)).messages] == ["a question", "an answer"]
        replies = [await history.reply(number) for number in (2, -4, 99)]
        assert [(reply.person_id, reply.guild_id) for reply in replies if reply] == [(700, 7), (700, 7), (None, None)]
        assert (await Usage(database).of_person(700, NOON)).requests == 2
        await history.record([message(5, 2)])
        async with database.write() as connection:
            await connection.run_sync(lambda it: command.downgrade(schema.alembic_config(it), "0001"))
        await database.upgrade()
        assert [row.id for row in (await history.chain(5)).messages] == [1, 2, 5]
