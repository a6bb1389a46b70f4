"""Channels that are mirrored into each other, and which message stands for which in another language.

Revision: 0009.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mirrors",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("other_language", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mirrors"),
        sqlite_autoincrement=True,
    )
    for column in ("guild_id", "channel_id", "other_id"):
        op.create_index(f"ix_mirrors_{column}", "mirrors", [column])
    op.create_table(
        "copies",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("mirror_id", ID, nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_copies"),
        sa.ForeignKeyConstraint(["mirror_id"], ["mirrors.id"], name="fk_copies_mirror_id_mirrors", ondelete="CASCADE"),
    )
    for column in ("guild_id", "channel_id", "source_id", "person_id", "mirror_id", "created_at"):
        op.create_index(f"ix_copies_{column}", "copies", [column])


def downgrade() -> None:
    for table in ("copies", "mirrors"):
        op.drop_table(table)
