"""What the people were called whom a message mentions, so that a prompt shows their names in every turn alike.

Revision: 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "mentions",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("person_id", ID, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "person_id", name="pk_mentions"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_mentions_message_id_messages", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_mentions_person_id", "mentions", ["person_id"])


def downgrade() -> None:
    op.drop_table("mentions")
