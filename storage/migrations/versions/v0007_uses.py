"""What people used, by day and without content, so that everything counts that Steward did for them.

What is known of replies so far becomes the beginning of it.

Revision: 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DAY = {"sqlite": "date(created_at)", "postgresql": "CAST(timezone('UTC', created_at) AS date)"}
SUMS = "count(*), COALESCE(sum(prompt_tokens), 0), COALESCE(sum(completion_tokens), 0)"


def upgrade() -> None:
    _table("uses", "person_id", "guild_id")
    op.create_index("ix_uses_guild_id_day", "uses", ["guild_id", "day"])
    _table("role_uses", "guild_id", "role_id")
    day = DAY[op.get_bind().dialect.name]
    op.execute(
        "INSERT INTO uses (person_id, guild_id, day, requests, prompt_tokens, completion_tokens) "
        f"SELECT person_id, COALESCE(guild_id, 0), {day}, {SUMS} FROM replies "
        f"WHERE person_id IS NOT NULL AND finish_reason <> 'error' GROUP BY person_id, COALESCE(guild_id, 0), {day}"
    )


def downgrade() -> None:
    for table in ("role_uses", "uses"):
        op.drop_table(table)


def _table(name: str, *key: str) -> None:
    op.create_table(
        name,
        *(sa.Column(column, ID, nullable=False, autoincrement=False) for column in key),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(column, ID, nullable=False) for column in ("requests", "prompt_tokens", "completion_tokens")),
        sa.PrimaryKeyConstraint(*key, "day", name=f"pk_{name}"),
    )
