"""How words are written, per token."""

from __future__ import annotations

import pytest

from llm.worker.letter_case import CAPITALS, GLUED, MIXED, SMALL, TITLE, letter_case


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("ada", SMALL),
        ("Ada", TITLE),
        ("I", TITLE),
        ("NASA", CAPITALS),
        ("iPhone", MIXED),
        ("McDonald", MIXED),
        ("3DS", CAPITALS),
        ("42", SMALL),
        ("Élan", TITLE),
        ("ß", SMALL),
        ("日本", SMALL),
        ("😀", SMALL),
    ],
)
def test_the_class_of_a_word(word: str, expected: int) -> None:
    assert letter_case(f"x {word} y", [(2, 2 + len(word))]) == [expected]


def test_every_piece_of_a_word_has_its_class_and_special_tokens_none() -> None:
    text = "Love#Lace is IT"
    places = [(0, 0), (0, 2), (2, 4), (4, 5), (5, 9), (10, 12), (13, 15), (0, 0)]
    behind = [TITLE + GLUED, SMALL + GLUED, TITLE + GLUED]  # "ve", "#", "Lace"
    assert letter_case(text, places) == [SMALL, TITLE, *behind, SMALL, CAPITALS, SMALL]


def test_no_text() -> None:
    assert letter_case("", [(0, 0), (0, 0)]) == [SMALL, SMALL]
