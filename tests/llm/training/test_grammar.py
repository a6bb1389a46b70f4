"""The grammar of the corpus: choices, slots, and how people type."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.training.chat.grammar import Typing, expand, fill, joined


def test_every_alternative_is_reached_and_nothing_else() -> None:
    found = {expand("<a|b<c|d>> e<|!>", Random(seed)) for seed in range(200)}
    assert found == {"a e", "a e!", "bc e", "bc e!", "bd e", "bd e!"}


def test_empty_alternatives_leave_no_double_spaces_and_no_space_before_a_comma() -> None:
    assert expand("hello < > world , friend", Random(0)) == "hello world, friend"


def test_an_unbalanced_bracket_is_an_error() -> None:
    with pytest.raises(ValueError, match="unbalanced"):
        expand("<a|b", Random(0))


def test_a_capitalised_slot_takes_a_capital() -> None:
    assert fill("{You}. I know that {you}.", you="you like tea") == "You like tea. I know that you like tea."


def test_parts_are_listed_as_people_do() -> None:
    assert [joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


@given(st.integers(), st.booleans(), st.booleans(), st.booleans())
def test_no_way_of_typing_damages_a_slot(seed: int, lower: bool, punctuated: bool, american: bool) -> None:
    typing = Typing(lower, punctuated, american, slips=1.0)
    typed = typing.sentence("remember that my favourite {k} is {v}.", Random(seed))
    assert "{k}" in typed and "{v}" in typed


def test_americans_write_color_and_quiet_people_no_full_stop() -> None:
    typing = Typing(lower=True, punctuated=False, american=True, slips=0)
    assert typing.sentence("My favourite colour is {v}.", Random(1)) == "my favorite color is {v}"
