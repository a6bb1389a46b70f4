"""Long-term memory: only after a yes, only that person's, nearest first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import memories as module
from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import History, StoredPerson, StoredReply
from storage.memories import EVERYBODY, Embedded, Hearers, Memories, MemoryFull, NotRemembered
from storage.open_replies import KeptReply, OpenReplies, Page
from storage.privacy import Privacy
from storage.recalls import Recalls
from storage.retention import Retention
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, message, thread

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
        await memories.add(ADA.id, GUILD, text, embedded=Embedded(vector, "e"))
    await memories.add(ADA.id, GUILD, "of another length", embedded=Embedded([1.0, 0.0, 0.0], "e"))
    await memories.add(GRACE, GUILD, "somebody else's", embedded=Embedded([1.0, 0.0], "e"))
    asked = Embedded([2.0, 0.0], "e")
    assert texts(await memories.recall(ADA.id, GUILD, asked)) == ["tea", "coffee"]
    assert texts(await memories.recall(ADA.id, GUILD, asked, most=1)) == ["tea"]
    assert texts(await memories.recall(ADA.id, GUILD, asked, at_least=0.9)) == ["tea"]
    assert await memories.recall(ADA.id, GUILD, Embedded([0.0, 0.0], "e")) == []


async def test_what_cannot_be_compared_comes_after_what_is_near_the_latest_first(memories: Memories) -> None:
    tea = await memories.add(ADA.id, GUILD, "tea", embedded=Embedded([1.0, 0.0], "e"))
    await memories.add(ADA.id, GUILD, "another model's", embedded=Embedded([1.0, 0.0], "f"))
    await memories.add(ADA.id, GUILD, "without a vector")
    asked = Embedded([1.0, 0.0], "e")
    assert texts(await memories.recall(ADA.id, GUILD, asked)) == ["tea", "without a vector", "another model's"]
    assert texts(await memories.recall(ADA.id, GUILD, None, most=2)) == ["without a vector", "another model's"]

    bare = await memories.without_vector(ADA.id, GUILD, "e")
    assert texts(bare) == ["another model's", "without a vector"]
    await memories.forget(ADA.id, bare[0].id)
    await memories.embed({memory.id: Embedded([-1.0, 0.0], "e") for memory in bare})
    assert texts(await memories.recall(ADA.id, GUILD, asked)) == ["tea"]
    assert [memory.id for memory in await memories.of(ADA.id, GUILD)] == [tea, bare[1].id]


async def test_what_was_told_in_private_is_recalled_only_there(memories: Memories) -> None:
    told = Embedded([1.0], "e")
    await memories.add(ADA.id, GUILD, "a secret", embedded=told, is_private=True, channel_id=70)
    assert await memories.recall(ADA.id, GUILD, told) == []
    assert await memories.recall(ADA.id, GUILD, None) == []
    assert await memories.recall(ADA.id, GUILD, told, hearers=Hearers(channel_ids=frozenset({71}))) == []
    for hearers in (Hearers(is_private=True), Hearers(channel_ids=frozenset({70, 71}))):
        assert texts(await memories.recall(ADA.id, GUILD, told, hearers=hearers)) == ["a secret"]


class TestRecalls:
    """What stood beside a message stays there, for its person alone."""

    @pytest.fixture
    async def recalls(self, database: Database) -> Recalls:
        await History(database).record(thread(3))
        return Recalls(database)

    async def test_they_stay_in_their_order(self, memories: Memories, recalls: Recalls) -> None:
        first, second = [await memories.add(ADA.id, GUILD, text) for text in ("likes tea", "likes rain")]
        await recalls.keep(1, [second, first])
        await recalls.keep(2, [first])
        assert await recalls.of([1, 2, 3], ADA.id, GUILD, EVERYBODY) == {
            1: ["likes rain", "likes tea"],
            2: ["likes tea"],
        }
        await recalls.keep(1, [])
        assert await recalls.of([1, 2, 3], ADA.id, GUILD, EVERYBODY) == {2: ["likes tea"]}

    async def test_nobody_elses_answer_has_them_and_no_other_server(self, memories: Memories, recalls: Recalls) -> None:
        await recalls.keep(1, [await memories.add(ADA.id, GUILD, "likes tea")])
        assert await recalls.of([1], GRACE, GUILD, EVERYBODY) == {}
        for guild in (8, None):
            assert await recalls.of([1], ADA.id, guild, Hearers(is_private=True)) == {}

    async def test_private_ones_only_where_they_were_told(self, memories: Memories, recalls: Recalls) -> None:
        secret = await memories.add(ADA.id, GUILD, "a secret", is_private=True, channel_id=70)
        await recalls.keep(1, [secret])
        assert await recalls.of([1], ADA.id, GUILD, EVERYBODY) == {}
        assert await recalls.of([1], ADA.id, GUILD, Hearers(channel_ids=frozenset({70}))) == {1: ["a secret"]}

    async def test_what_is_forgotten_or_asked_anew_is_gone(
        self, database: Database, memories: Memories, recalls: Recalls
    ) -> None:
        tea, rain = [await memories.add(ADA.id, GUILD, text) for text in ("likes tea", "likes rain")]
        for number in (1, 2, 3):
            await recalls.keep(number, [tea, rain])
        await memories.forget(ADA.id, tea)
        await History(database).edit(1, "another question", NOON + timedelta(hours=1))
        await History(database).delete([2])
        assert await recalls.of([1, 2, 3], ADA.id, GUILD, EVERYBODY) == {3: ["likes rain"]}
        await recalls.keep(4, [rain])  # a message that was never stored
        await recalls.keep(3, [tea, rain])  # one of them is forgotten by now
        assert await recalls.of([3, 4], ADA.id, GUILD, EVERYBODY) == {3: ["likes rain"]}


class TestAnswersThatRepeatOne:
    """An answer that was made with a memory goes with it."""

    SAID = "Your favourite drink is jasmine tea."

    @pytest.fixture
    async def history(self, database: Database, memories: Memories) -> History:
        """Ada had something remembered (1), asked (2), was answered in two parts (3, 4), asked for more (5, 6)."""
        steward, history = StoredPerson(900, "Steward", is_bot=True), History(database)
        await history.record(
            [
                message(1, content="remember that my favourite drink is jasmine tea"),
                message(2, content="what should I have?"),
                message(3, 2, content="Let me see.", author=steward),
                message(4, 3, content=self.SAID, author=steward),
                message(5, 4, content="sure?", author=StoredPerson(GRACE, "Grace")),
                message(6, 5, content=f"Yes. {self.SAID}", author=steward),
            ]
        )
        number = await memories.add(ADA.id, GUILD, "my favourite drink is jasmine tea", sources=[1])
        await Recalls(database).keep(2, [number])
        for answer, prompt in ((3, 2), (6, 5)):
            await history.record_reply(StoredReply(answer, prompt, "m", 1, 1, 0.1, 1.0, "stop", created_at=NOON))
        return history

    @pytest.mark.parametrize("route", ["forget", "forget all", "delete", "edit", "opt out"])
    async def test_by_each_route(self, database: Database, memories: Memories, history: History, route: str) -> None:
        (memory,) = await memories.of(ADA.id, GUILD)
        match route:
            case "forget":
                await memories.forget(ADA.id, memory.id)
            case "forget all":
                await memories.forget_all(ADA.id, GUILD)
            case "delete":
                await history.delete([1])
            case "edit":
                await history.edit(1, "never mind", NOON + timedelta(hours=1))
            case _:
                await Privacy(database).opt_out(ADA.id, GUILD)
        told = [row.content for row in (await history.chain(6)).messages if row.author.id == 900 and row.content]
        assert told in (["Let me see."], []), "what repeats nothing may stay"
        assert await memories.of(ADA.id, GUILD) == []

    async def test_later_and_private_answers_and_hidden_alternatives_too(
        self, database: Database, memories: Memories, history: History
    ) -> None:
        """It stands beside its question in later turns, and /ask recalls it and keeps nothing of that."""
        steward, replies = StoredPerson(900, "Steward", is_bot=True), OpenReplies(database)
        await history.record(
            [
                message(7, content="and in winter?"),
                message(8, 7, content=self.SAID, author=steward),
                message(9, content="anything else?"),
                message(10, 9, content="Cocoa.", author=steward),
                message(-11, content="/ask what do I like?", channel_id=-CHANNEL, created_at=NOON),
                message(-12, -11, content=self.SAID, author=steward, channel_id=-CHANNEL, created_at=NOON),
            ]
        )
        kept = KeptReply(10, 10, CHANNEL, GUILD, 9, 9, ADA.id, 0, NOON)
        assert await replies.put(kept, [Page("Cocoa.", ""), Page(self.SAID, "")])
        await memories.forget_all(ADA.id, GUILD)
        said = [row.content for place in (CHANNEL, -CHANNEL) for row in await history.recent(place, 99)]
        assert [text for text in said if "jasmine" in text] == ["remember that my favourite drink is jasmine tea"]
        assert "Cocoa." in said and await replies.pages(10) == []

    async def test_retention_of_messages_leaves_the_memory(
        self, database: Database, memories: Memories, history: History
    ) -> None:
        await Retention(database).run(NOON + timedelta(days=40), 30, {}, 7)
        assert texts(await memories.of(ADA.id, GUILD)) == ["my favourite drink is jasmine tea"]


async def test_there_is_a_most(memories: Memories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PER_PERSON", 2)
    for number in range(2):
        await memories.add(ADA.id, GUILD, f"fact {number}")
    with pytest.raises(MemoryFull, match="2 memories"):
        await memories.add(ADA.id, GUILD, "one more")
    await memories.add(GRACE, GUILD, "somebody else's")
