"""Answers with buttons and their alternatives: kept over restarts, one per conversation, gone with what they repeat."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.database import Database
from storage.history import Edit, History
from storage.open_replies import KeptReply, OpenReplies, Page
from storage.privacy import Privacy
from tests.storage.planting import STEWARD
from tests.storage.samples import ADA, CHANNEL, GUILD, NOON, message

QUESTION, FIRST, LAST = 1, 2, 3
KEPT = KeptReply(FIRST, LAST, CHANNEL, GUILD, QUESTION, QUESTION, ADA.id, 1, NOON)
PAGES = [Page("Ask the gardener.", "", "stop"), Page("Leaves are green and", "-# cut off", "length")]


@pytest.fixture
async def replies(database: Database) -> OpenReplies:
    await History(database).record(
        [
            message(QUESTION, content="which colour have the leaves of 1834?"),
            message(FIRST, QUESTION, content="Leaves are", author=STEWARD),
            message(LAST, FIRST, content=" green and", author=STEWARD),
        ]
    )
    opened = OpenReplies(database)
    assert await opened.put(KEPT, PAGES)
    return opened


async def test_it_is_found_by_its_first_and_its_last_part(replies: OpenReplies) -> None:
    assert await replies.all() == [KEPT]
    assert await replies.pages(FIRST) == await replies.pages(LAST) == PAGES
    assert await replies.pages(QUESTION) == []


async def test_a_conversation_has_one(replies: OpenReplies, history: History) -> None:
    await history.record([message(4, LAST), message(5, 4, author=STEWARD)])
    newer = replace(KEPT, message_id=5, last_id=5, question_id=4, shown=0)
    assert await replies.put(newer, PAGES[:1])
    assert await replies.all() == [newer]
    assert (await replies.pages(LAST), await replies.pages(5)) == ([], PAGES[:1])


async def test_another_page_is_shown(replies: OpenReplies) -> None:
    turned = replace(KEPT, shown=0, last_id=FIRST)
    assert await replies.put(turned, PAGES)
    assert await replies.all() == [turned] and await replies.pages(FIRST) == PAGES


async def test_it_goes_with_its_buttons(replies: OpenReplies) -> None:
    await replies.close([FIRST])
    assert (await replies.all(), await replies.pages(FIRST)) == ([], [])


async def test_a_proxy_says_the_question_again(replies: OpenReplies, history: History) -> None:
    await history.delete([QUESTION])
    await replies.asked_by(FIRST, 9)
    assert await replies.all() == [replace(KEPT, question_id=9)]


@pytest.mark.parametrize("number", [FIRST, LAST])
async def test_it_goes_with_its_parts(replies: OpenReplies, history: History, number: int) -> None:
    await history.delete([number])
    assert await replies.all() == []
    if number == FIRST:
        assert not await replies.put(KEPT, PAGES)


async def test_it_goes_when_a_message_that_only_a_hidden_alternative_repeats_is_edited(
    replies: OpenReplies, history: History
) -> None:
    await replies.put(KEPT, [Page("Those of 1834 were red.", "", "stop"), PAGES[1]])
    assert await history.edit(QUESTION, "which colour?", NOON.replace(hour=13)) is Edit.CHANGED
    assert await replies.all() == []
    assert (await history.chain(LAST)).messages[-1].content == " green and"


async def test_steward_goes_on_writing_its_own_answer(replies: OpenReplies, history: History) -> None:
    await history.record([message(FIRST, QUESTION, content="Leaves may be", author=STEWARD)])
    assert await replies.pages(FIRST) == PAGES


async def test_an_export_holds_the_alternatives(replies: OpenReplies, database: Database) -> None:
    exported = await Privacy(database).export(ADA.id)
    assert [row["text"] for row in exported["alternatives"]] == [page.text for page in PAGES]
    assert exported["open_replies"][0]["question_id"] == str(QUESTION)
    await Privacy(database).delete(ADA.id)
    assert await replies.all() == []
