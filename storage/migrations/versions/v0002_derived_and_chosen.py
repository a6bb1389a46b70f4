"""What is made from messages, and what people and servers chose.

Token counts get a table of their own, because they differ by model; those of the first tables belonged to none. Replies
know for whom they were made: those that exist learn it from the message they answer.

Revision: 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

QUESTION = (
    "COALESCE((SELECT {column} FROM messages q JOIN channels c ON c.id = q.channel_id"
    " WHERE q.id = replies.prompt_message_id),"
    " (SELECT {column} FROM messages a JOIN messages q ON q.id = a.reply_to JOIN channels c ON c.id = q.channel_id"
    " WHERE a.id = replies.message_id))"
)


def upgrade() -> None:
    op.add_column("guilds", sa.Column("left_at", MOMENT, nullable=True))
    op.add_column("channels", sa.Column("parent_id", ID, nullable=True))
    op.create_index("ix_channels_parent_id", "channels", ["parent_id"])
    op.drop_column("messages", "token_count")
    _replies()
    _derived()
    _chosen()


def downgrade() -> None:
    for table in (
        "setting_changes",
        "settings",
        "choices",
        "memory_sources",
        "memories",
        "summary_sources",
        "summaries",
        "quotes",
        "token_counts",
    ):
        op.drop_table(table)
    for index in ("ix_replies_person_id_created_at", "ix_replies_guild_id_created_at"):
        op.drop_index(index, "replies")
    op.drop_column("replies", "person_id")
    op.drop_column("replies", "guild_id")
    op.add_column("messages", sa.Column("token_count", ID, nullable=True))
    op.drop_index("ix_channels_parent_id", "channels")
    op.drop_column("channels", "parent_id")
    op.drop_column("guilds", "left_at")


def _replies() -> None:
    op.add_column("replies", sa.Column("person_id", ID, nullable=True))
    op.add_column("replies", sa.Column("guild_id", ID, nullable=True))
    person, guild = QUESTION.format(column="q.author_id"), QUESTION.format(column="c.guild_id")
    op.execute(f"UPDATE replies SET person_id = {person}, guild_id = {guild}")
    op.create_index("ix_replies_person_id_created_at", "replies", ["person_id", "created_at"])
    op.create_index("ix_replies_guild_id_created_at", "replies", ["guild_id", "created_at"])


def _derived() -> None:
    op.create_table(
        "token_counts",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("tokens", ID, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "model", name="pk_token_counts"),
        _reference("token_counts", "message_id", "messages"),
    )
    op.create_table(
        "quotes",
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.Column("source_id", ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("message_id", "source_id", name="pk_quotes"),
        _reference("quotes", "message_id", "messages"),
    )
    op.create_index("ix_quotes_source_id", "quotes", ["source_id"])
    op.create_table(
        "summaries",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("conversation", ID, nullable=False),
        sa.Column("upto_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_summaries"),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_summaries_channel_id_channels"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_summaries_conversation_upto_id", "summaries", ["conversation", "upto_id"], unique=True)
    op.create_index("ix_summaries_upto_id", "summaries", ["upto_id"])
    op.create_index("ix_summaries_channel_id", "summaries", ["channel_id"])
    _sources("summary_sources", "summary_id", "summaries")
    op.create_table(
        "memories",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("embedding_model", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_memories"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_memories_person_id_guild_id", "memories", ["person_id", "guild_id"])
    op.create_index("ix_memories_created_at", "memories", ["created_at"])
    _sources("memory_sources", "memory_id", "memories")


def _chosen() -> None:
    op.create_table(
        "choices",
        sa.Column("person_id", ID, nullable=False, autoincrement=False),
        sa.Column("guild_id", ID, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "guild_id", "name", name="pk_choices"),
    )
    op.create_table(
        "settings",
        sa.Column("guild_id", ID, nullable=False, autoincrement=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("target_id", ID, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "scope", "target_id", "name", name="pk_settings"),
    )
    op.create_table(
        "setting_changes",
        sa.Column("id", ID, nullable=False, autoincrement=True),
        sa.Column("guild_id", ID, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=True),
        sa.Column("new", sa.Text(), nullable=True),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_setting_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_setting_changes_guild_id_id", "setting_changes", ["guild_id", "id"])
    op.create_index("ix_setting_changes_changed_at", "setting_changes", ["changed_at"])


def _sources(table: str, column: str, made: str) -> None:
    """The link table between what was made and the messages it was made from."""
    op.create_table(
        table,
        sa.Column(column, ID, nullable=False, autoincrement=False),
        sa.Column("message_id", ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint(column, "message_id", name=f"pk_{table}"),
        _reference(table, column, made),
    )
    op.create_index(f"ix_{table}_message_id", table, ["message_id"])


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}_{to}", ondelete="CASCADE")
