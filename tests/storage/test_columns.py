"""What happens to text that no database can hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.columns import storable


@given(st.text())
def test_ordinary_text_stays(text: str) -> None:
    assert storable(text) == text.replace("\0", "\ufffd")


@given(st.text(st.characters(exclude_categories=())))
def test_anything_becomes_storable(text: str) -> None:
    kept = storable(text)
    kept.encode()
    assert "\0" not in kept
    assert storable(kept) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\0b", "a\ufffdb"), ("\ud83d", "\ufffd"), ("\ud83d\ude00", "\U0001f600"), ("\ude00\ud83d", "\ufffd\ufffd")],
)
def test_nul_and_surrogates(text: str, kept: str) -> None:
    assert storable(text) == kept
