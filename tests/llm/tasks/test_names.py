"""Spellings of one name come together, and nothing is lost or made up on the way."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.tasks.names import KINDS, Mention, bare, key, merged, of_kind

WORDS = st.sampled_from(
    ["Ada", "Lovelace", "Grace", "Hopper", "Zoë", "the", "Rock", "東京", "ガ", "カ", "'s", "@", "O'Neill"]
)
MENTIONS = st.lists(
    st.builds(
        Mention, st.lists(WORDS, min_size=1, max_size=3).map(" ".join), st.sampled_from(KINDS), st.integers(1, 50)
    ),
    max_size=30,
)


def people(*texts: str) -> list[tuple[str, int]]:
    found = merged(Mention(text, "PER", place) for place, text in enumerate(texts))
    return [(name.text, name.count) for name in found]


@pytest.mark.parametrize("other", ["ada", "ADA", "Ada's", "Ada’s", "@Ada", "#ada", "Adá", " Ada,", "“Ada”", "ada's."])
def test_spellings_of_one_name(other: str) -> None:
    assert key(other) == key("Ada") == "ada"


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "Adam"), ("カ", "ガ"), ("O'Neill", "Neill"), ("The", "them"), ("US", "USA")]
)
def test_names_that_differ(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_the_is_no_part_of_a_name_but_may_be_all_of_it() -> None:
    assert key("The Hague") == key("hague") and key("the") == "the"
    assert bare("the Rolling Stones'") == "Rolling Stones"


def test_a_part_of_a_name_is_that_name_where_it_is_clear_whose() -> None:
    assert people("Ada", "Ada Lovelace", "ada's", "Lovelace") == [("Ada Lovelace", 4)]
    assert people("Ada", "Ada Lovelace", "Ada Byron") == [("Ada", 1), ("Ada Lovelace", 1), ("Ada Byron", 1)]


def test_places_are_not_joined_by_parts() -> None:
    found = merged([Mention("York", "LOC", 1), Mention("New York", "LOC", 2)])
    assert {name.text for name in found} == {"York", "New York"}


def test_a_slip_of_the_model_does_not_divide_a_name() -> None:
    slip = [Mention("Paris", "LOC", 2), Mention("Paris", "LOC", 3), Mention("paris", "PER", 1)]
    (paris,) = merged(slip)
    assert (paris.text, paris.kind, paris.count, paris.first) == ("Paris", "LOC", 3, 1)
    both = merged([Mention("Washington", "LOC", 1), Mention("Washington", "PER", 2)])
    assert {(name.kind, name.count) for name in both} == {("LOC", 1), ("PER", 1)}


@given(MENTIONS)
def test_every_mention_is_counted_once(mentions: list[Mention]) -> None:
    found = merged(mentions)
    assert sum(name.count for name in found) == len(mentions)
    assert len({(name.text, name.kind) for name in found}) == len(found)
    assert sum(len(of_kind(found, kind)) for kind in KINDS) == len(found)
    assert {name.first for name in found} <= {mention.place for mention in mentions}
    assert [name.count for name in found] == sorted((name.count for name in found), reverse=True)


@given(MENTIONS, st.randoms())
def test_the_order_of_what_was_said_changes_no_count(mentions: list[Mention], random: st.DataObject) -> None:
    shuffled = list(mentions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    count = {(key(name.text), name.kind): name.count for name in merged(mentions)}
    assert {(key(name.text), name.kind): name.count for name in merged(shuffled)} == count


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=20))
def test_case_and_form_never_matter(text: str) -> None:
    assert key(text) == key(unicodedata.normalize("NFD", text)) == key(f"  {text} ")
    assert key(text.upper().lower()) == key(text.lower().upper().lower())
