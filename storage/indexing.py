"""How text becomes words that both databases find again, and the index over them. Pure, but for the DDL.

The databases split words and fold letters, each in its own way; here only what neither can do: scripts that write no
spaces are split into pairs of characters, and what Discord's markup stands for is no word. It does not know who asks.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import Connection, event

from storage.models import Passage

LONGEST = 8_000
"""Characters of one passage that are searched by their words."""
MOST_WORDS = 24
"""Of a question: more make it slower and no clearer."""

FTS = "passage_words"
"""Name of SQLite's full-text table; its own tables are named after it."""
POSTGRES_INDEX = "ix_passages_words"

SQLITE_UP = (
    f"CREATE VIRTUAL TABLE {FTS} USING fts5(words, content='passages', content_rowid='id', "
    "tokenize='porter unicode61 remove_diacritics 2')",
    f"CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN "
    f"INSERT INTO {FTS} (rowid, words) VALUES (new.id, new.words); END",
    f"CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN "
    f"INSERT INTO {FTS} ({FTS}, rowid, words) VALUES ('delete', old.id, old.words); END",
)
"""External content: the words stand once, in `passages`, and the triggers keep the index by them, also where a row goes
because its message did. A passage is never updated."""
POSTGRES_UP = (f"CREATE INDEX {POSTGRES_INDEX} ON passages USING gin (to_tsvector('english', words))",)

SQLITE_AT_ONCE = f"INSERT INTO {FTS} ({FTS}, rank) VALUES ('secure-delete', 1)"
"""What is deleted leaves the index with its message. Kept in the table: a SQLite older than AT_ONCE_SINCE cannot read
such an index any more."""
AT_ONCE_SINCE = (3, 42, 0)
SQLITE_FORGET = f"INSERT INTO {FTS} ({FTS}) VALUES ('optimize')"
"""Without that FTS5 only notes what was deleted; merged into one piece, its pages hold what is there, nothing else."""

_NOT_WORDS = re.compile(r"https?://\S+|<a?:\w+:\d+>|<[@#][!&]?\d+>|</[^>]*>|<t:-?\d+(?::\w)?>")
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def words(text: str) -> list[str]:
    """The words of a text, in small letters, in their order."""
    found: list[str] = []
    for token in _TOKEN.findall(_NOT_WORDS.sub(" ", text[:LONGEST]).casefold()):
        if _IS_UNSPACED.match(token) and len(token) > 1:
            found.extend(token[place : place + 2] for place in range(len(token) - 1))
        else:
            found.append(token)
    return found


def either(wanted: Collection[str], *, sqlite: bool) -> str:
    """A question to the index: any of these words, which are as `words` makes them."""
    quote, joint = ('"', " OR ") if sqlite else ("'", " | ")
    return joint.join(f"{quote}{word}{quote}" for word in dict.fromkeys(wanted))


def _made(table: object, connection: Connection, **options: object) -> None:
    """`create_all` makes what the migration makes."""
    for statement in SQLITE_UP if connection.dialect.name == "sqlite" else POSTGRES_UP:
        connection.exec_driver_sql(statement)


def _goes(table: object, connection: Connection, **options: object) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {FTS}")


event.listen(Passage.__table__, "after_create", _made)
event.listen(Passage.__table__, "before_drop", _goes)
