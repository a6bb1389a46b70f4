"""Answers with buttons and their alternatives, so that these outlive a restart.

Revision: 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "open_replies",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("last_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("guild_id", ID, nullable=True),
        sa.Column("conversation", ID, nullable=False),
        sa.Column("question_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("shown", ID, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_open_replies"),
        _reference("open_replies", "messages", "id"),
    )
    for column in ("last_id", "conversation", "question_id", "person_id"):
        op.create_index(f"ix_open_replies_{column}", "open_replies", [column])
    op.create_table(
        "alternatives",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("number", ID, nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("footer", sa.Text(), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "number", name="pk_alternatives"),
        _reference("alternatives", "open_replies", "message_id"),
    )
    op.create_table(
        "alternative_sources",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("message_id", "source_id", name="pk_alternative_sources"),
        _reference("alternative_sources", "open_replies", "message_id"),
    )
    op.create_index("ix_alternative_sources_source_id", "alternative_sources", ["source_id"])


def downgrade() -> None:
    for table in ("alternative_sources", "alternatives", "open_replies"):
        op.drop_table(table)


def _reference(table: str, to: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["message_id"], [f"{to}.{column}"], name=f"fk_{table}_message_id_{to}", ondelete="CASCADE"
    )
