"""Export and deletion cover every table that holds a person's id: the schema is walked, so no new table can hide.

Exemptions are named here, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Boolean, Column, Date, Double, LargeBinary, Table, insert, select

from storage.choices import Choices, Consent
from storage.columns import DiscordId, HalfVector, StorableText, UtcDateTime
from storage.database import Database
from storage.history import History, StoredPerson
from storage.memories import Memories
from storage.models import Base
from storage.privacy import PERSONAL, Privacy
from storage.retention import Retention
from storage.settings import GuildSettings, Place
from tests.storage.planting import SECRET, found, plant, plant_private
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, ids, message

PERSON, OLD = 4_711, NOON - timedelta(days=4000)
PERSONS = {"author_id", "person_id"}
OTHER_NUMBERS = {
    "id",
    "guild_id",
    "channel_id",
    "parent_id",
    "target_id",
    "message_id",
    "prompt_message_id",
    "reply_to",
    "source_id",
    "upto_id",
    "conversation",
    "summary_id",
    "notes_id",
    "first_id",
    "messages",
    "last_id",
    "question_id",
    "shown",
    "number",
    "memory_id",
    "document_id",
    "other_id",
    "mirror_id",
    "place_id",
    "passage_id",
    "size",
    "place",
    "prompt_tokens",
    "completion_tokens",
    "tokens",
    "requests",
    "role_id",
}
KEPT_BY_DELETION: set[str] = set()  # moderation cases will stand here: person, action, reason, date and points
AGELESS = {"choices"}  # an opt-out must not be forgotten
NUMBERS = {"guild_id": GUILD, "channel_id": CHANNEL, "message_id": 1, "prompt_message_id": 1, "target_id": 0}


def tables() -> list[Table]:
    return list(Base.metadata.sorted_tables)


def persons(table: Table) -> list[Column[Any]]:
    """The columns that hold a person's id."""
    of_people = [column for column in table.c if table.name == "people" and column.name == "id"]
    return of_people + [column for column in table.c if column.name in PERSONS]


def personal_tables() -> list[str]:
    return [table.name for table in tables() if persons(table)]


def value(column: Column[Any]) -> object:
    """Something old that fits the column: the person's id in a column for persons, the secret in every text."""
    if column in persons(column.table):
        return PERSON
    kinds: list[tuple[type, object]] = [
        (UtcDateTime, OLD),
        (Date, OLD.date()),
        (StorableText, SECRET),
        (Boolean, False),
        (Double, 1.0),
        (LargeBinary, SECRET.encode()),
        (HalfVector, np.ones(4, np.float32)),
    ]
    for kind, something in kinds:
        if isinstance(column.type, kind):
            return something
    return NUMBERS.get(column.name, 1)


async def fill(database: Database) -> None:
    """One row in every table of the schema."""
    async with database.write() as connection:
        for table in tables():
            row = {column.name: value(column) for column in table.c}
            row |= (
                {"id": NUMBERS.get(f"{table.name.removesuffix('s')}_id", 1)}
                if table.name in ("guilds", "channels")
                else {}
            )
            row |= {"deleted_at": None} if table.name == "messages" else {}
            row |= {"message_id": 2} if table.name == "replies" else {}
            row |= {"left_at": None} if table.name == "guilds" else {}
            row |= {"old": '"x"', "new": '"y"'} if table.name == "setting_changes" else {}
            row |= {"name": "memory"} if table.name == "choices" else {}
            row |= {"value": '"x"', "scope": "guild"} if table.name == "settings" else {}
            await connection.execute(insert(table).values(row))


async def holding(database: Database) -> list[str]:
    """The tables in which some number is the person's id."""
    async with database.session() as session:
        return [
            table.name
            for table in tables()
            if any(_names_person(row) for row in (await session.execute(select(table))).all())
        ]


def _names_person(row: Sequence[object]) -> bool:
    return any(isinstance(value, int) and value == PERSON for value in row)


def test_every_column_of_numbers_is_a_person_or_known_not_to_be() -> None:
    """Say of a new column whether it holds a person's id: name it so, or add it to OTHER_NUMBERS."""
    known = PERSONS | OTHER_NUMBERS
    numbers = {column.name for table in tables() for column in table.c if column.type is DiscordId or _is_int(column)}
    assert numbers - known == set()


def _is_int(column: Column[Any]) -> bool:
    return column.type.python_type is int


def test_every_table_with_a_person_is_registered() -> None:
    assert sorted(each.table.__tablename__ for each in PERSONAL) == sorted(personal_tables())


async def test_export_covers_every_table(database: Database) -> None:
    await fill(database)
    assert sorted(await holding(database)) == sorted(personal_tables())
    exported = json.loads(json.dumps(await Privacy(database).export(PERSON)))
    assert [name for name in personal_tables() if len(exported[name]) != 1] == []
    assert {name: 1 for name in personal_tables()} == await Privacy(database).held(PERSON)
    nobody = await Privacy(database).export(PERSON + 1)
    assert [name for name in personal_tables() if nobody[name]] == []


