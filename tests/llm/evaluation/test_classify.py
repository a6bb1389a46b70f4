"""The scorer of sorting on known answers; every model that sorts, one that does not, and one that is not here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm.evaluation import classify
from llm.evaluation.classify import EMOTIONS, check_scorer, evaluate, own, score, topical_chat
from tests.llm.worker.tiny import make_ner, make_nli


def test_known_answers() -> None:
    check_scorer()
    assert score(["a", "b"], ["a", "b"])["macro_f1"] == 1
    figures = score(["a", "a", "b"], ["b", "b", "b"])
    assert figures["macro_f1"] == pytest.approx(0.25) and figures["accuracy"] == pytest.approx(1 / 3)
    assert figures["accuracy_of_the_commonest"] == pytest.approx(2 / 3)


def test_a_scorer_that_counts_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify, "accuracy_score", lambda gold, said: 0.0)
    with pytest.raises(SystemExit, match="known answer"):
        check_scorer()


def test_the_sets(tmp_path: Path) -> None:
    texts = [text for text, _ in own()]
    assert len(set(texts)) == len(texts) == 64
    assert len(set(EMOTIONS.values())) == 8
    path = tmp_path / "some.json"
    turns = [{"message": "a", "sentiment": "Happy"}, {"message": "b", "sentiment": "Unknown"}]
    path.write_text(json.dumps({"t1": {"content": turns}}))
    assert topical_chat(path) == [("a", "happiness")]


def test_models_that_sort_and_models_that_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify, "CASES", {"a": ("one",), "b": ("two",)})  # the tiny model reads short labels only
    nli, ner = str(make_nli(tmp_path / "nli")), str(make_ner(tmp_path / "ner"))
    evaluate([nli, ner, str(tmp_path / "nowhere")], tmp_path)
    *lines, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)["models"]
    assert set(found[nli]) == {"own"} and found[nli]["own"]["texts"] == 2
    assert found[ner] is None and sum("not measured" in line for line in lines) == 2
