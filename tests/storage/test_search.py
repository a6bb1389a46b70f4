"""What is stored is found, by its words and by its meaning, on both databases; and only where it may be looked."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from storage.database import Database
from storage.documents import MOST_PIECES, Documents, ShelfFull
from storage.history import History, StoredPerson
from storage.indexing import AT_ONCE_SINCE, words
from storage.search import Search, Within
from tests.storage.planting import found_on_disk
from tests.storage.samples import CHANNEL, GUILD, NOON, message

BOT = StoredPerson(900, "Steward", is_bot=True)
HERE = Within(GUILD, frozenset({CHANNEL}))
SAID = {
    1: "The bees of the north garden swarm in May",
    2: "Who has the key of the shed?",
    3: "the key hangs behind the door",
    4: "蜜蜂在五月分群",
}


@pytest.fixture
def search(database: Database) -> Search:
    return Search(database)


async def fill(history: History, search: Search) -> None:
    await history.record([message(number, content=said) for number, said in SAID.items()])
    await history.record([message(5, content="The key is a lie", author=BOT), message(6, channel_id=71, content="key")])
    assert await search.index(GUILD, [CHANNEL]) == 4
    assert await search.index(GUILD, [CHANNEL]) == 0


async def asked(search: Search, question: str, within: Within = HERE) -> list[int]:
    """Ids of the messages that the words of a question find."""
    ids = await search.by_words(words(question), within, 9)
    found = await search.passages(ids)
    return [found[number].message_id or 0 for number in ids]


async def test_by_words(history: History, search: Search) -> None:
    await fill(history, search)
    assert await asked(search, "swarming bee") == [1]
    assert sorted(await asked(search, "where KEY")) == [2, 3]
    assert await asked(search, "蜜蜂") == [4]
    assert await asked(search, "key", Within(GUILD, frozenset({71}))) == []
    assert await asked(search, "key", Within(8, frozenset({CHANNEL}))) == []
    assert await asked(search, "?!") == await asked(search, "") == []


@pytest.mark.parametrize("hostile", ['" OR 1', "NEAR(a b)", "a AND NOT b", "words:key*", "' | !x <-> '", "\\ ^ ( -"])
async def test_no_question_is_a_program(history: History, search: Search, hostile: str) -> None:
    await fill(history, search)
    await asked(search, hostile)


async def test_by_meaning(history: History, search: Search, database: Database) -> None:
    await fill(history, search)
    waiting = await search.waiting(GUILD, "m", 9)
    assert sorted(waiting.values()) == sorted(SAID.values())
    vectors = {number: np.eye(4, dtype=np.float32)[place] for place, number in enumerate(sorted(waiting))}
    await search.embed(GUILD, "m", vectors | {10_000: np.ones(4, np.float32)})
    assert await search.waiting(GUILD, "m", 9) == {}
    first, second = sorted(waiting)[:2]
    near = np.array([0.1, 2, 0, 0], np.float32)
    for _ in range(2):
        found = await search.by_meaning(near, "m", HERE, 2)
        assert [number for number, _ in found] == [second, first]
        assert found[0][1] == pytest.approx(0.9988, abs=0.001)
    assert await search.by_meaning(near, "another", HERE, 2) == []
    assert await search.by_meaning(near, "m", Within(GUILD, frozenset({71})), 2) == []
    await history.delete([(await search.passages([second]))[second].message_id or 0])
    assert second not in [number for number, _ in await search.by_meaning(near, "m", HERE, 9)]
    assert (await database.check()).problems == []


async def test_vectors_in_memory_follow_the_database(history: History, search: Search) -> None:
    """Whatever comes and goes, what is found is what is there."""
    draw = np.random.default_rng(1)
    wanted = draw.standard_normal(8).astype(np.float32)
    vectors: dict[int, np.ndarray] = {}
    for step in range(5):
        first = 100 + 20 * step
        await history.record([message(first + number, content=f"word{first + number}") for number in range(20)])
        await search.index(GUILD, [CHANNEL])
        waiting = await search.waiting(GUILD, "m", 99)
        some = dict.fromkeys(list(waiting)[: 40 if step % 2 else 10])
        made = {number: draw.standard_normal(8).astype(np.float32) for number in some}
        await search.embed(GUILD, "m", {number: row / np.linalg.norm(row) for number, row in made.items()})
        vectors |= made
        gone = [int(number) for number in draw.choice(list(vectors), 5, replace=False)]
        passages = await search.passages(gone)
        await history.delete([one.message_id or 0 for one in passages.values()])
        vectors = {number: row for number, row in vectors.items() if number not in gone}
        near = {number: float(row @ wanted / np.linalg.norm(row)) for number, row in vectors.items()}
        found = await search.by_meaning(wanted, "m", HERE, 5)
        assert [number for number, _ in found][:3] == sorted(near, key=lambda number: -near[number])[:3]
    search.forget(GUILD)
    assert await search.by_meaning(wanted, "m", HERE, 5) == found


@pytest.mark.skipif(sqlite3.sqlite_version_info < AT_ONCE_SINCE, reason="this SQLite only notes what was deleted")
async def test_a_deleted_word_leaves_the_index_at_once(history: History, search: Search, database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's index is its own business")
    await history.record([message(1, content="the password is swordfish")])
    await search.index(GUILD, [CHANNEL])
    held = text("SELECT count(*) FROM passage_words_data WHERE instr(block, CAST('wordfish' AS BLOB))")
    async with database.session() as session:
        assert await session.scalar(held) == 1
    await history.delete([1])
    async with database.session() as session:
        assert await session.scalar(held) == 0


async def test_an_edit_is_found_by_what_it_says_now(history: History, search: Search) -> None:
    await fill(history, search)
    await history.edit(1, "The wasps of the north garden", NOON + timedelta(hours=1))
    assert (await asked(search, "bees"), await asked(search, "wasps")) == ([], [])
    assert await search.index(GUILD, [CHANNEL]) == 1
    assert (await asked(search, "bees"), await asked(search, "wasps")) == ([], [1])


async def test_what_was_said_around_it(history: History, search: Search) -> None:
    await fill(history, search)
    assert [one.message_id for one in await search.around(3, 1)] == [2, 4]
    assert [one.message_id for one in await search.around(1, 2)] == [2, 3]


class TestDocuments:
    """Knowledge that a server's managers gave."""

    async def test_they_are_found_where_they_are_wanted(self, database: Database, search: Search) -> None:
        documents = Documents(database)
        assert not await documents.put(GUILD, "Rules", ["No bees.", "No wasps."], size=17, by=700)
        (ids,) = [await search.by_words(["wasps"], Within(GUILD, documents=True), 9)]
        (found,) = (await search.passages(ids)).values()
        assert (found.document, found.number, found.text) == ("Rules", 2, "No wasps.")
        assert await search.by_words(["wasps"], Within(GUILD), 9) == []
        assert await search.by_words(["wasps"], Within(8, documents=True), 9) == []
        (listed,) = await documents.of(GUILD)
        assert (listed.name, listed.size, listed.pieces) == ("Rules", 17, 2)
        assert await documents.of(8) == []

    async def test_a_new_version_takes_the_place_of_the_old(
        self, database: Database, search: Search, tmp_path: Path
    ) -> None:
        documents = Documents(database)
        await documents.put(GUILD, "Rules", ["the password is swordfish"], size=9, by=700)
        await search.embed(GUILD, "m", dict.fromkeys(await search.waiting(GUILD, "m", 9), np.ones(4, np.float32)))
        assert await documents.put(GUILD, "Rules", ["No wasps."], size=9, by=700)
        assert await search.by_words(["swordfish"], Within(GUILD, documents=True), 9) == []
        assert found_on_disk(tmp_path, "swordfish") == []
        assert await documents.remove(GUILD, "Rules")
        assert not await documents.remove(GUILD, "Rules")
        async with database.session() as session:
            assert (await session.execute(text("SELECT count(*) FROM passages"))).scalar() == 0

    async def test_there_is_an_end_to_it(self, database: Database) -> None:
        documents = Documents(database)
        await documents.put(GUILD, "Small", ["piece"], size=1, by=700)
        with pytest.raises(ShelfFull):
            await documents.put(GUILD, "Large", ["piece"] * MOST_PIECES, size=1, by=700)
        assert [one.name for one in await documents.of(GUILD)] == ["Small"]
