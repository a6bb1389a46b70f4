"""Running summaries and token counts: found again, replaced, and never kept for a text that is not there any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.database import Database
from storage.errors import BadRecord
from storage.history import Digest, History, Version
from storage.summaries import RunningSummaries, RunningSummary
from storage.tokens import TokenCounts
from tests.storage.samples import CHANNEL, NOON, message, thread


def summary(upto: int, text: str = "they talked") -> RunningSummary:
    return RunningSummary(CHANNEL, 1, upto, text, "m", frozenset(range(1, upto + 1)))


async def test_the_one_that_reaches_furthest(database: Database, history: History) -> None:
    await history.record(thread(9))
    summaries = RunningSummaries(database)
    assert await summaries.latest(range(1, 10)) is None
    await summaries.put(summary(3))
    assert await summaries.latest(range(1, 10)) == summary(3)
    assert await summaries.put(summary(6, "they went on"))
    assert await summaries.latest(range(1, 10)) == summary(6, "they went on")
    assert await summaries.latest([1, 2, 3]) is None  # the shorter one was replaced
    assert (await database.check()).rows["summaries"] == 1
    assert await summaries.put(summary(6, "in other words"))
    assert await summaries.latest([6]) == summary(6, "in other words")


async def test_a_sister_branch_keeps_its_own(database: Database, history: History) -> None:
    await history.record([message(1), message(2, 1), message(3, 1)])
    summaries = RunningSummaries(database)
    for end in (2, 3):
        await summaries.put(RunningSummary(CHANNEL, 1, end, f"up to {end}", "m", frozenset({1, end})))
    assert [(await summaries.latest([1, end])).upto_id for end in (2, 3)] == [2, 3]  # type: ignore[union-attr]


async def test_none_of_a_message_that_went_meanwhile(database: Database, history: History) -> None:
    await history.record(thread(3))
    await history.delete([2])
    assert not await RunningSummaries(database).put(summary(3))
    assert (await database.check()).rows["summary_sources"] == 0
    with pytest.raises(BadRecord):
        await RunningSummaries(database).put(RunningSummary(CHANNEL, 1, 3, "x", "m", frozenset()))


async def test_counts_by_model(database: Database, history: History) -> None:
    await history.record(thread(3))
    counts = TokenCounts(database)
    await counts.put("a", {1: ("text 1", 5), 2: ("text 2", 6)})
    await counts.put("b", {1: ("text 1", 7)})
    await counts.put("a", {2: ("text 2", 8)})
    assert await counts.get([1, 2, 3], "a") == {1: 5, 2: 8}
    assert await counts.get([1, 2, 3], "b") == {1: 7}
    assert await counts.get([], "a") == {}


async def test_no_count_of_another_text(database: Database, history: History) -> None:
    """It was counted while somebody edited or deleted the message."""
    await history.record(thread(3))
    await history.delete([2])
    counts = TokenCounts(database)
    await counts.put("a", {1: ("older text", 5), 2: ("text 2", 6), 404: ("unknown", 1)})
    assert await counts.get([1, 2, 404], "a") == {}


async def test_many_counts(database: Database, history: History) -> None:
    await history.record(thread(1_100))
    counts = TokenCounts(database)
    await counts.put("a", {number: (f"text {number}", number) for number in range(1, 1_101)})
    assert await counts.get(range(1, 1_101), "a") == {number: number for number in range(1, 1_101)}


async def test_a_conversation_comes_with_what_was_made_of_it(database: Database, history: History) -> None:
    await history.record(thread(4))
    await TokenCounts(database).put("a", {1: ("text 1", 5), 4: ("text 4", 6)})
    for words in ("they talked", "they talked long"):
        await RunningSummaries(database).put(replace(summary(2, words), conversation=len(words)))
    for rows in ((await history.chain(4, model="a")).messages, await history.recent(CHANNEL, 9, model="a")):
        assert [row.tokens for row in rows] == [5, None, None, 6]
        assert [row.digest for row in rows] == [None, Digest("they talked long", 2), None, None]
    assert [row.tokens for row in await history.recent(CHANNEL, 9, model="b")] == [None] * 4
    assert (await history.recent(CHANNEL, 9))[1].digest is None


async def test_one_that_goes_on_leaves_the_one_before(database: Database, history: History) -> None:
    """A prompt holds it until the next cut."""
    await history.record(thread(9))
    summaries = RunningSummaries(database)
    first, second, third = summary(2), summary(4), summary(6)
    assert await summaries.put(first)
    assert await summaries.put(second, onto=first)
    assert await summaries.latest([1, 2]) == first
    assert await summaries.put(third, onto=second)
    assert [await summaries.latest([end]) for end in (2, 4, 6)] == [None, second, third]


@pytest.mark.parametrize("change", ["edited", "deleted", "source of the one before"])
async def test_none_of_what_changed_meanwhile(database: Database, history: History, change: str) -> None:
    await history.record(thread(4))
    summaries = RunningSummaries(database)
    first = summary(2)
    assert await summaries.put(first)
    if change == "deleted":
        await history.delete([3])
    else:
        await history.edit(3 if change == "edited" else 1, "another text", NOON + timedelta(hours=1))
    assert not await summaries.put(summary(4), {3: "text 3", 4: "text 4"}, first)


async def test_versions(history: History) -> None:
    await history.record(thread(3))
    await history.edit(2, "another text", NOON + timedelta(hours=1))
    await history.delete([3])
    versions = await history.versions([1, 2, 3, 404])
    assert set(versions) == {1, 2}
    assert versions[2] == Version("another text", NOON + timedelta(hours=1))
