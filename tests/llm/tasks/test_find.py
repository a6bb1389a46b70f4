"""Two rankings become one, and what does not speak of the question is left out."""

from __future__ import annotations

import pytest

from llm.tasks.find import Candidate, fused, quoted, speaking_of, telling


def test_what_both_rankings_know_comes_first() -> None:
    assert fused([1, 2, 3], [4, 3, 5]) == [3, 1, 4, 2, 5]
    assert fused([1, 2], []) == [1, 2]
    assert fused() == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (["where", "is", "the", "key", "key"], ["key"]),
        (["wo", "ist", "der", "schlüssel"], ["schlüssel"]),
        (["what", "is", "it"], ["what", "is", "it"]),
        (["蜜蜂"], ["蜜蜂"]),
    ],
)
def test_words_that_tell_something(question: list[str], expected: list[str]) -> None:
    assert telling(question) == expected


@pytest.mark.parametrize(
    ("text", "near", "speaks"),
    [
        ("the key hangs behind the door", None, True),  # both telling words
        ("keys and doors", None, True),  # in other forms
        ("the door is green", None, False),
        ("the door is green", 0.35, True),  # half of each
        ("it lies under the mat", 0.7, True),  # by its meaning alone
        ("cake on Sunday", 0.2, False),
        ("", None, False),
    ],
)
def test_what_speaks_of_a_question(text: str, near: float | None, speaks: bool) -> None:
    found = speaking_of("where is the key of the door?", [Candidate(1, text, near)])
    assert bool(found) is speaks


def test_the_question_itself_is_no_answer() -> None:
    asked = Candidate(1, "Where is the key?", 1.0)
    answer = Candidate(2, "the key hangs there", 0.5)
    assert quoted("where is the key", [asked, answer]) == [answer]
    assert quoted("where is the key", [answer] * 9, most=3) == [answer] * 3
