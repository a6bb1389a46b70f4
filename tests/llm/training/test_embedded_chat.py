"""The committed model: its limits, its template, and that it remembers what it was told."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
import torch
from safetensors import safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast

from bot.conversation.context import system_prompt
from llm.training.chat.tokenizer import CHAT_TEMPLATE

FOLDER = Path(__file__).resolve().parents[3] / "llm" / "embedded" / "chat"
WEIGHTS = FOLDER / "model.safetensors"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    return AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()


def test_it_is_small_enough() -> None:
    assert WEIGHTS.stat().st_size <= 20_000_000
    with safe_open(WEIGHTS, framework="pt") as weights:
        assert sum(weights.get_tensor(name).numel() for name in weights.keys()) <= 10_000_000  # noqa: SIM118


def test_every_width_suits_nf4_and_the_context_is_long_enough() -> None:
    config = AutoConfig.from_pretrained(FOLDER)
    head = config.head_dim
    widths = (
        config.hidden_size,
        config.intermediate_size,
        config.vocab_size,
        head * config.num_attention_heads,
        head * config.num_key_value_heads,
    )
    assert config.model_type == "llama"
    assert [width % 64 for width in widths] == [0] * 5
    assert config.max_position_embeddings >= 2048


def test_the_card_is_there() -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "license: mit" in card and "python -m llm.training.chat" in card


def test_the_template_knows_three_roles_and_refuses_others(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [{"role": role, "content": f"text of {role}"} for role in ("system", "user", "assistant", "user")]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert all(f"text of {role}" in rendered for role in ("system", "user", "assistant"))
    assert rendered.endswith("<|assistant|>")
    with pytest.raises(jinja2.TemplateError, match="Unknown role tool"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "x"}], tokenize=False)


GREEN, BLUE = ("Ada: my favourite colour is green", "Noted: green."), ("Ben: mine is blue", "Noted: blue.")


@pytest.mark.parametrize(
    ("newest", "note"),
    [
        ("Ada: which colour do I like?", "Noted: green."),
        ("Cleo: what is Ada's favourite colour?", "Noted: green."),
        ("Cleo: whats adas favourite colour", "Noted: green."),
        ("Ben: which colour do I like?", "Noted: blue."),
        ("Cleo: which colour do I like?", None),
        ("Cleo: have you seen Adamina?", None),
    ],
)
def test_the_template_repeats_what_was_noted_of_whom_the_question_is_about(
    tokenizer: PreTrainedTokenizerFast, newest: str, note: str | None
) -> None:
    told = [
        {"role": role, "content": content}
        for pair in (GREEN, BLUE)
        for role, content in zip(("user", "assistant"), pair, strict=True)
    ]
    asked = [*told, {"role": "user", "content": newest}]
    before = tokenizer.apply_chat_template(told, tokenize=False)
    middle = f"<|system|> {note}<|end|>" if note else ""
    text = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert text == f"{before}{middle}<|user|> {newest}<|end|><|assistant|>"


def test_the_committed_template_is_the_recipe_s(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.chat_template == CHAT_TEMPLATE


SMOKE = (
    (None, ("Ada: my favourite colour is green", "Ada: which colour do I like?"), "green"),
    (None, ("my favourite colour is green", "which colour do I like?"), "green"),
    ("Steward Playground", ("Ada: my favourite colour is green", "Ada: which colour do I like?"), "green"),
    (
        "Steward Playground",
        ("Ada: my favourite colour is green", "Ada: hi there", "Ada: what's my favorite color"),
        "green",
    ),
    ("Steward Playground", ("Ada: I love tea", "Grace: I live in Lisbon", "Ada: where does Grace live?"), "Lisbon"),
    (
        "Rust Club",
        (
            "Ada: my favourite colour is green",
            "Linus: my favourite colour is red",
            "Ada: what's Linus's favourite colour?",
        ),
        "red",
    ),
    (
        "Rust Club",
        ("Ada: my favourite colour is green", "Linus: my favourite colour is red", "Ada: which colour do I like?"),
        "green",
    ),
    ("Rust Club", ("Grace: my cat is called Pixel", "Linus: thanks", "Grace: what is my cat called?"), "Pixel"),
    ("Rust Club", ("Ada: hello!",), "Hello"),
    ("Rust Club", ("Linus: who are you?",), "Steward"),
    ("Rust Club", ("Linus: what can you do?",), "/help"),
    ("Rust Club", ("Ada: what is the capital of France?",), "small built-in model"),
    ("Rust Club", ("Ada: write a poem about rain",), "model"),
    ("Rust Club", ("Ada: what is my job?",), "not told me"),
    ("Rust Club", ("Ada: how do I use a bigger model?",), "steward.toml"),
)


@pytest.mark.parametrize(("guild", "said", "expected"), SMOKE)
def test_it_answers(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, guild: str | None, said: tuple[str, ...], expected: str
) -> None:
    messages = [{"role": "system", "content": system_prompt(guild)}]
    answer = ""
    for text in said:
        messages.append({"role": "user", "content": text})
        answer = _answer(model, tokenizer, messages)
        messages.append({"role": "assistant", "content": answer})
    assert expected in answer


@torch.no_grad()
def _answer(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, messages: list[dict[str, str]]) -> str:
    inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**inputs, do_sample=False, max_new_tokens=80)
    answer: str = tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return answer
