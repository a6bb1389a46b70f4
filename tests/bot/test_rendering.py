"""What Discord gets to see of a model's text: safe, cut well, never more than 2,000 characters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.rendering import (
    CUT_SHORT,
    MOST_PARTS,
    Part,
    has_sentence,
    length,
    neutralize,
    render,
    small,
    without_remarks,
)

MARKUP = [
    "word",
    " ",
    "\n",
    "\n\n",
    "```",
    "```python\n",
    "`",
    "x = 1\n",
    "A sentence. ",
    "~" * 90,
    "\u200b",
    "\\",
    "-# small\n",
    "\x07",
]
HARM = ["@everyone", "@here", "<@123>", "<@&45>", "[click](https://example.com)", "dsc.gg/a ", "discord.gg/abc"]
CLUSTERS = ["👨‍👩‍👧", "🇩🇪", "e\u0301", "한"]
PIECES = st.sampled_from([*MARKUP, *HARM, *CLUSTERS])
TEXTS = st.lists(PIECES, max_size=400).map("".join) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3000)


def without_controls(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", text)


@given(TEXTS)
def test_every_part_fits_and_no_text_is_lost(text: str) -> None:
    parts = render(text)
    assert all(0 < length(part.shown) <= 2000 for part in parts)
    assert "".join(part.raw for part in parts) == (without_controls(text) if parts else "")


@given(TEXTS, st.integers(100, 400))
def test_every_part_is_a_finished_message_of_its_own(text: str, limit: int) -> None:
    for part in render(text, limit=limit):
        assert length(part.shown) <= limit
        assert part.shown.strip()
        assert part.shown.count("```") % 2 == 0


@given(TEXTS)
def test_nothing_pings_and_no_link_hides_its_address(text: str) -> None:
    for part in render(text):
        assert not re.search(r"@everyone|@here|<@[!&]?\d", part.shown)
        assert "](http" not in part.shown
        assert not re.search(r"(discord|dsc)\.gg/", part.shown)


@given(TEXTS)
def test_no_line_looks_like_a_remark_of_ours(text: str) -> None:
    for part in render(text):
        assert not re.search(r"^[\s>*+-]*-# ", part.shown, re.MULTILINE)
        assert without_remarks(part.shown) == part.shown.rstrip()


@given(TEXTS, st.integers(0, 3000))
def test_what_was_shown_of_finished_parts_stays_while_the_answer_grows(text: str, at: int) -> None:
    early, late = render(text[:at]), render(text)
    for before, after in zip(early[:-2], late, strict=False):
        assert before.raw == after.raw


def test_a_short_text_is_one_untouched_message() -> None:
    assert render("Good morning, *Ada*!") == [Part("Good morning, *Ada*!", "Good morning, *Ada*!")]


def test_exactly_two_thousand_characters_stay_one_message() -> None:
    text = "a" * 2000
    assert [part.shown for part in render(text)] == [text]


@pytest.mark.parametrize("text", ["", "  \n ", "```\n```", "\u200b", "```", "```py\n", "\x07"])
def test_nothing_to_see_is_no_message(text: str) -> None:
    assert render(text) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("```print(1)```", "```print(1)```"),
        ("```x", "```x\n```"),
        ("```js\nx```", "```js\nx```"),
        ("```print(1)```\nThat prints 1.", "```print(1)```\nThat prints 1."),
        ("`\n``\ud800`", "`"),
    ],
)
def test_code_is_shown(text: str, shown: str) -> None:
    assert [part.shown for part in render(text)] == [shown]


@pytest.mark.parametrize("piece", ["dsc.gg/a ", "discord.gg/a ", "<@1>", "](a:", "```x", "-# \n", "`", "e\u0301" * 99])
def test_what_grows_when_it_is_shown_still_fills_its_messages(piece: str) -> None:
    for count in (150, 230, 300, 3000):
        parts = render(piece * count)
        assert len(parts) <= MOST_PARTS + 1
        assert all(length(part.shown) > 600 for part in parts[:-2])


def test_what_takes_too_many_messages_is_cut_and_that_is_said() -> None:
    text = "A sentence. " * 5000
    parts = render(text, small("read 2 of 9 messages"))
    assert [len(part.raw) > 1900 for part in parts] == [True] * MOST_PARTS + [False]
    assert parts[-1] == Part("", f"-# {CUT_SHORT}\n-# read 2 of 9 messages")
    assert text.startswith("".join(part.raw for part in parts))


def test_long_code_is_closed_and_opened_again_with_its_language() -> None:
    code = "".join(f"print({number})\n" for number in range(300))
    parts = render(f"Here it is:\n\n```python\n{code}```\nDone.")
    assert len(parts) > 1
    assert parts[0].shown.startswith("Here it is:\n\n```python\nprint(0)")
    assert parts[0].shown.endswith("\n```")
    assert all(part.shown.startswith("```python\nprint(") for part in parts[1:])
    assert parts[-1].shown.endswith("```\nDone.")
    lines = [line for part in parts for line in part.shown.split("\n") if line.startswith("print")]
    assert lines == code.split("\n")[:-1]


def test_a_block_that_would_be_divided_late_begins_the_next_message() -> None:
    text = "word " * 300 + "\n```js\n" + "let a = 1;\n" * 60 + "```"
    parts = render(text)
    assert parts[1].shown.startswith("```js\nlet a")


def test_an_unfinished_block_looks_finished() -> None:
    assert render("See:\n```python\nx = 1")[0].shown == "See:\n```python\nx = 1\n```"
    assert render("See:\n```python\nx = 1\n``")[0].shown == "See:\n```python\nx = 1\n```"
    assert render("See:\n```python\n")[0].shown == "See:"


def test_a_backtick_at_the_end_of_a_line_of_divided_code_is_kept() -> None:
    code = "const a = `x`\n" * 300
    shown = "".join(part.shown for part in render(f"```js\n{code}```"))
    assert shown.count("`x`") == 300


def test_paragraphs_are_preferred_borders() -> None:
    parts = render("a" * 1500 + "\n\n" + "b" * 1000)
    assert [part.shown for part in parts] == ["a" * 1500, "b" * 1000]


@pytest.mark.parametrize("cluster", ["👨‍👩‍👧", "🇩🇪", "e\u0301", "👍🏽", "각"])
def test_no_visible_character_is_divided(cluster: str) -> None:
    for offset in range(4):
        parts = render("x" * offset + cluster * 900)
        assert all(len(part.raw) % len(cluster) == 0 for part in parts[1:])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@everyone", "@\u200beveryone"),
        ("hi @Here!", "hi @\u200bHere!"),
        ("<@42> <@!42> <@&7>", "<\u200b@42> <\u200b@!42> <\u200b@&7>"),
        ("[a](https://b.c)", "[a] (https://b.c)"),
        ("[a]( <https://b.c>)", "[a] ( <https://b.c>)"),
        ("list[0](call)", "list[0](call)"),
        ("https://discord.gg/abc-1 now", "(invite link removed) now"),
        ("discord.com/invite/abc", "(invite link removed)"),
        ("DISCORDAPP.com/invite/abc", "(invite link removed)"),
        ("```\n<@1> [a](https://b.c) f[0](x)\n```", "```\n<\u200b@1> [a]\u200b(https://b.c) f[0](x)\n```"),
        ("\\```[a](https://b.c)```", "\\```[a]\u200b(https://b.c)```"),
        ("```\n```X```[a](https://b.c)", "```\n```X```[a]\u200b(https://b.c)"),
        ("[a](https://x)```js\n[a](https://b.c)", "[a] (https://x)```js\n[a]\u200b(https://b.c)"),
        ("[a](https\\://b.c)", "[a] (https\\://b.c)"),
        ("-# forged", "\\-# forged"),
        ("a\n> - -# forged", "a\n> - \\-# forged"),
        ("\\-# shown\n#-# not", "\\-# shown\n#-# not"),
        ("```\n-# haml\n```", "```\n-\u200b# haml\n```"),
        ("mail ada@example.org", "mail ada@example.org"),
        ("bell\x07 and \ud800lone", "bell and lone"),
    ],
)
def test_neutralize(text: str, shown: str) -> None:
    assert neutralize(text) == shown


def test_a_remark_goes_under_the_answer_and_is_found_again() -> None:
    parts = render("The answer.", small("read 2 of 9 messages"))
    assert parts == [Part("The answer.", "The answer.\n-# read 2 of 9 messages")]
    assert without_remarks(parts[0].shown) == "The answer."


def test_a_remark_that_does_not_fit_is_a_message_of_its_own() -> None:
    parts = render("a" * 1995, small("cut short"))
    assert [part.raw for part in parts] == ["a" * 1995, ""]
    assert parts[1].shown == "-# cut short"


def test_a_remark_without_an_answer_stands_alone() -> None:
    assert render(" ", small("stopped")) == [Part("", "-# stopped")]


@pytest.mark.parametrize(
    ("text", "complete"),
    [("Hello", False), ("Hello there.", True), ("Hello there. And", True), ("1. ", False), ("one\ntwo", True)],
)
def test_has_sentence(text: str, complete: bool) -> None:
    assert has_sentence(text) is complete
