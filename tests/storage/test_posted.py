"""What was posted from private answers, and what it rests on."""

from __future__ import annotations

from datetime import timedelta

from storage.database import Database
from storage.posted import PostedSources, Rests
from storage.privacy import Privacy
from storage.retention import Retention
from tests.storage.samples import ADA, GUILD, NOON


def rests(message_id: int, source_id: int, person_id: int = ADA.id, place_id: int = 70) -> Rests:
    return Rests(message_id, source_id, GUILD, 71, place_id, person_id, NOON, NOON)


async def test_what_rests_on_what(database: Database) -> None:
    sources = PostedSources(database)
    kept = [rests(10, 1), rests(10, 2, place_id=75), rests(11, 1, person_id=9)]
    await sources.put(kept)
    await sources.put(kept[:1])
    assert await sources.on([1]) == [kept[0], kept[2]]
    assert await sources.on_place(75) == [kept[1]]
    assert await sources.on_person(ADA.id, GUILD) == await sources.on_person(ADA.id, None) == kept[:2]
    assert await sources.on_person(ADA.id, GUILD + 1) == []
    await sources.forget(kept[:1])
    assert await sources.on([1, 2]) == kept[1:]
    await sources.gone([11])
    assert await sources.on([1, 2]) == kept[1:2]
    await sources.gone_in(75)
    assert await sources.on([1, 2]) == []


async def test_it_goes_with_its_person_its_server_and_its_time(database: Database) -> None:
    sources = PostedSources(database)
    await sources.put([rests(10, 1), rests(10, 2, person_id=9)])
    receipt = await Privacy(database).delete(ADA.id, GUILD)
    assert receipt.counts == {"posted_sources": 1} and await sources.on([1]) == []
    await Retention(database).run(NOON + timedelta(days=300), 30, {}, 7)
    assert await sources.on([2])
    await Retention(database).run(NOON + timedelta(days=366), 30, {}, 7)
    assert await sources.on([2]) == []
    await sources.put([rests(10, 1)])
    await Retention(database).delete_guild(GUILD)
    assert await sources.on([1]) == []
