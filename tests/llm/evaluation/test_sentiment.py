"""The scorer of moods on known answers; what is measured is not what was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm.evaluation.sentiment import own, score, told, topical_chat
from llm.training.sentiment.corpus import Corpus
from llm.worker.errors import LoadError


def test_known_answers() -> None:
    gold = ["positive", "positive", "negative", "neutral"]
    assert score(gold, gold)["macro_f1"] == 1
    always = score(gold, ["positive"] * 4)
    assert always["macro_f1"] == pytest.approx((2 * 0.5 * 1 / 1.5) / 3)
    assert (always["accuracy"], always["negative"]) == (0.5, 0)


def test_labels_of_other_models_are_told_by_how_they_begin() -> None:
    assert told({"NEG": 0.2, "Positive": 0.7, "neutral": 0.1}) == "positive"
    with pytest.raises(LoadError, match="'joy'"):
        told({"joy": 1.0})


def test_emotions_that_say_nothing_of_good_or_bad_are_left_out(tmp_path: Path) -> None:
    turns = [{"message": "a", "sentiment": "Happy"}, {"message": "b", "sentiment": "Surprised"}]
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"t1": {"content": turns}}))
    assert topical_chat(path) == [("a", "positive")]


def test_nothing_measured_was_trained_on() -> None:
    trained = {text.lower() for text, _ in Corpus(2026).epoch(0, 2000)}
    assert not trained & {text.lower() for text, _ in own()}
