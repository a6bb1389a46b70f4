"""Tables that Discord does not know are shown in columns, or as lists where a phone would wrap them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bot.conversation.formulas import readable_formulas
from bot.conversation.rendering import length, render
from bot.conversation.tables import WIDEST, Table, layout, readable_tables


def shown(text: str) -> str:
    return readable_tables(text, readable_formulas)


def test_a_narrow_table_stands_in_columns() -> None:
    assert shown(
        "Ages:\n| Name | Age | **City** |\n|:--|--:|:-:|\n| Ada | 36 | `a_b` |\n| 日本 | 5 | x \\| y |\nDone."
    ) == ("Ages:\n```\nName  Age  City\n────  ───  ─────\nAda    36   a_b\n日本    5  x | y\n```\nDone.")


def test_a_wide_table_is_a_list() -> None:
    wide = "| Name | What it is good for |\n|---|---|\n| **Ada** | a language for things that fly high |\n| C | |\n"
    assert shown(wide) == "- Name: **Ada**\n  - What it is good for: a language for things that fly high\n- Name: C\n"


def test_formulas_in_cells_are_readable() -> None:
    assert "x²" in shown("| f |\n|---|\n| $x^2$ |")


@pytest.mark.parametrize(
    "text",
    ["a | b", "a | b\n\n--|--", "| a | b |\n|---|\n| 1 | 2 |", "|\n|", "a\n--\nb | c", "||spoiler|| and | bar"],
)
def test_what_is_no_table_stays(text: str) -> None:
    assert shown(text) == text


def test_a_table_in_code_stays() -> None:
    text = "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```"
    assert render(text)[0].shown == text


def test_a_table_without_outer_bars_is_one() -> None:
    assert shown("a | b\n--|--\n1 | 2\n") == "```\na  b\n─  ─\n1  2\n```\n"


def test_a_long_table_goes_on_under_its_header() -> None:
    rows = "".join(f"| row {number} | {number * number} |\n" for number in range(400))
    parts = render(f"Squares:\n\n| name | square |\n|---|--:|\n{rows}")
    assert len(parts) > 2
    assert parts[0].shown.startswith("Squares:\n\n```\nname")
    assert all(part.shown.startswith("```\nname") for part in parts[1:])
    assert all(part.shown.endswith("\n```") for part in parts)
    assert sum(part.shown.count("row ") for part in parts) == 400


def test_a_table_that_would_be_divided_late_begins_the_next_message() -> None:
    table = "| a | b |\n|---|---|\n" + "| one | two |\n" * 30
    parts = render("A sentence. " * 150 + "\n\n" + table)
    assert [part.shown.startswith("```\na") for part in parts] == [False, True]


CELLS = st.text(st.sampled_from("ab日é👍*_`|\\ .$^[](){}<>&\u200d\u0301"), max_size=12)
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.builds(
        Table,
        st.tuples(*[CELLS] * width),
        st.lists(st.tuples(*[CELLS] * width), max_size=4).map(tuple),
        st.tuples(*[st.sampled_from(["left", "right", "center"])] * width),
    )
)


@given(TABLES)
def test_columns_never_wrap_and_never_end_their_block(table: Table) -> None:
    text = layout(table, readable_formulas)
    if text.startswith("```\n"):
        lines = text.split("\n")
        assert lines[0] == lines[-2] == "```" and "`" not in "".join(lines[1:-2])
        assert all(cell_len(line) <= WIDEST for line in lines)
    assert text.endswith("\n")


@given(st.lists(st.sampled_from(["| a | b |\n", "|---|---|\n", "a|", "\n", "```\n", "words ", "||", "|"]), max_size=60))
def test_any_bars_fit_and_nothing_is_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    parts = render(text, limit=120)
    assert all(length(part.shown) <= 120 for part in parts)
    if 0 < len(parts) < 10:
        assert "".join(part.raw for part in parts) == text
