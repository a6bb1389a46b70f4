"""What evaluates summaries, on known answers: the scorer, the cases, and the cost of a channel that grows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.evaluation.growing import by_a_model, by_own_words
from benchmarks.evaluation.summarize import as_messages, baselines, scorer
from benchmarks.evaluation.support import best, names_fit, shares
from benchmarks.evaluation.support_cases import Case, of_logs, of_meetings, told
from llm.tasks import summarize

TALK = [(f"nick{place % 5}", f"the picnic in the park needs {place} blankets and a cake") for place in range(200)]


def test_rouge_of_known_answers() -> None:
    """It raises where they come out wrong."""
    assert scorer()("we eat cake", "we eat cake") == {"rouge1": 1.0, "rouge2": 1.0, "rougeL": 1.0}


def test_baselines_have_as_many_words_as_the_summary() -> None:
    assert baselines(["a b", "c d e f", "g"], 3) == {"lead": "a b c", "longest": "a b c"}


def test_what_is_made_of_a_log(tmp_path: Path) -> None:
    path = tmp_path / "one.raw.txt"
    path.write_text("\n".join(f"[10:{place % 60:02}] <{nick}> {text}" for place, (nick, text) in enumerate(TALK)))
    found = of_logs([path], 3)
    assert [case.kind for case in found[:4]] == ["supported", "moved", "name", "number"]
    kept = [names_fit(case) for case in found]
    assert shares([case.kind for case in found], kept) == {"supported": 1, "moved": 1, "name": 1, "number": 1}
    assert told("ada", "I lost my key?") == "ada asked whether they lost their key?"


def test_what_is_made_of_a_meeting(tmp_path: Path) -> None:
    turns = [{"speaker": who, "content": text} for who, text in TALK]
    query = {"answer": "They should bring blankets and a cake to the park.", "relevant_text_span": [["3", "9"]]}
    path = tmp_path / "val.jsonl"
    path.write_text(json.dumps({"meeting_transcripts": turns, "specific_query_list": [query]}))
    supported, moved, negated = of_meetings(path)
    assert supported.cited == (TALK[3], TALK[4]) and set(moved.cited).isdisjoint(TALK[3:10])
    assert "should not bring" in negated.sentence


def test_the_threshold_that_parts_them_best() -> None:
    found = {0.1: {"supported": 1.0, "moved": 0.2}, 0.3: {"supported": 0.9, "moved": 0.9}}
    assert best(found) == 0.3


def test_a_case_without_anybody_else_is_no_name_case() -> None:
    assert names_fit(Case("nick0 said nothing", (("nick0", "nothing"),), frozenset({"nick0"})))


async def test_a_growing_channel_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = as_messages(TALK)
    costs = await by_a_model(messages, 50)
    assert costs.ratio < 1.3 and costs.total < costs.computed < costs.uncached and costs.summaries == 4
    monkeypatch.setattr(summarize, "_EXTRACT_PART", 1_000)
    own = await by_own_words(messages, 50)
    assert own.ratio < 1.3 and own.computed / own.total < 1.3
