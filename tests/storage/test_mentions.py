"""Whom messages mention: by the names of that time, for as long as the text stands and nobody minds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage.choices import Choices, Consent
from storage.database import Database
from storage.history import Edit, History
from storage.privacy import Privacy
from storage.summaries import RunningSummaries, RunningSummary
from storage.tokens import TokenCounts
from tests.storage.planting import found
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, message

GRACE, LINUS = 701, 702
LOOK = f"<@{GRACE}> look"


async def named(history: History, number: int = 1) -> dict[int, str]:
    """Whom a message mentions, as a prompt gets it."""
    (row,) = (await history.chain(number, 1, model="m")).messages
    return dict(row.mentions)


@pytest.fixture
async def history(database: Database) -> History:
    made = History(database)
    await made.record([message(1, content=LOOK, mentions={GRACE: "Grace  \n Hopper", LINUS: "Linus"}), message(2, 1)])
    return made


async def test_the_first_names_stay(history: History) -> None:
    assert await named(history) == {GRACE: "Grace Hopper", LINUS: "Linus"} and await named(history, 2) == {}
    await history.record([message(1, content=LOOK, mentions={GRACE: "Amazing Grace"})])
    assert (await named(history))[GRACE] == "Grace Hopper"
    (row,) = await history.recent(CHANNEL, 9, before=2, model="m")
    assert row.mentions[GRACE] == "Grace Hopper"


async def test_another_text_mentions_others(history: History) -> None:
    later = NOON + timedelta(hours=1)
    assert await history.edit(1, f"<@{LINUS}> look", later, {LINUS: "Linus T."}) is Edit.CHANGED
    assert await named(history) == {LINUS: "Linus T."}
    await history.record([message(1, content=LOOK, mentions={GRACE: "Grace"}, edited_at=later + timedelta(hours=1))])
    assert await named(history) == {GRACE: "Grace"}
    await history.delete([1])
    assert await named(history) == {}
    await history.record([message(1, content=LOOK, mentions={GRACE: "Grace"})])
    assert await named(history) == {}


async def test_who_opted_out_is_not_named(history: History, database: Database) -> None:
    await Choices(database).choose(GRACE, GUILD, Consent.OPT_OUT)
    await history.record([message(3, content=LOOK, mentions={GRACE: "Grace", LINUS: "Linus"})])
    assert await named(history, 3) == {LINUS: "Linus"}
    await history.record([message(4, content=LOOK, mentions={GRACE: "Grace"}, guild_id=8, channel_id=80)])
    assert await named(history, 4) == {GRACE: "Grace"}


async def test_a_person_who_is_deleted_is_in_nobodys_message_any_more(history: History, database: Database) -> None:
    await TokenCounts(database).put("m", {1: (LOOK, 7)})
    assert await RunningSummaries(database).put(
        RunningSummary(CHANNEL, 1, 2, "Ada called Grace Hopper.", "m", frozenset({1, 2}))
    )
    privacy = Privacy(database)
    assert (await privacy.held(GRACE, 8))["mentions"] == 0 and (await privacy.held(GRACE, GUILD))["mentions"] == 1
    assert (await privacy.export(GRACE))["mentions"][0]["name"] == "Grace Hopper"
    receipt = await privacy.delete(GRACE, GUILD)
    assert receipt.counts == {"mentions": 1, "summaries": 1}
    assert await found(database, "Hopper") == [] and await named(history) == {LINUS: "Linus"}
    assert await TokenCounts(database).get([1], "m") == {}
    assert (await privacy.held(ADA.id))["messages"] == 2
