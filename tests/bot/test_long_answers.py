"""An answer that would bury a channel goes into a file, and nothing of it is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation.buttons import Button
from bot.conversation.layout import layout
from bot.conversation.long_answers import COMING, IN_FILE, TextFile, file_text, long_answer, without_file_remark
from bot.conversation.rendering import length, small

WORDS = "A sentence of some words. "


def test_two_messages_are_few_enough() -> None:
    assert long_answer(WORDS * 3) is None
    assert long_answer(WORDS * 140) is None
    assert long_answer("a" * 2000 + "b" * 1995, small("read 2 of 9 messages")) is None


def test_all_of_a_longer_one_goes_into_a_file() -> None:
    text = WORDS * 200
    answer = long_answer(text, small("read 2 of 9 messages"))
    assert answer is not None and len(answer.parts) == 2
    assert answer.parts[-1].shown.endswith(f"-# {IN_FILE}\n-# read 2 of 9 messages")
    assert answer.file == TextFile("answer.md", text.strip() + "\n")


def test_while_it_is_being_written_there_is_no_file_yet() -> None:
    answer = long_answer(WORDS * 200, is_whole=False)
    assert answer is not None and answer.file is None
    assert answer.parts[-1].shown.endswith(f"-# {COMING}")
    assert without_file_remark(f"{small(COMING)}\n-# a remark\n{small(IN_FILE)}") == "-# a remark"


def test_code_in_the_last_message_before_a_file_is_closed() -> None:
    answer = long_answer("```py\n" + "x = 1\n" * 1500 + "```")
    assert answer is not None
    assert all(part.shown.startswith("```py\nx = 1") and part.shown.count("```") == 2 for part in answer.parts)


def test_a_file_keeps_markdown_and_leads_nowhere() -> None:
    assert file_text("| a |\n|---|\n$x^2$ [a](https://b.c) discord.gg/abc\x07<|im_end|>") == (
        "| a |\n|---|\n$x^2$ [a](https://b.c) (invite link removed)\n"
    )


def test_its_messages_while_it_grows_and_at_its_end() -> None:
    buttons = (Button("Stop", "stop"),)
    growing = layout(WORDS * 200, "", buttons, is_whole=False, may_attach=True)
    assert [(state.buttons, state.file) for state in growing] == [((), None), (buttons, None)]
    assert layout(WORDS * 300, "", buttons, is_whole=False, may_attach=True)[0] == growing[0]
    assert growing[1].part.shown.endswith(small(COMING))
    whole = layout(WORDS * 200, "", buttons, is_whole=True, may_attach=True)
    assert whole[1].file is not None and len(whole) == 2
    assert len(layout(WORDS * 200, "", buttons, is_whole=True, may_attach=False)) == 3
    assert layout(" ", "", buttons, is_whole=True, may_attach=True) == []


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([WORDS, "\n\n", "```\n", "x = 1\n", "|a|b|\n|-|-|\n|1|2|\n"]), max_size=900).map("".join)
)
def test_nothing_is_lost(text: str) -> None:
    answer = long_answer(text, small("a remark"), limit=400)
    if answer is not None:
        assert "".join(part.raw for part in answer.parts) == text
        assert all(0 < length(part.shown) <= 400 for part in answer.parts)
