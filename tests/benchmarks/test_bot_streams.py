"""The benchmark of streams with toy sizes, through the real processes; no figure is judged."""

from __future__ import annotations

import json

import pytest

from benchmarks import bot_streams, slow_engine
from benchmarks.bot_process import figures
from tests.fakes import reply


def test_the_slow_engine_holds_each_word() -> None:
    pieces, steps = slow_engine.pieces(10)
    assert len(steps) == 11
    assert reply(pieces=pieces).text.endswith(f"word9. word10 {slow_engine.END}")
    assert pieces[0] is steps[0]


def test_percentiles_of_no_delays_are_nothing() -> None:
    assert figures([])["p99_ms"] == 0.0
    assert figures([1.0] * 99 + [50.0])["most_ms"] == 50.0


def test_every_stream_ends_and_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    bot_streams.main(["--streams", "2", "--words", "12", "--every", "0.02", "--idle", "0.1"])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["bench"] == "bot_streams"
    assert [row["streams"] for row in line["rows"]] == [0, 2]
    assert (line["refused"], line["rows"][1]["edits"] > 0) == (0, True)
