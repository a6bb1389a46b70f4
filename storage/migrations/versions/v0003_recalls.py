"""Which memories stood in which prompt, and where private ones were told.

Revision: 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("memories", sa.Column("channel_id", ID, nullable=True))
    op.create_table(
        "recalls",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("memory_id", ID, nullable=False, autoincrement=False),
        sa.Column("place", ID, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "memory_id", name="pk_recalls"),
        _reference("message_id", "messages"),
        _reference("memory_id", "memories"),
    )
    op.create_index("ix_recalls_memory_id", "recalls", ["memory_id"])


def downgrade() -> None:
    op.drop_table("recalls")
    op.drop_column("memories", "channel_id")


def _reference(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_recalls_{column}_{table}", ondelete="CASCADE")
