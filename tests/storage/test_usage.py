"""Requests and tokens: summed per person, server and day in UTC, for whomever the question came from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from storage.database import Database
from storage.history import History, StoredReply
from storage.usage import Usage, Used
from tests.storage.planting import STEWARD
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, message

GRACE = 701
WEEK = NOON - timedelta(days=7)


def reply(number: int, **changed: object) -> StoredReply:
    made = StoredReply(number, None, "m", 100, 10, 0.1, 1.0, "stop", created_at=NOON, person_id=ADA.id, guild_id=GUILD)
    return replace(made, **changed)  # type: ignore[arg-type]


@pytest.fixture
async def usage(database: Database, history: History) -> Usage:
    """Ada: two in her server, one elsewhere, a failure, one of last month. Grace: one without figures."""
    replies = [
        reply(1),
        reply(2, created_at=NOON - timedelta(days=2)),
        reply(3, guild_id=8),
        reply(4, finish_reason="error"),
        reply(5, created_at=NOON - timedelta(days=30)),
        reply(6, person_id=GRACE, prompt_tokens=None, completion_tokens=None),
    ]
    for each in replies:
        await history.record_reply(each)
    return Usage(database)


async def test_of_a_person(usage: Usage) -> None:
    assert await usage.of_person(ADA.id, WEEK) == Used(3, 300, 30)
    assert await usage.of_person(ADA.id, WEEK, GUILD) == Used(2, 200, 20)
    assert (await usage.of_person(ADA.id, NOON, GUILD)).tokens == 110
    assert await usage.of_person(GRACE, WEEK) == Used(1, 0, 0)
    assert await usage.of_person(404, WEEK) == Used()


async def test_by_day(usage: Usage) -> None:
    assert await usage.by_day(WEEK, guild_id=GUILD) == {
        date(2026, 11, 20): Used(1, 100, 10),
        date(2026, 11, 22): Used(2, 100, 10),
    }
    assert await usage.by_day(WEEK, person_id=GRACE) == {date(2026, 11, 22): Used(1, 0, 0)}


async def test_a_day_is_one_in_utc(database: Database, history: History) -> None:
    tokyo = timezone(timedelta(hours=9))
    await history.record_reply(reply(1, created_at=datetime(2026, 11, 22, 8, 59, 59, tzinfo=tokyo)))
    await history.record_reply(reply(2, created_at=datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC)))
    assert list(await Usage(database).by_day(WEEK)) == [date(2026, 11, 21), date(2026, 11, 22)]


async def test_by_person(usage: Usage) -> None:
    assert await usage.by_person(WEEK) == {ADA.id: Used(3, 300, 30), GRACE: Used(1, 0, 0)}
    assert list(await usage.by_person(WEEK, GUILD, most=1)) == [ADA.id]


async def test_who_asked_is_known_from_the_question(database: Database, history: History) -> None:
    """A mention is answered by its id; /ask stores its question, and the answer as a reply to that."""
    place = {"channel_id": -CHANNEL}
    await history.record([message(1), message(2, 1, author=STEWARD), message(-3, **place)])
    await history.record([message(-4, -3, author=STEWARD, **place)])
    for number, prompt in ((2, 1), (-4, None)):
        await history.record_reply(reply(number, person_id=None, guild_id=None, prompt_message_id=prompt))
    stored = [await history.reply(number) for number in (2, -4)]
    assert [(each.person_id, each.guild_id) for each in stored if each] == [(ADA.id, GUILD)] * 2
    assert await Usage(database).of_person(ADA.id, WEEK, GUILD) == Used(2, 200, 20)
