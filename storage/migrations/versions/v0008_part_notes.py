"""Notes of parts of conversations, so that summarizing again reads only what is new.

Revision: 0008.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "part_notes",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("first_id", ID, nullable=False),
        sa.Column("messages", ID, nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_part_notes"),
        sqlite_autoincrement=True,
    )
    for column in ("key", "first_id", "created_at"):
        op.create_index(f"ix_part_notes_{column}", "part_notes", [column])
    op.create_table(
        "part_notes_sources",
        sa.Column("notes_id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("notes_id", "message_id", name="pk_part_notes_sources"),
        sa.ForeignKeyConstraint(
            ["notes_id"], ["part_notes.id"], name="fk_part_notes_sources_notes_id_part_notes", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_part_notes_sources_message_id", "part_notes_sources", ["message_id"])


def downgrade() -> None:
    for table in ("part_notes_sources", "part_notes"):
        op.drop_table(table)
