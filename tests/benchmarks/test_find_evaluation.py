"""`steward eval find`: its questions, its scorer and its thresholds, on logs of a few lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.evaluation import find
from benchmarks.evaluation.calibration import Seen, Trial, best, judged
from benchmarks.evaluation.irc import server
from llm.tasks.find import Thresholds

LOG = """[09:00] <ada> how can I mount a windows partition automatically at startup?
[09:00] <bob> ada: no idea
[09:01] <linus> ada: write the partition into the fstab file
[09:01] <ada> linus: thanks
[09:02] <grace> ada: or use the graphical disks program instead"""


def data(folder: Path) -> Path:
    """Two logs and a little small talk."""
    logs = folder / "chat_logs" / "ubuntu_irc"
    logs.mkdir(parents=True)
    for name in ("a", "b"):
        (logs / f"{name}.raw.txt").write_text(LOG)
    talk = folder / "instruct" / "topical_chat"
    talk.mkdir(parents=True)
    turns = ["Which football team won the championship last season?", "Really?", "I like films."]
    talked = {"1": {"content": [{"message": turn} for turn in turns]}}
    (talk / "valid_freq.json").write_text(json.dumps(talked))
    return folder


def test_three_sorts_of_questions(tmp_path: Path) -> None:
    asked = server(data(tmp_path), files=1, count=5, seed=1)
    assert len(asked.messages) == 5 and asked.others == []
    known, elsewhere, small_talk = asked.questions
    assert (known.kind, known.asked, known.answers) == ("answered here", 1, frozenset({3, 5}))
    assert (elsewhere.kind, elsewhere.answers) == ("asked elsewhere", frozenset())
    assert small_talk.text.startswith("Which football team")


def test_the_scorer_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    find.try_scorer()
    monkeypatch.setattr(find, "FIRST", 6)
    with pytest.raises(SystemExit, match="scorer is wrong"):
        find.try_scorer()


def test_without_the_logs_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="There are no logs"):
        find.main(["--data", str(tmp_path)])


def test_thresholds_are_judged_by_right_ends() -> None:
    trials = [
        Trial("answered here", (Seen(0.7, 0.2, False), Seen(0.6, 0.4, True))),
        Trial("asked elsewhere", (Seen(0.5, 0.4, False),)),
        Trial("small talk", (Seen(0.1, 0.2, False),)),
    ]
    strict = judged(trials, Thresholds(near=0.65, spoken_of=0.9, half_near=1.0, half_spoken_of=1.0))
    assert strict == {"answer_shown": 0, "anything_shown": 1, "silent_elsewhere": 1, "silent_small_talk": 1}
    assert set(judged(trials, best(trials)).values()) == {1.0}
