"""Guilds, channels, people, messages and replies.

Revision: 0001, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _places_and_people()
    _messages()
    _replies()


def downgrade() -> None:
    for table in ("replies", "messages", "people", "channels", "guilds"):
        op.drop_table(table)


def _places_and_people() -> None:
    op.create_table(
        "guilds",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("adopted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_guilds"),
    )
    op.create_table(
        "channels",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("guild_id", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_channels"),
        sa.ForeignKeyConstraint(["guild_id"], ["guilds.id"], name="fk_channels_guild_id_guilds"),
    )
    op.create_index("ix_channels_guild_id", "channels", ["guild_id"])
    op.create_table(
        "people",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_bot", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("reply_to", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("edited_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("token_count", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_messages_channel_id_channels"),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name="fk_messages_author_id_people"),
    )
    op.create_index("ix_messages_channel_id_id", "messages", ["channel_id", "id"])
    op.create_index("ix_messages_author_id", "messages", ["author_id"])
    op.create_index("ix_messages_reply_to", "messages", ["reply_to"])
    op.create_index("ix_messages_created_at", "messages", ["created_at"])


def _replies() -> None:
    op.create_table(
        "replies",
        sa.Column("message_id", ID, autoincrement=False, nullable=False),
        sa.Column("prompt_message_id", ID, nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", ID, nullable=True),
        sa.Column("completion_tokens", ID, nullable=True),
        sa.Column("first_token_s", sa.Double(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_replies"),
    )
    op.create_index("ix_replies_prompt_message_id", "replies", ["prompt_message_id"])
    op.create_index("ix_replies_created_at", "replies", ["created_at"])
