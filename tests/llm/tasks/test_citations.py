"""What a model writes → sentences and the messages that they cite."""

from __future__ import annotations

import pytest

from llm.tasks.citations import parse, parse_notes
from llm.tasks.summary import SummaryItem
from tests.llm.tasks.conversation import RELEASE


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- A point [1].", ("A point.", (100,))),
        ("* A point [2]", ("A point", (101,))),
        ("• A point [2]", ("A point", (101,))),
        ("2. A point [ 3 ]", ("A point", (102,))),
        ("A bare point [1, 2]", ("A bare point", (100, 101))),
        ("A run [1-3]", ("A run", (100, 101, 102))),
        ("Full width 【2】", ("Full width", (101,))),
        ("With a mark [#2]", ("With a mark", (101,))),
        ("- A point [99][2]", ("A point", (101,))),
        ("- Twice [2] and again [2].", ("Twice and again.", (101,))),
        ("- Too many [1][2][3][4][5][6]", ("Too many", (100, 101, 102, 103))),
        ("- A point [0]", None),
        ("- A point [99]", None),
        ("- A point [one]", None),
        ("- A point", None),
        ("- [1]", None),
        ("", None),
    ],
)
def test_sentences_and_citations(line: str, expected: tuple[str, tuple[int, ...]] | None) -> None:
    items = parse(line, RELEASE, 8)
    assert [(item.text, item.message_ids) for item in items] == ([expected] if expected else [])


def test_they_come_in_the_order_of_their_messages_and_not_more_than_asked_for() -> None:
    items = parse("- c [3]\n- a [1]\n- b [2]\n- d [4]", RELEASE, 3)
    assert [item.text for item in items] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("line", "kind", "owner", "text"),
    [
        ("- Decision: ship it [1]", "decision", "", "ship it"),
        ("- **Decision:** ship it [1]", "decision", "", "ship it"),
        ("- Action (Ada): ship it [1]", "action", "Ada", "ship it"),
        ("- action (nobody): ship it [1]", "action", "", "ship it"),
        ("- Question (Ada): ship it? [1]", "question", "Ada", "ship it?"),
        ("- Decisions were hard [1]", "point", "", "Decisions were hard"),
    ],
)
def test_kinds(line: str, kind: str, owner: str, text: str) -> None:
    (item,) = parse(line, RELEASE, 8)
    assert (item.kind, item.owner, item.text) == (kind, owner, text)


def test_a_sentence_about_notes_rests_on_their_messages() -> None:
    notes = [SummaryItem("a", (5, 6), "Ada"), SummaryItem("b", (6, 7), "Bob")]
    assert parse_notes("- both [2][1]\n- none [3]", notes, 8) == [SummaryItem("both", (6, 7, 5), "Bob")]
