"""Long texts are cut between things, never inside one, and what is too long for a message goes on in the next one."""

from __future__ import annotations

import pytest

from bot.conversation.rendering import render

FILLER = "word " * 380 + "abcdefghijklmnopqrstuvwxyz"[:20]


@pytest.mark.parametrize(
    "whole",
    [
        "`a piece of code with spaces in it`",
        "[a link with a long text](https://example.com/a)",
        "||a spoiler of several words||",
        "**several bold words in a row**",
        "__several underlined words here__",
        "$$x + y = z + w$$",
    ],
)
def test_inline_things_stay_whole(whole: str) -> None:
    for size in range(1900, 2000, 3):
        parts = render(f"{FILLER[:size]} {whole} and more. " + "more words " * 20)
        assert any(whole in part.raw for part in parts), size


def test_points_of_a_list_stay_whole() -> None:
    points = [f"{number}. {'several words ' * 12}end" for number in range(1, 60)]
    parts = render("\n".join(points))
    assert len(parts) > 3
    assert [line for part in parts for line in part.shown.split("\n")] == points


def test_a_long_spoiler_goes_on_hidden() -> None:
    parts = render("The end: ||" + "they all live. " * 400 + "||\nThat is all.")
    assert len(parts) > 2
    assert parts[0].shown.startswith("The end: ||they") and parts[0].shown.endswith("||")
    assert all(part.shown.startswith("||they") and part.shown.count("||") == 2 for part in parts[1:])
    assert parts[-1].shown.endswith("||\nThat is all.")


def test_a_spoiler_is_hidden_while_it_is_written() -> None:
    assert render("The end: ||they all")[0].shown == "The end: ||they all||"
    assert render("The end: ||")[0].shown == "The end: ||"


@pytest.mark.parametrize("text", ["a || b", "`a ||b`", "x||y is or", "```\na ||b\n```", "if (a ||\nb)"])
def test_other_bars_are_no_spoilers(text: str) -> None:
    assert render(text)[0].shown == text


def test_what_is_longer_than_a_message_is_cut_all_the_same() -> None:
    parts = render("`" + "x" * 5000 + "`")
    assert "".join(part.raw for part in parts) == "`" + "x" * 5000 + "`"
    assert len(parts) == 3
