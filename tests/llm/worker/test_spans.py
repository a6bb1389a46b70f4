"""From labels of word pieces to entities in the original text."""

from __future__ import annotations

import numpy as np
import pytest

from llm.worker.spans import Entity, Piece, entities

LABELS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}


def pieces(text: str, *parts: tuple[str, int], words: bool = True) -> list[Piece]:
    """Pieces found one after the other in the text, each with the number of its best label (probability 0.9)."""
    found, at, word = [], 0, -1
    for part, label in parts:
        start = text.index(part, at)
        word += 1 if words and (start > at or at == 0) else 0
        scores = np.full(len(LABELS), 0.025, dtype=np.float32)
        scores[label] = 0.9
        at = start + len(part)
        found.append(Piece(start, at, word, scores))
    return found


def spans(text: str, *parts: tuple[str, int]) -> list[tuple[str, str]]:
    found = entities(text, pieces(text, *parts), LABELS)
    assert all(entity.text == text[entity.start : entity.end] for entity in found)
    return [(entity.text, entity.type) for entity in found]


def test_a_word_gets_the_label_of_its_first_piece() -> None:
    assert spans("Lovelace lives", ("Love", 1), ("lace", 0), ("lives", 0)) == [("Lovelace", "PER")]
    assert spans("Lovelace lives", ("Love", 0), ("lace", 1), ("lives", 0)) == []


def test_neighbours_of_one_type_are_one_entity_until_a_new_one_begins() -> None:
    text = "Ada Lovelace Ada in Paris"
    parts = [("Ada", 1), ("Lovelace", 2), ("Ada", 1), ("in", 0), ("Paris", 4)]
    assert spans(text, *parts) == [("Ada Lovelace", "PER"), ("Ada", "PER"), ("Paris", "LOC")]


def test_types_that_meet_are_two_entities() -> None:
    assert spans("Ada Paris", ("Ada", 1), ("Paris", 4)) == [("Ada", "PER"), ("Paris", "LOC")]


def test_offsets_are_code_points_of_the_text_as_it_is() -> None:
    text = "👩‍💻👋🏽 Zoe\u0308 in São Paulo 🇧🇷"
    found = entities(text, pieces(text, ("Zoe\u0308", 1), ("in", 0), ("São", 3), ("Paulo", 4)), LABELS)
    assert [(e.text, e.type, e.start) for e in found] == [("Zoe\u0308", "PER", 6), ("São Paulo", "LOC", 14)]
    assert [text[e.start : e.end] for e in found] == ["Zoe\u0308", "São Paulo"]


def test_a_combining_mark_belongs_to_the_word_before_it() -> None:
    text = "Zoe\u0308 x"
    assert spans(text, ("Zoe", 1), ("\u0308", 0), ("x", 0)) == [("Zoe\u0308", "PER")]


def test_punctuation_is_a_word_of_its_own_whatever_the_tokenizer_says() -> None:
    text = "(Paris,Berlin)"
    parts = [("(", 0), ("Paris", 3), (",", 0), ("Berlin", 3), (")", 0)]
    assert spans(text, *parts) == [("Paris", "LOC"), ("Berlin", "LOC")]


def test_scripts_without_spaces_are_read_letter_by_letter() -> None:
    text = "私は東京にいます"
    parts = [("私", 1), ("は", 0), ("東京", 3), ("に", 0), ("い", 0), ("ます", 0)]
    assert spans(text, *parts) == [("私", "PER"), ("東京", "LOC")]


def test_pieces_of_one_character_are_one_word() -> None:
    scores = np.eye(len(LABELS), dtype=np.float32)
    halves = [Piece(0, 1, 0, scores[1]), Piece(0, 1, 0, scores[0]), Piece(1, 3, 0, scores[0])]
    assert entities("😀ab", halves, LABELS) == [Entity(0, 1, "PER", "😀", 1.0)]


def test_spaces_that_a_tokenizer_counts_to_a_word_are_not_part_of_the_name() -> None:
    text = "in Paris now"
    assert spans(text, ("in", 0), (" Paris", 3), (" now", 0)) == [("Paris", "LOC")]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({0: "O", 1: "PER", 2: "PER", 3: "LOC", 4: "LOC"}, [("Ada Bob", "PER")]),
        ({0: "O", 1: "S-PER", 2: "S-PER", 3: "B-LOC", 4: "E-LOC"}, [("Ada", "PER"), ("Bob", "PER")]),
        ({0: "O", 1: "B-PER", 2: "E-PER", 3: "B-LOC", 4: "E-LOC"}, [("Ada Bob", "PER")]),
    ],
)
def test_other_schemes_of_labels(labels: dict[int, str], expected: list[tuple[str, str]]) -> None:
    found = entities("Ada Bob", pieces("Ada Bob", ("Ada", 1), ("Bob", 2)), labels)
    assert [(entity.text, entity.type) for entity in found] == expected


def test_the_score_is_the_mean_over_words() -> None:
    scores = np.array([[0.1, 0.9, 0, 0, 0], [0.3, 0.1, 0.6, 0, 0]], dtype=np.float32)
    (entity,) = entities("Ada Bob", [Piece(0, 3, 0, scores[0]), Piece(4, 7, 1, scores[1])], LABELS)
    assert entity.score == pytest.approx(0.75)


def test_nothing_is_nothing() -> None:
    assert entities("", [], LABELS) == []
    assert entities("x", [Piece(0, 0, None, np.eye(5, dtype=np.float32)[1])], LABELS) == []


def test_a_mark_that_the_tokenizer_left_out_belongs_to_the_word_before_it() -> None:
    text = "Jose\u0301 \u2764\ufe0f Ada"
    assert spans(text, ("Jose", 1), ("\u2764", 3), ("Ada", 1)) == [
        ("Jose\u0301", "PER"),
        ("\u2764\ufe0f", "LOC"),
        ("Ada", "PER"),
    ]
