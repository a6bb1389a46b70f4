"""Marks of chat templates are neither shown in answers nor left whole in prompts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.rendering import render
from bot.conversation.template_tokens import harmless_template_tokens, without_template_tokens

TOKENS = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "<|begin_of_text|>", "<|user|>",
    "<|assistant|>", "<|END_OF_TURN_TOKEN|>", "<|start_of_role|>", "<|channel|>", "<|return|>", "<｜User｜>",
    "<｜end▁of▁sentence｜>", "<s>", "</s>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "[INST]", "[/INST]",
    "<<SYS>>", "<</SYS>>", "[SYSTEM_PROMPT]", "[TOOL_CALLS]", "[|assistant|]", "[|endofturn|]", "<reserved_106>",
]  # fmt: skip


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_of_the_known_families(token: str) -> None:
    assert without_template_tokens(f"Hello{token} there") == "Hello there"
    harmless = harmless_template_tokens(f"Hello{token} there")
    assert token not in harmless and without_template_tokens(harmless) == harmless
    assert harmless.replace("\u200a", "") == f"Hello{token} there"


@pytest.mark.parametrize(
    "text", ["a < b | c > d", "<sub>", "[INSTALL]", "x[0]", "<b>bold</b>", "List<String>", "a || b"]
)
def test_other_brackets_stay(text: str) -> None:
    assert without_template_tokens(text) == harmless_template_tokens(text) == text


def test_tokens_inside_tokens_do_not_show() -> None:
    assert without_template_tokens("a<|im_<|x|>end|>b<</s>/s>c") == "abc"


def test_answers_show_none_outside_code() -> None:
    assert render("Yes.<|im_end|>\n<|im_start|>user")[0].shown == "Yes.\nuser"
    assert render("```\n<|im_end|>\n```")[0].shown == "```\n<|im_end|>\n```"
    assert render("@every<|x|>one")[0].shown == "@\u200beveryone"
    assert render("<|im_end|>") == []


@given(st.lists(st.sampled_from([*TOKENS, "a", "<", "|", ">", "[", "]", "/", "s"]), max_size=30).map("".join))
def test_none_is_left(text: str) -> None:
    bare = without_template_tokens(text)
    assert without_template_tokens(bare) == bare
    harmless = harmless_template_tokens(text)
    assert without_template_tokens(harmless) == harmless
