"""What counts as repeating somebody's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.quoting import quoted

SAID = "My dog is Rex, and the vault opens with Swordfish at 7pm"


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("Your DOG IS rex!", True),
        ("swordfish", True),
        ("at 7pm", True),
        ("A dog has a vault", False),
        ("", False),
        ("and the door", False),
    ],
)
def test_quotes(text: str, repeats: bool) -> None:
    assert quoted(text, {1: SAID, 2: "something else entirely different"}) == ({1} if repeats else set())


def test_scripts_without_spaces() -> None:
    assert quoted("密码是剑鱼吗", {1: "我的密码是剑鱼"}) == {1}
    assert quoted("你好", {1: "我的密码是剑鱼"}) == set()


@given(st.text(min_size=9), st.text())
def test_whoever_repeats_all_of_it_quotes_it(text: str, more: str) -> None:
    words = f"begin with {text} end"
    assert quoted(f"{words} {more}", {1: words}) == {1}