async def test_deletion_covers_every_table(database: Database) -> None:
    await fill(database)
    receipt = await Privacy(database).delete(PERSON)
    assert set(await holding(database)) <= KEPT_BY_DELETION
    assert set(receipt.counts) >= set(personal_tables())
    assert (await database.check()).problems == []


async def test_retention_covers_every_table(database: Database) -> None:
    await fill(database)
    await Retention(database).run(NOON, 30, {}, 7)
    assert set(await holding(database)) <= AGELESS
    assert (await database.check()).problems == []


async def test_a_servers_end_covers_every_table(database: Database) -> None:
    await fill(database)
    await Retention(database).delete_guild(GUILD)
    assert await holding(database) == []
    assert await found(database) == []


async def everything(database: Database) -> None:
    """Ada in two servers, with everything that there can be of her."""
    await plant(database)
    await plant_private(database)
    history = History(database)
    await history.record([message(50, guild_id=8, channel_id=80, content="in another server")])
    await Choices(database).choose(ADA.id, 8, Consent.MEMORY)
    await Memories(database).add(ADA.id, 8, "likes tea")
    await GuildSettings(database).put(Place(GUILD), "persona", "terse", by=ADA.id)


async def test_since_when_something_is_held(database: Database, history: History) -> None:
    privacy = Privacy(database)
    assert await privacy.since(ADA.id) is None
    await history.record([message(2, created_at=NOON), message(1, created_at=OLD, guild_id=8, channel_id=80)])
    assert await privacy.since(ADA.id, GUILD) == NOON
    assert await privacy.since(ADA.id) == OLD


async def test_who_is_left_out(database: Database) -> None:
    choices = Choices(database)
    await choices.choose(ADA.id, GUILD, Consent.OPT_OUT)
    await choices.choose(701, None, Consent.OPT_OUT)
    await choices.choose(702, None, Consent.MEMORY)
    assert await choices.left_out([ADA.id, 701, 702], GUILD) == {ADA.id, 701}
    assert await choices.left_out([ADA.id, 701, 702], 8) == {701}
    assert await choices.left_out([], GUILD) == set()
    assert await choices.has(702, None, Consent.MEMORY)
    assert not await choices.has(702, GUILD, Consent.MEMORY), "a yes to memory is one server's"


async def test_export_is_readable(database: Database) -> None:
    await everything(database)
    exported = await Privacy(database).export(ADA.id, GUILD)
    assert exported["person_id"] == str(ADA.id)
    assert {row["id"] for row in exported["messages"]} == {"1", "-10"}
    assert {row["content"] for row in exported["answers"]} == {
        f"You said that the vault opens with {SECRET}.",
        f"about {SECRET}",
    }
    assert [row["text"] for row in exported["memories"]] == [f"her vault: {SECRET}"]
    assert exported["summaries"] == 2  # a running one, and notes of a part
    assert [row["new"] for row in exported["setting_changes"]] == ['"terse"']
    assert datetime.fromisoformat(exported["messages"][0]["created_at"]).tzinfo is not None
    everywhere = await Privacy(database).export(ADA.id)
    assert {row["text"] for row in everywhere["memories"]} == {f"her vault: {SECRET}", "likes tea"}


async def test_deletion_in_one_server_leaves_the_others(database: Database, history: History) -> None:
    await everything(database)
    receipt = await Privacy(database).delete(ADA.id, GUILD)
    assert await found(database) == []
    assert ids(await history.recent(80, 9)) == [50]
    assert [memory.text for memory in await Memories(database).of(ADA.id, 8)] == ["likes tea"]
    assert receipt.counts["memories"] == 1
    assert receipt.counts["replies"] == 2
    assert any("placeholders" in sentence for sentence in receipt.kept)
    (change,) = await GuildSettings(database).changes(GUILD)
    assert (change.person_id, change.new) == (0, "terse")


async def test_what_others_said_stays(database: Database, history: History) -> None:
    await everything(database)
    await Privacy(database).delete(ADA.id)
    chain = (await history.chain(5)).messages
    assert [(row.author.id, row.content) for row in chain] == [
        (0, ""),
        (900, ""),
        (701, "What did Ada say?"),
        (900, ""),
        (701, "Thank you"),
    ]


async def test_what_was_deleted_is_not_stored_again_from_discord(database: Database, history: History) -> None:
    await history.record([message(1)])
    await Privacy(database).delete(ADA.id)
    await history.record([message(1, edited_at=NOON + timedelta(days=1)), message(2)])
    assert ids(await history.recent(CHANNEL, 9)) == [2]


async def test_somebody_of_whom_nothing_is_stored(database: Database) -> None:
    receipt = await Privacy(database).delete(PERSON)
    assert (receipt.counts, receipt.kept) == ({}, [])
    assert (await Privacy(database).export(PERSON))["messages"] == []


@pytest.mark.parametrize("count", [500, 1_100])
async def test_many_messages(database: Database, history: History, count: int) -> None:
    await history.record([message(number) for number in range(1, count + 1)])
    await history.record([message(count + 1, author=StoredPerson(701, "Grace"))])
    assert (await Privacy(database).delete(ADA.id)).counts["messages"] == count
    assert ids(await history.recent(CHANNEL, 9)) == [count + 1]
