"""Requests and tokens: counted when they are used, and summed per person, server, role and day in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from storage.database import Database
from storage.usage import Usage, Used
from tests.storage.samples import ADA, GUILD, NOON

GRACE = 701
WEEK = NOON - timedelta(days=7)
ONE = Used(1, 100, 10)
CLUB, VIP = 30, 31


@pytest.fixture
async def usage(database: Database) -> Usage:
    """Ada: one today and one the day before yesterday, one elsewhere, one of last month. Grace: one without figures."""
    made = Usage(database)
    await made.count(ADA.id, GUILD, ONE, NOON)
    await made.count(ADA.id, GUILD, ONE, NOON - timedelta(days=2))
    await made.count(ADA.id, 8, ONE, NOON)
    await made.count(ADA.id, GUILD, ONE, NOON - timedelta(days=30))
    await made.count(GRACE, GUILD, Used(1), NOON)
    return made


async def test_of_a_person(usage: Usage) -> None:
    assert await usage.of_person(ADA.id, WEEK) == Used(3, 300, 30)
    assert await usage.of_person(ADA.id, WEEK, GUILD) == Used(2, 200, 20)
    assert (await usage.of_person(ADA.id, NOON, GUILD)).tokens == 110
    assert await usage.of_person(GRACE, WEEK) == Used(1, 0, 0)
    assert await usage.of_person(404, WEEK) == Used()


async def test_a_day_adds_up(usage: Usage) -> None:
    await usage.count(ADA.id, GUILD, Used(0, 5, 6), NOON + timedelta(hours=3))
    assert await usage.of_person(ADA.id, NOON, GUILD) == Used(1, 105, 16)


async def test_by_day(usage: Usage) -> None:
    assert await usage.by_day(WEEK, guild_id=GUILD) == {
        date(2026, 11, 20): Used(1, 100, 10),
        date(2026, 11, 22): Used(2, 100, 10),
    }
    assert await usage.by_day(WEEK, person_id=GRACE) == {date(2026, 11, 22): Used(1, 0, 0)}


async def test_a_day_is_one_in_utc(database: Database) -> None:
    usage, tokyo = Usage(database), timezone(timedelta(hours=9))
    await usage.count(ADA.id, None, ONE, datetime(2026, 11, 22, 8, 59, 59, tzinfo=tokyo))
    await usage.count(ADA.id, None, ONE, datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC))
    assert list(await usage.by_day(WEEK)) == [date(2026, 11, 21), date(2026, 11, 22)]


async def test_by_person(usage: Usage) -> None:
    assert await usage.by_person(WEEK) == {ADA.id: Used(3, 300, 30), GRACE: Used(1, 0, 0)}
    assert list(await usage.by_person(WEEK, GUILD, most=1)) == [ADA.id]


async def test_all_people_of_a_role_together(usage: Usage) -> None:
    await usage.count(ADA.id, GUILD, ONE, NOON, [CLUB, VIP])
    await usage.count(GRACE, GUILD, ONE, NOON, [CLUB])
    await usage.count(GRACE, GUILD, ONE, NOON - timedelta(days=1), [CLUB])
    assert await usage.of_roles(GUILD, [CLUB, VIP, 99], NOON) == {CLUB: Used(2, 200, 20), VIP: ONE, 99: Used()}
    assert await usage.of_roles(8, [CLUB], NOON) == {CLUB: Used()}
