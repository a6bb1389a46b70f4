"""The scorer of names on known answers, before any model is measured with it."""

from __future__ import annotations

import pytest

from llm.evaluation.entities import Figures, marked, score
from llm.training.encoders.conll import Sentence

TEXT = "Ada Lovelace met IBM in Paris"
GOLD = {(0, 12, "PER"), (17, 20, "ORG"), (24, 29, "LOC")}


def test_all_right_is_one_and_nothing_said_is_zero() -> None:
    assert score([TEXT], [GOLD], [GOLD])["all"] == Figures(1, 1, 1, 3)
    assert score([TEXT], [GOLD], [set()])["all"] == Figures(0, 0, 0, 3)


def test_a_wrong_place_or_type_is_no_name_found() -> None:
    said = {(0, 3, "PER"), (17, 20, "LOC"), (24, 29, "LOC")}
    figures = score([TEXT], [GOLD], [said])
    assert figures["all"] == Figures(pytest.approx(1 / 3), pytest.approx(1 / 3), pytest.approx(1 / 3), 3)
    assert figures["LOC"] == Figures(0.5, 1, pytest.approx(2 / 3), 1)
    assert figures["PER"].f1 == 0


def test_names_side_by_side_are_two_and_counts_are_over_all_texts() -> None:
    gold = [{(0, 3, "PER"), (3, 6, "PER")}, set()]
    joined = [{(0, 6, "PER")}, {(0, 1, "LOC")}]
    assert score(["annbob", ""], [gold[0], set()], [gold[0], set()])["all"].f1 == 1
    assert score(["annbob", "x"], gold, joined)["all"] == Figures(0, 0, 0, 2)


def test_the_places_of_marked_words() -> None:
    sentence = Sentence(("👩‍💻", "Ada", "Lovelace", "met", "IBM"), ("O", "B-PER", "I-PER", "O", "B-ORG"))
    assert {(sentence.text[first:last], kind) for first, last, kind in marked(sentence)} == {
        ("Ada Lovelace", "PER"),
        ("IBM", "ORG"),
    }
