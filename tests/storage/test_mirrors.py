"""Pairs of channels, and what stands for what in them."""

from __future__ import annotations

from datetime import timedelta

from storage.database import Database
from storage.mirrors import Copies, Mirrors, Side, StoredCopy, StoredMirror
from storage.privacy import Privacy
from storage.retention import Retention
from tests.storage.samples import ADA, GUILD, NOON

ENGLISH, FRENCH, GERMAN = Side(70, "en"), Side(71, "fr"), Side(72, "de")


async def pair(database: Database, other: Side = FRENCH) -> StoredMirror:
    return await Mirrors(database).put(GUILD, ENGLISH, other, {"5", "1+2"}, ADA.id)


def copy(message_id: int, mirror: StoredMirror | None, source_id: int = 1, **kwargs: int) -> StoredCopy:
    mirror_id = mirror.id if mirror else None
    return StoredCopy(message_id, GUILD, 71, source_id, ADA.id, mirror_id, "fr", created_at=NOON, **kwargs)


async def test_a_pair_is_kept_replaced_stopped_and_ended(database: Database) -> None:
    mirrors = Mirrors(database)
    made = await pair(database)
    assert await mirrors.all() == [made]
    assert (made.beyond(70), made.beyond(71), made.channel_ids) == (FRENCH, ENGLISH, {70, 71})
    await mirrors.rest(made.id, "wider")
    assert [one.stopped for one in await mirrors.all()] == ["wider"]
    again = await mirrors.put(GUILD, FRENCH, ENGLISH, set(), ADA.id)
    assert (again.id, again.one, await mirrors.all()) == (made.id, FRENCH, [again])
    assert await mirrors.end(made.id)
    assert not await mirrors.end(made.id)


async def test_what_stands_for_what(database: Database) -> None:
    copies, made = Copies(database), await pair(database)
    kept = [copy(10, made), copy(11, made, number=1), copy(12, None), copy(20, made, source_id=2)]
    await copies.put(kept)
    await copies.put(kept[:1])
    assert await copies.of([1]) == kept[:3]
    assert await copies.source(20) == kept[3]
    assert await copies.source(1) is None
    assert await copies.of_person(ADA.id, GUILD) == await copies.of_person(ADA.id, None) == kept
    assert await copies.of_person(ADA.id, GUILD + 1) == await copies.of_person(ADA.id + 1, None) == []
    await copies.forget([10, 20])
    assert await copies.of([1, 2]) == kept[1:3]
    await Mirrors(database).end(made.id)
    assert await copies.of([1, 2]) == kept[2:3], "what was asked for by a flag belongs to no pair"


async def test_the_latest_and_when_they_were_rewritten(database: Database) -> None:
    copies, made = Copies(database), await pair(database)
    kept = [copy(10, made), copy(11, made, source_id=2), copy(12, None, source_id=3)]
    await copies.put(kept)
    assert await copies.latest(made.id, 71, 9) == kept[:2]
    assert await copies.latest(made.id, 71, 1) == kept[1:2]
    assert await copies.latest(made.id, 70, 9) == []
    await copies.rewritten(1, made.id, NOON + timedelta(hours=1))
    assert [one.created_at for one in await copies.latest(made.id, 71, 9)] == [NOON + timedelta(hours=1), NOON]


async def test_a_channel_that_is_gone_takes_its_pairs_along(database: Database) -> None:
    mirrors, copies = Mirrors(database), Copies(database)
    french, german = await pair(database), await pair(database, GERMAN)
    await copies.put([copy(10, french), copy(12, None)])
    assert await mirrors.end_in(71) == 1
    assert (await mirrors.all(), await copies.of([1])) == ([german], [])


async def test_a_person_who_leaves_no_data(database: Database) -> None:
    made = await pair(database)
    await Copies(database).put([copy(10, made)])
    receipt = await Privacy(database).delete(ADA.id, GUILD)
    assert (receipt.counts["copies"], receipt.counts["mirrors"]) == (1, 1)
    assert [one.person_id for one in await Mirrors(database).all()] == [0], "the server wants its mirror still"


async def test_ids_outlive_messages_by_far_and_not_for_ever(database: Database) -> None:
    await Copies(database).put([copy(10, None)])
    retention = Retention(database)
    await retention.run(NOON + timedelta(days=364), 30, {}, 7)
    assert await Copies(database).of([1]) != []
    await retention.run(NOON + timedelta(days=366), 30, {}, 7)
    assert await Copies(database).of([1]) == []
