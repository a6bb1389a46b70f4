"""Long-term memory: only after a yes, only that person's, nearest first."""

from __future__ import annotations

import pytest

from storage import memories as module
from storage.choices import Choices, Consent
from storage.database import Database
from storage.memories import Memories, NotRemembered
from tests.storage.samples import ADA, GUILD

GRACE = 701


@pytest.fixture
async def memories(database: Database) -> Memories:
    for person in (ADA.id, GRACE):
        await Choices(database).choose(person, GUILD, Consent.MEMORY)
    return Memories(database)


def texts(found: list[module.Remembered]) -> list[str]:
    return [memory.text for memory in found]


async def test_only_after_a_yes_in_that_server(database: Database, memories: Memories) -> None:
    for guild in (8, None):
        with pytest.raises(NotRemembered, match="did not switch memory on"):
            await memories.add(ADA.id, guild, "likes tea")
    await Choices(database).choose(ADA.id, None, Consent.MEMORY)
    await memories.add(ADA.id, None, "likes tea")
    assert texts(await memories.of(ADA.id, None)) == ["likes tea"]
    assert await memories.of(ADA.id, GUILD) == []


async def test_shown_and_forgotten_one_by_one_or_all(memories: Memories) -> None:
    first, second = [await memories.add(ADA.id, GUILD, text) for text in ("likes tea", "likes rain")]
    others = await memories.add(GRACE, GUILD, "likes ships")
    assert [(memory.id, memory.text) for memory in await memories.of(ADA.id, GUILD)] == [
        (first, "likes tea"),
        (second, "likes rain"),
    ]
    assert not await memories.forget(ADA.id, others)
    assert await memories.forget(ADA.id, first)
    assert not await memories.forget(ADA.id, first)
    assert await memories.forget_all(ADA.id, GUILD) == 1
    assert texts(await memories.of(GRACE, GUILD)) == ["likes ships"]
    assert await memories.add(ADA.id, GUILD, "again") > others, "a button of a forgotten memory must not hit a new one"


async def test_nearest_first_and_only_ones_own(memories: Memories) -> None:
    for text, vector in (("tea", [1.0, 0.0]), ("coffee", [0.8, 0.6]), ("ships", [-1.0, 0.1]), ("nothing", [0.0, 0.0])):
        await memories.add(ADA.id, GUILD, text, vector=vector, model="e")
    await memories.add(ADA.id, GUILD, "another model's", vector=[1.0, 0.0], model="f")
    await memories.add(ADA.id, GUILD, "of another length", vector=[1.0, 0.0, 0.0], model="e")
    await memories.add(ADA.id, GUILD, "without a vector")
    await memories.add(GRACE, GUILD, "somebody else's", vector=[1.0, 0.0], model="e")
    assert texts(await memories.recall(ADA.id, GUILD, [2.0, 0.0], "e")) == ["tea", "coffee"]
    assert texts(await memories.recall(ADA.id, GUILD, [2.0, 0.0], "e", most=1)) == ["tea"]
    assert texts(await memories.recall(ADA.id, GUILD, [2.0, 0.0], "e", at_least=0.9)) == ["tea"]
    assert await memories.recall(ADA.id, GUILD, [0.0, 0.0], "e") == []


async def test_what_was_told_in_private_is_recalled_only_there(memories: Memories) -> None:
    await memories.add(ADA.id, GUILD, "a secret", vector=[1.0], model="e", is_private=True)
    assert await memories.recall(ADA.id, GUILD, [1.0], "e") == []
    assert texts(await memories.recall(ADA.id, GUILD, [1.0], "e", private=True)) == ["a secret"]


async def test_there_is_a_most(memories: Memories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PER_PERSON", 2)
    for number in range(2):
        await memories.add(ADA.id, GUILD, f"fact {number}")
    with pytest.raises(NotRemembered, match="2 memories"):
        await memories.add(ADA.id, GUILD, "one more")
    await memories.add(GRACE, GUILD, "somebody else's")
