"""What can be found: passages of messages and documents, their words in a full-text index, and their vectors.

On PostgreSQL the vectors are pgvector's, which the server must have. A later migration that makes SQLite's `passages`
anew must make its triggers anew, too.

Revision: 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.columns import HalfVector
from storage.errors import SchemaMismatch
from storage.indexing import FTS, POSTGRES_UP, SQLITE_UP

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NO_PGVECTOR = (
    "Steward needs pgvector on PostgreSQL, for searching by meaning: install it on the database server (its package is "
    "named like postgresql-17-pgvector) and let a superuser run CREATE EXTENSION vector in Steward's database."
)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        _require_pgvector()
    op.create_table(
        "documents",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_documents_guild_id_name", "documents", ["guild_id", "name"], unique=True)
    op.create_table(
        "passages",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("document_id", ID, nullable=True),
        sa.Column("number", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passages"),
        _reference("passages", "message_id", "messages"),
        _reference("passages", "document_id", "documents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passages_guild_id_channel_id", "passages", ["guild_id", "channel_id"])
    op.create_index("ix_passages_message_id", "passages", ["message_id"], unique=True)
    op.create_index("ix_passages_document_id", "passages", ["document_id"])
    op.create_table(
        "passage_vectors",
        sa.Column("passage_id", ID, nullable=False),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("vector", HalfVector(), nullable=False),
        sa.PrimaryKeyConstraint("passage_id", name="pk_passage_vectors"),
        _reference("passage_vectors", "passage_id", "passages"),
    )
    columns = ["guild_id", "model", "passage_id"]
    op.create_index("ix_passage_vectors_guild_id_model_passage_id", "passage_vectors", columns)
    for statement in SQLITE_UP if is_sqlite else POSTGRES_UP:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TABLE {FTS}")
    for table in ("passage_vectors", "passages", "documents"):
        op.drop_table(table)


def _require_pgvector() -> None:
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")):
        return
    if not connection.scalar(sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")):
        raise SchemaMismatch(NO_PGVECTOR)
    op.execute("CREATE EXTENSION vector")


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE")
