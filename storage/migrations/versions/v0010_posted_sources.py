"""Which messages the sentences rest on that people posted from private answers.

Revision: 0010.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "posted_sources",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("source_id", ID, nullable=False, autoincrement=False),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("place_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "source_id", name="pk_posted_sources"),
    )
    for column in ("source_id", "guild_id", "channel_id", "place_id", "person_id", "created_at"):
        op.create_index(f"ix_posted_sources_{column}", "posted_sources", [column])


def downgrade() -> None:
    op.drop_table("posted_sources")
