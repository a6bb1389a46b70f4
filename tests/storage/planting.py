"""A secret that Ada wrote, in everything that can be made from it, and the search for it in everything that is kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import select

from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import History, StoredPerson, StoredReply
from storage.memories import Embedded, Memories
from storage.models import Base
from storage.open_replies import KeptReply, OpenReplies, Page
from storage.part_notes import StoredNotes, StoredPartNotes
from storage.search import Search
from storage.summaries import RunningSummaries, RunningSummary
from storage.tokens import TokenCounts
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, message

SECRET = "swordfish-quagmire"  # letters only: the digits of a time of today could hold a short number
STEWARD = StoredPerson(900, "Steward", is_bot=True)
PLANTED, ANSWER, SECOND_ANSWER, LATER = 1, 2, 4, 5
ASKED, TOLD = -10, -11
"""A question by /ask and its private answer."""


async def plant(database: Database) -> None:
    """Ada's message 1 holds the secret; Steward's answer 2 repeats it, and answer 4 to somebody else repeats that."""
    history = History(database)
    text = f"the vault opens with {SECRET}"
    repeated = f"You said that the vault opens with {SECRET}."
    grace = StoredPerson(701, "Grace")
    await history.record(
        [
            message(PLANTED, content=text),
            message(ANSWER, PLANTED, content=repeated, author=STEWARD),
            message(3, ANSWER, content="What did Ada say?", author=grace),
            message(SECOND_ANSWER, 3, content=f"Ada said {SECRET}", author=STEWARD),
            message(LATER, SECOND_ANSWER, content="Thank you", author=grace),
        ]
    )
    await history.record_reply(reply(ANSWER, PLANTED))
    await history.record_reply(reply(SECOND_ANSWER, 3))
    await _plant_derived(database)


async def plant_private(database: Database) -> None:
    """Ada asked by /ask, in the same channel: question and answer are kept under negative ids."""
    history, place = History(database), {"channel_id": -CHANNEL}
    await history.record(
        [
            message(ASKED, content=f"/ask {SECRET}", created_at=NOON, **place),
            message(TOLD, ASKED, content=f"about {SECRET}", author=STEWARD, created_at=NOON, **place),
        ]
    )
    await history.record_reply(reply(TOLD, None))


def reply(message_id: int, prompt: int | None) -> StoredReply:
    return StoredReply(message_id, prompt, "m", 10, 5, 0.1, 1.0, "stop", created_at=NOON)


async def _plant_derived(database: Database) -> None:
    await Choices(database).choose(ADA.id, GUILD, Consent.MEMORY)
    await Memories(database).add(
        ADA.id, GUILD, f"her vault: {SECRET}", sources=[PLANTED], embedded=Embedded([1, 0], "e")
    )
    summary = RunningSummary(CHANNEL, PLANTED, 3, f"The vault opens with {SECRET}", "m", frozenset({1, 2, 3}))
    assert await RunningSummaries(database).put(summary)
    notes = StoredNotes("k", 1, 3, f'[{{"text": "The vault opens with {SECRET}"}}]')
    assert await StoredPartNotes(database).put(notes, dict.fromkeys((1, 2, 3), NOON + timedelta(days=1)))
    pages = [Page("Ask her.", "", "stop"), Page(f"It opens with {SECRET}.", "", "length")]
    reply = KeptReply(SECOND_ANSWER, SECOND_ANSWER, CHANNEL, GUILD, PLANTED, 3, 701, 0, NOON)
    assert await OpenReplies(database).put(reply, pages)
    await TokenCounts(database).put("m", {PLANTED: (f"the vault opens with {SECRET}", 7)})
    search = Search(database)
    await search.index(GUILD, [CHANNEL])
    waiting = await search.waiting(GUILD, "e", 9)
    await search.embed(GUILD, "e", dict.fromkeys(waiting, np.ones(4, np.float32)))


async def found(database: Database, secret: str = SECRET) -> list[str]:
    """The tables in which some column still holds the secret."""
    tables = []
    async with database.session() as session:
        for name, table in Base.metadata.tables.items():
            rows = (await session.execute(select(table))).all()
            if any(_holds(value, secret) for row in rows for value in row):
                tables.append(name)
    return tables


def found_on_disk(folder: Path, secret: str = SECRET) -> list[str]:
    """SQLite's files in which the secret still stands, in a table's page, an index's or the journal's."""
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    parts = [secret, *(word[1:] for word in secret.split("-"))]  # an index holds words, and may share first letters
    return [name for name, content in kept.items() if any(part.encode() in content for part in parts)]


def _holds(value: object, secret: str) -> bool:
    """As it was written, or as words."""
    return secret in str(value) or secret.replace("-", " ") in str(value) or secret.encode() in _bytes(value)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
