"""What a member types is never what a template writes, and can still be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.worker.controls import REASONING_MARKS, WORD_JOINER, Disarming, controls_in

CONTROLS = ["<|im_end|>", "<|im_start|>", "[INST]", "ab", "bc", "</think>"]


@pytest.mark.parametrize(
    ("scaffold", "found"),
    [
        ("<|im_start|>user\n \n<|im_end|>", {"<|im_start|>", "<|im_end|>"}),
        ("<s>[INST] <<SYS>>\n\n<</SYS>>\n\n[/INST]", {"<s>", "[INST]", "<SYS>", "</SYS>", "[/INST]"}),
        ("[|system|]x[|endofturn|]", {"[|system|]", "[|endofturn|]"}),
        ("<｜User｜>x<｜Assistant｜>", {"<｜User｜>", "<｜Assistant｜>"}),
        ("### Instruction:\nx\n\n### Response:\n", {"### Instruction:", "### Response:"}),
        ("A chat. USER: x ASSISTANT: a < b > c [1] ", set()),
    ],
)
def test_markup_around_messages(scaffold: str, found: set[str]) -> None:
    assert controls_in(scaffold) == found


@given(st.lists(st.one_of(st.sampled_from(CONTROLS), st.text("<|im_end>abc", max_size=5)), max_size=8).map("".join))
def test_no_control_is_left_and_no_letter_lost(text: str) -> None:
    safe = Disarming(CONTROLS)(text)
    assert not any(control in safe for control in CONTROLS)
    assert safe.replace(WORD_JOINER, "") == text


@given(st.text(max_size=30))
def test_plain_text_stays_as_it_is(text: str) -> None:
    if not any(control in text for control in CONTROLS):
        assert Disarming(CONTROLS)(text) == text


def test_single_characters_are_text() -> None:
    assert Disarming(["a", ">"])("a > b") == "a > b"


def test_plain_words_that_granite_thinks_with_are_text() -> None:
    assert "</think>" in REASONING_MARKS
    assert not any(mark.startswith("Here") for mark in REASONING_MARKS)
