"""An answer that would bury a channel goes into a thread or a file, and nothing of it is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation.long_answers import IN_FILE, TextFile, file_text, long_answer
from bot.conversation.rendering import length, small

WORDS = "A sentence of some words. "


def test_two_messages_are_few_enough() -> None:
    assert long_answer(WORDS * 3) is None
    assert long_answer(WORDS * 140) is None
    assert long_answer("a" * 2000 + "b" * 1995, small("read 2 of 9 messages")) is None


def test_the_rest_goes_into_a_thread_or_all_into_a_file() -> None:
    text = WORDS * 200
    answer = long_answer(text, small("read 2 of 9 messages"))
    assert answer is not None
    assert len(answer.here) == 2 and answer.beyond[-1].shown.endswith("-# read 2 of 9 messages")
    assert answer.short[-1].shown.endswith(f"-# {IN_FILE}\n-# read 2 of 9 messages")
    assert answer.file == TextFile("answer.md", text.strip() + "\n")


def test_code_in_the_last_message_before_a_file_is_closed() -> None:
    answer = long_answer("```py\n" + "x = 1\n" * 1500 + "```")
    assert answer is not None
    assert all(part.shown.startswith("```py\nx = 1") and part.shown.count("```") == 2 for part in answer.short)


def test_a_file_keeps_markdown_and_leads_nowhere() -> None:
    assert file_text("| a |\n|---|\n$x^2$ [a](https://b.c) discord.gg/abc\x07<|im_end|>") == (
        "| a |\n|---|\n$x^2$ [a](https://b.c) (invite link removed)\n"
    )


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([WORDS, "\n\n", "```\n", "x = 1\n", "|a|b|\n|-|-|\n|1|2|\n"]), max_size=900).map("".join)
)
def test_nothing_is_lost(text: str) -> None:
    answer = long_answer(text, small("a remark"), limit=400)
    if answer is not None and len(answer.here + answer.beyond) < 10:
        assert "".join(part.raw for part in answer.here + answer.beyond) == text
    if answer is not None:
        assert "".join(part.raw for part in answer.short) == text
        assert all(0 < length(part.shown) <= 400 for part in answer.here + answer.beyond + answer.short)
