"""What is recorded comes back, the newest copy wins, and the deleted stays deleted: on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.columns import storable
from storage.database import Database
from storage.errors import BadRecord
from storage.history import Edit, History, StoredMessage, StoredPerson, StoredReply
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, ids, message, thread

GREATEST = 2**63 - 1
# Every character that Python can hold, lone surrogates and NUL among them.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


async def one(history: History, message_id: int) -> StoredMessage:
    found = await history.chain(message_id, limit=1)
    assert ids(found.messages) == [message_id]
    return found.messages[0]


async def test_a_message_comes_back_as_it_was(history: History) -> None:
    sent = message(
        5,
        4,
        content="Grüße 👩‍👩‍👧 \U0001f600",
        edited_at=NOON + timedelta(hours=1),
        author=StoredPerson(1, "Steward", is_bot=True),
    )
    await history.record([sent])
    assert await one(history, 5) == sent


async def test_a_private_message_has_no_guild(history: History) -> None:
    await history.record([message(1, guild_id=None, channel_id=99)])
    assert (await one(history, 1)).guild_id is None


async def test_ids_of_64_bits(history: History) -> None:
    sent = message(
        GREATEST, GREATEST - 1, channel_id=GREATEST - 2, guild_id=GREATEST - 3, author=StoredPerson(GREATEST - 4, "Ada")
    )
    await history.record([sent])
    assert await one(history, GREATEST) == sent
    assert (await history.chain(GREATEST)).missing == GREATEST - 1


async def test_an_id_beyond_64_bits_is_refused(history: History) -> None:
    with pytest.raises(BadRecord):
        await history.record([message(2**63)])
    with pytest.raises(BadRecord):
        await history.chain(2**64)


async def test_datetimes_come_back_aware_whatever_their_zone(history: History) -> None:
    tokyo = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9)))
    await history.record([message(1, created_at=tokyo)])
    stored = (await one(history, 1)).created_at
    assert stored == tokyo
    assert stored.utcoffset() == timedelta(0)


async def test_naive_datetimes_are_refused(history: History) -> None:
    naive = datetime(2026, 1, 1)
    with pytest.raises(BadRecord, match="no time zone"):
        message(1, created_at=naive)
    with pytest.raises(BadRecord):
        message(1, edited_at=naive)
    with pytest.raises(BadRecord):
        StoredReply(1, None, "m", 1, 1, None, 1.0, "stop", created_at=naive)
    with pytest.raises(BadRecord):
        await history.edit(1, "x", naive)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=ANY_TEXT, name=ANY_TEXT)
async def test_any_text_can_be_stored(history: History, content: str, name: str) -> None:
    sent = message(1, content=content, author=StoredPerson(2, name))
    await history.record([sent])
    stored = await one(history, 1)
    assert stored.content == storable(content)
    assert stored.author.name == storable(name)


async def test_recording_again_changes_nothing(history: History) -> None:
    sent = thread(3)
    await history.record(sent)
    await history.record([*sent, *sent])
    assert (await history.chain(3)).messages == sent


async def test_recording_nothing(history: History) -> None:
    await history.record([])


async def test_a_newer_copy_wins_and_an_older_one_does_not(history: History) -> None:
    original = message(1)
    edited = message(1, content="better", edited_at=NOON + timedelta(minutes=1))
    for copies in ([original, edited], [edited, original], [edited], [original]):
        await history.record(copies)
    assert await one(history, 1) == edited


async def test_a_copy_of_the_same_age_may_complete_the_text(history: History) -> None:
    await history.record([message(1, content="half")])
    await history.record([message(1, content="half and the rest")])
    assert (await one(history, 1)).content == "half and the rest"


async def test_edit(history: History) -> None:
    await history.record([message(1)])
    at = NOON + timedelta(hours=2)
    assert await history.edit(1, "new", at) is Edit.CHANGED
    assert await one(history, 1) == message(1, content="new", edited_at=at)
    assert await history.edit(1, "older", at - timedelta(seconds=1)) is Edit.OLDER
    assert await history.edit(2, "unknown", at) is Edit.UNKNOWN
    assert (await one(history, 1)).content == "new"


async def test_the_deleted_stays_deleted(history: History) -> None:
    await history.record(thread(3))
    assert await history.delete([1, 2, 2, 404]) == 2
    assert await history.delete([1, 2]) == 0
    assert Edit.UNKNOWN is await history.edit(2, "back", NOON + timedelta(days=1))
    await history.record([message(2, 1, edited_at=NOON + timedelta(days=1))])
    tombstone = await one(history, 2)
    assert tombstone.content == ""
    assert tombstone.deleted_at is not None


async def test_many_are_deleted_at_once(history: History) -> None:
    await history.record(thread(1_200))
    assert await history.delete(range(1, 1_201)) == 1_200
    assert await history.recent(CHANNEL, 10) == []


async def test_a_copy_that_is_known_to_be_deleted_is_a_tombstone(history: History) -> None:
    await history.record([message(1, edited_at=NOON + timedelta(days=1))])
    await history.record([message(1, deleted_at=NOON + timedelta(hours=1)), message(2, deleted_at=NOON)])
    assert (await one(history, 1)).content == (await one(history, 2)).content == ""


async def test_a_name_is_the_one_of_its_time(history: History) -> None:
    """A nickname of one server does not show in another, nor does it change what was said before."""
    await history.record([message(1)])
    await history.record([message(2, channel_id=71, guild_id=8, author=replace(ADA, name="Countess"))])
    assert (await one(history, 1)).author.name == "Ada"
    assert (await one(history, 2)).author.name == "Countess"


async def test_recent(history: History) -> None:
    await history.record([*thread(6), message(7, channel_id=CHANNEL + 1)])
    await history.delete([5])
    assert ids(await history.recent(CHANNEL, 3)) == [3, 4, 6]
    assert ids(await history.recent(CHANNEL, 3, before=4)) == [1, 2, 3]
    assert await history.recent(404, 3) == []


async def test_places_keep_their_names(database: Database, history: History) -> None:
    await history.record([message(1)])
    await history.record_guild(GUILD, "Analytical Society")
    await history.record_channel(CHANNEL, GUILD, "general", "text")
    await history.record_channel(71, 8, "a thread", "thread")
    await history.record([message(2)])
    async with database.session() as session:
        driver = await session.connection()
        guilds = (await driver.exec_driver_sql("SELECT id, name FROM guilds ORDER BY id")).all()
        channels = (await driver.exec_driver_sql("SELECT id, guild_id, name, kind FROM channels ORDER BY id")).all()
    assert [tuple(row) for row in guilds] == [(GUILD, "Analytical Society"), (8, "")]
    assert [tuple(row) for row in channels] == [(CHANNEL, GUILD, "general", "text"), (71, 8, "a thread", "thread")]


async def test_how_a_reply_came_to_be(history: History) -> None:
    reply = StoredReply(2, 1, "embedded/chat", 120, 30, 0.25, 1.5, "stop", created_at=NOON)
    await history.record_reply(reply)
    assert await history.reply(2) == reply
    failed = replace(reply, completion_tokens=None, first_token_s=None, finish_reason="error", error="the worker died")
    await history.record_reply(failed)
    assert await history.reply(2) == failed
    assert await history.reply(3) is None
