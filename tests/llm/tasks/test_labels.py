"""Labels of other models, and of chat models' lines, as the labels that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from llm.errors import NotServed
from llm.tasks.classify import nearest
from llm.tasks.labelling import label_in
from llm.tasks.sentiment import Judged, judged

LABELS = ("bug", "bug report", "Praise")


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("bug", "bug"), ("**Bug Report**.", "bug report"), ("praise: since", "Praise"), ("bug report!", "bug report"),
        ("bugs", None), ("cheese", None), ("", None),
    ],
)  # fmt: skip
def test_a_chat_models_lines(said: str, label: str | None) -> None:
    assert label_in(said, LABELS) == label


@pytest.mark.parametrize(
    ("scores", "mood"),
    [
        ({"NEG": 0.2, "Positive": 0.7, "neutral": 0.1}, "positive"),
        ({"LABEL_0": 0.6, "LABEL_1": 0.3, "LABEL_2": 0.1}, "negative"),
        ({"1 star": 0.3, "2 stars": 0.3, "3 stars": 0.4, "4 stars": 0.0, "5 stars": 0.0}, "negative"),
        ({"POSITIVE": 0.9, "NEGATIVE": 0.1}, "positive"),
        ({"POSITIVE": 0.55, "NEGATIVE": 0.45}, "neutral"),
    ],
)
def test_labels_of_well_known_models(scores: dict[str, float], mood: str) -> None:
    assert judged(scores).mood == mood


def test_labels_that_are_no_moods_are_refused() -> None:
    with pytest.raises(NotServed, match="'joy'"):
        judged({"joy": 1.0})
    assert judged({"positive": 1.0, "neutral": 0.0, "negative": 0.0}) == Judged("positive", 1.0)


def test_the_nearest_label() -> None:
    rows = np.eye(2, dtype=np.float32)
    (first, second) = nearest(rows, rows, ("a", "b"))
    assert (first.label, second.label) == ("a", "b") and sum(first.scores.values()) == pytest.approx(1)
