"""The bot's other benchmarks with toy sizes, through the real processes; no figure is judged, what may be lost is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bot_intake, bot_memory, bot_replay
from benchmarks.bot_replay import Evening
from benchmarks.chat_logs import Line, parse


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return figures


def test_what_was_said_in_a_minute_is_spread_over_it() -> None:
    lines = parse(
        [
            "[11:59] <ada> one",
            "=== grace has joined #ubuntu",
            "[12:00] <grace> two",
            "[12:00]  * ada waves ",
            "[01:00] <ada> the clock counts to twelve",
            "[00:59] <ada> and was set",
        ]
    )
    assert lines == [
        Line(30, "ada", "one"),
        Line(75, "grace", "two"),
        Line(105, "ada", "waves"),
        Line(3675, "ada", "the clock counts to twelve"),
        Line(3705, "ada", "and was set"),
    ]


def test_the_minutes_go_on_over_midnight() -> None:
    assert [line.at_s for line in parse(["[23:59] <ada> late", "[00:01] <ada> early"])] == [30, 150]


def shown(text: str, *labels: str, reply_to: str = "1") -> dict[str, Any]:
    rows = [{"components": [{"label": label} for label in labels]}]
    author, reference = {"id": "9", "bot": True}, {"message_id": reply_to}
    return {"id": "2", "author": author, "content": text, "components": rows, "message_reference": reference}


def test_an_answer_counts_when_its_end_is_stored_and_a_refusal_when_it_can_be_read() -> None:
    evening = Evening()
    evening.hear("MESSAGE_CREATE", shown("-# 3rd in line", "Stop"))
    evening.ask("1")
    question = evening.questions["1"]
    assert (question.first_text_at, question.outcome(None)) == (None, "silent")
    evening.hear("MESSAGE_UPDATE", shown("First.", "Stop"))
    assert question.first_text_at is not None
    assert [question.outcome(how) for how in (None, "stop", "EngineTimeout")] == ["silent", "answered", "refused"]
    evening.hear("MESSAGE_UPDATE", shown("Too many questions.", "Retry"))
    assert question.outcome(None) == "refused"


@pytest.mark.timeout(300)
def test_four_channels_are_replayed_and_nothing_is_lost(capsys: pytest.CaptureFixture[str], material: Path) -> None:
    logs = str(material / bot_replay.LOGS)
    bot_replay.main(["--logs", logs, "--files", "4", "--lines", "40", "--speed", "600", "--every", "20"])
    figures = last_line(capsys)
    assert (figures["messages"], figures["missing_in_sql"]) == (160, 0)
    assert (figures["questions"], figures["silent"]) == (8, 0)


@pytest.mark.timeout(300)
def test_every_message_that_the_bot_hears_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    bot_intake.main(["--messages", "600", "--people", "20", "--channels", "3"])
    figures = last_line(capsys)
    assert (figures["bench"], figures["lost"]) == ("bot_intake", 0)


@pytest.mark.timeout(300)
def test_the_memory_of_a_few_servers(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--guilds", "3", "--members", "20", "--channels", "2", "--roles", "2", "--speaking", "1", "--rounds", "1"]
    bot_memory.main(few)
    figures = last_line(capsys)
    assert len(figures["after_rounds_mib"]) == 1 and figures["base_mib"] > 0
