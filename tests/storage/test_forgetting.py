"""A planted secret, removed by every route there is, and searched for in every table and in SQLite's own files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import Edit, History, Read
from storage.memories import Memories
from storage.privacy import Privacy
from storage.retention import Retention
from storage.settings import GuildSettings
from storage.summaries import RunningSummaries
from storage.tokens import TokenCounts
from tests.storage.planting import (
    ANSWER,
    LATER,
    PLANTED,
    SECOND_ANSWER,
    SECRET,
    STEWARD,
    found,
    found_on_disk,
    plant,
    plant_private,
    reply,
)
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, ids, message

THREAD, THREAD_MESSAGE = 71, 6
MUCH_LATER = NOON + timedelta(days=400)


async def by_edit(database: Database) -> None:
    assert await History(database).edit(PLANTED, "the vault is closed", NOON + timedelta(hours=1)) is Edit.CHANGED


async def by_edit_while_away(database: Database) -> None:
    await History(database).record([message(PLANTED, content="closed", edited_at=NOON + timedelta(hours=1))])


async def by_deletion(database: Database) -> None:
    assert await History(database).delete([PLANTED]) == 1


async def by_deletion_while_away(database: Database) -> None:
    present = [ANSWER, 3, SECOND_ANSWER, LATER]
    assert await History(database).reconcile(CHANNEL, present, after=0, upto=LATER) == 1


async def by_copy_of_a_deleted_one(database: Database) -> None:
    await History(database).record([message(PLANTED, deleted_at=NOON)])


async def by_bulk(database: Database) -> None:
    assert await History(database).delete(range(1, 1_000)) == 5


async def by_channel(database: Database) -> None:
    await History(database).delete_channel(CHANNEL)


async def by_guild(database: Database) -> None:
    await Retention(database).delete_guild(GUILD)


async def by_opt_out(database: Database) -> None:
    await Privacy(database).opt_out(ADA.id, GUILD)


async def by_request(database: Database) -> None:
    await Privacy(database).delete(ADA.id)


async def by_request_in_one_guild(database: Database) -> None:
    await Privacy(database).delete(ADA.id, GUILD)


async def by_retention(database: Database) -> None:
    await Retention(database).run(MUCH_LATER, 30, {}, 7)


async def by_purge(database: Database) -> None:
    await Retention(database).purge(MUCH_LATER + timedelta(days=1000))


async def by_grace(database: Database) -> None:
    await GuildSettings(database).left(GUILD)
    await Retention(database).run(MUCH_LATER, 100_000, {}, 7)


Route = Callable[[Database], Awaitable[None]]
OF_A_MESSAGE: list[Route] = [
    by_edit,
    by_edit_while_away,
    by_deletion,
    by_deletion_while_away,
    by_copy_of_a_deleted_one,
    by_bulk,
]
OF_MORE: list[Route] = [
    by_channel,
    by_guild,
    by_opt_out,
    by_request,
    by_request_in_one_guild,
    by_retention,
    by_purge,
    by_grace,
]


@pytest.mark.parametrize("route", [*OF_A_MESSAGE, *OF_MORE])
async def test_what_was_removed_is_nowhere(database: Database, tmp_path: Path, route: Route) -> None:
    await plant(database)
    if route in OF_MORE:
        await plant_private(database)
    assert {"messages", "summaries", "memories", "alternatives", "passages"} <= set(await found(database))
    await route(database)
    assert await found(database) == []
    if database.is_sqlite:
        await database.forget_journal()
        assert found_on_disk(tmp_path) == []
    assert (await database.check()).problems == []


@pytest.mark.parametrize("route", OF_A_MESSAGE)
async def test_what_others_said_stays(database: Database, history: History, route: Route) -> None:
    await plant(database)
    await route(database)
    chain = await history.chain(LATER)
    assert ids(chain.messages) == [1, 2, 3, 4, 5]
    assert all(row.deleted_at and not row.content for row in chain.messages if row.id in (ANSWER, SECOND_ANSWER))
    if route is not by_bulk:
        assert [row.content for row in chain.messages if row.id in (3, 5)] == ["What did Ada say?", "Thank you"]


async def test_an_edit_that_changes_nothing_forgets_nothing(database: Database, history: History) -> None:
    """A link preview is an edit, too."""
    await plant(database)
    before = (await history.chain(LATER)).messages
    assert await history.edit(PLANTED, before[0].content, NOON + timedelta(hours=1)) is Edit.SAME
    await history.record(before)
    assert (await history.chain(LATER)).messages == before
    assert await RunningSummaries(database).latest([3]) is not None
    assert await TokenCounts(database).get([PLANTED], "m") == {PLANTED: 7}


async def test_an_edit_keeps_answers_that_repeat_only_what_stays(database: Database, history: History) -> None:
    await plant(database)
    (answer,) = [row for row in (await history.chain(ANSWER)).messages if row.id == ANSWER]
    await history.edit(PLANTED, answer.content + " Really!", NOON + timedelta(hours=1))
    assert (await history.chain(ANSWER)).messages[-1] == answer
    assert await RunningSummaries(database).latest([3]) is None


async def test_a_memory_outlives_the_retention_of_its_message(database: Database) -> None:
    await plant(database)
    counts = await Retention(database).run(NOON + timedelta(days=31), 30, {}, 7)
    assert counts["messages"] == 5
    assert len(await Memories(database).of(ADA.id, GUILD)) == 1


async def test_an_answer_to_a_question_that_was_deleted_meanwhile_is_not_kept(
    database: Database, history: History
) -> None:
    await history.record([message(1, content=f"it opens with {SECRET}")])
    await history.delete([1])
    await history.record([message(2, 1, content=f"{SECRET} it is", author=STEWARD)])
    await history.record([message(3, 2, content=f"so {SECRET}", author=STEWARD)])
    await history.record_reply(reply(2, 1))
    assert await found(database) == []
    assert [row.content for row in (await history.chain(3)).messages] == ["", "", ""]


async def test_a_thread_goes_with_its_channel(database: Database, history: History) -> None:
    await history.record_channel(THREAD, GUILD, "a thread", "public_thread", parent_id=CHANNEL)
    await history.record([message(1), message(THREAD_MESSAGE, 1, channel_id=THREAD), message(7, channel_id=72)])
    assert await history.delete_channel(THREAD) == 1
    assert ids(await history.recent(CHANNEL, 9)) == [1]
    await history.record_channel(THREAD, GUILD, "a thread", "public_thread", parent_id=CHANNEL)
    await history.record([message(THREAD_MESSAGE, 1, channel_id=THREAD)])
    assert await history.delete_channel(CHANNEL) == 2
    assert (await history.chain(THREAD_MESSAGE)).missing == THREAD_MESSAGE
    assert ids(await history.recent(72, 9)) == [7]


async def test_more_than_one_portion(history: History) -> None:
    await history.record([message(number) for number in range(1, 1_202)])
    assert await history.delete_channel(CHANNEL) == 1_201


@pytest.mark.parametrize(
    ("said", "is_deleted", "kept"),
    [
        ("It opens with swordfish.", True, ""),
        ("It opens with swordfish.", False, ""),
        ("I cannot say.", True, "I cannot say."),
    ],
)
async def test_an_answer_does_not_keep_what_went_while_it_was_written(
    history: History, said: str, is_deleted: bool, kept: str
) -> None:
    """The model had read it already; when the answer is stored, there is nothing left to compare it with."""
    read = Read({1: "the vault opens with swordfish", 2: "what opens it?"})
    await history.record([message(number, number - 1 or None, content=read.messages[number]) for number in (1, 2)])
    if is_deleted:
        await history.delete([1])
    else:
        await history.edit(1, "the vault is closed", NOON + timedelta(hours=1))
    await history.record([message(3, 2, content=said, author=STEWARD)])
    await history.record_reply(reply(3, 2), read)
    assert (await history.chain(3)).messages[-1].content == kept


async def test_an_answer_does_not_keep_what_was_forgotten_while_it_was_written(history: History) -> None:
    await history.record([message(1), message(2, 1, content="Your locker is 4711.", author=STEWARD)])
    await history.record_reply(reply(2, 1), Read(memories=["my locker is 4711"]))
    assert (await history.chain(2)).messages[-1].content == ""


async def test_an_answer_is_kept_whose_question_a_proxy_said_again(history: History) -> None:
    """The copy says what the deleted original said: nothing of it is lost."""
    text = "what opens the vault with swordfish?"
    await history.record([message(1, content=text), message(2, content=text)])
    await history.delete([1])
    await history.record([message(3, 2, content="The vault with swordfish?", author=STEWARD)])
    await history.record_reply(reply(3, 2), Read({1: text}))
    assert (await history.chain(3)).messages[-1].content == "The vault with swordfish?"


async def test_reconciling_leaves_what_was_not_looked_at(history: History) -> None:
    await history.record([message(number) for number in range(1, 8)])
    assert await history.reconcile(CHANNEL, [3, 5], after=2, upto=5) == 1
    assert ids(await history.recent(CHANNEL, 9)) == [1, 2, 3, 5, 6, 7]


async def test_reconciling_deletes_what_another_person_replied_to(history: History) -> None:
    await history.record([message(1), message(2, 1), message(3, 2)])
    assert await history.reconcile(CHANNEL, [3], after=0, upto=3) == 2


async def test_reconciling_keeps_a_question_that_a_command_asked(database: Database, history: History) -> None:
    """*Post here* stores the question under the id of the press, which Discord does not know as a message."""
    await history.record([message(1), message(2, 1, author=STEWARD)])
    assert await history.reconcile(CHANNEL, [2], after=0, upto=2, mine=STEWARD.id, unprompted=[2]) == 0
    assert await history.reconcile(CHANNEL, [], after=0, upto=1, mine=STEWARD.id) == 0  # the answer is on another page
    await plant(database)
    assert await history.reconcile(CHANNEL, [2, 3, 4, 5], after=0, upto=5, mine=STEWARD.id) == 1


async def test_reconciling_deletes_what_a_program_replied_to(history: History) -> None:
    """Steward's note under "remember that …" has no entry on how it came to be, nor have other programs' replies."""
    other = replace(STEWARD, id=901)
    await history.record([message(1), message(2, 1, author=STEWARD), message(3), message(4, 3, author=other)])
    assert await history.reconcile(CHANNEL, [2, 4], after=0, upto=4, mine=STEWARD.id) == 2


class TestOptOut:
    """Who opted out is not stored, and nothing brings back what was."""

    async def test_only_a_placeholder_without_author_is_kept(self, database: Database, history: History) -> None:
        await Privacy(database).opt_out(ADA.id, GUILD)
        await history.record([message(1), message(2, 1, author=replace(ADA, id=701, name="Grace"))])
        first, second = (await history.chain(2)).messages
        assert (first.author.id, first.author.name, first.content) == (0, "", "")
        assert first.deleted_at is not None
        assert second.content == "text 2"

    async def test_in_one_server_or_everywhere(self, database: Database, history: History) -> None:
        privacy = Privacy(database)
        elsewhere = {"guild_id": 8, "channel_id": 80}
        await privacy.opt_out(ADA.id, GUILD)
        await history.record([message(1), message(2, **elsewhere), message(3, guild_id=None, channel_id=90)])
        assert [await history.recent(channel, 9) != [] for channel in (CHANNEL, 80, 90)] == [False, True, True]
        await privacy.opt_out(ADA.id)
        await history.record([message(4, **elsewhere), message(5, guild_id=None, channel_id=90)])
        assert [await history.recent(channel, 9) for channel in (80, 90)] == [[], []]

    async def test_it_can_be_taken_back(self, database: Database, history: History) -> None:
        await history.record([message(1)])
        await Privacy(database).opt_out(ADA.id, GUILD)
        choices = Choices(database)
        assert await choices.has(ADA.id, GUILD, Consent.OPT_OUT)
        assert await choices.withdraw(ADA.id, GUILD, Consent.OPT_OUT)
        assert not await choices.withdraw(ADA.id, GUILD, Consent.OPT_OUT)
        await history.record([message(1), message(2)])
        assert ids(await history.recent(CHANNEL, 9)) == [2]

    async def test_it_survives_a_deletion(self, database: Database) -> None:
        privacy = Privacy(database)
        await privacy.opt_out(ADA.id, GUILD)
        receipt = await privacy.delete(ADA.id)
        assert await Choices(database).has(ADA.id, GUILD, Consent.OPT_OUT)
        assert any("opted out" in sentence for sentence in receipt.kept)
