"""What the built-in model's template repeats before a question: notes of whom it is about; the same in Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from llm.training.chat.conversation import Turn
from llm.training.chat.corpus import RIVALS, SHORT, conversations
from llm.training.chat.recalling import LINES, NOTES, Told, recalled
from llm.training.chat.tokenizer import ASSISTANT, SYSTEM, encode, for_transformers, mark, train_tokenizer

TOLD: list[Told] = [
    (["Ada: my favourite colour is green"], "green"),
    (["Ben: mine is blue"], "blue"),
    (["Ada: I live in Bern", "Ben: is it nice there?"], "Bern"),
    (["Cleo: Ben has a dog"], "dog"),
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(conversations("tokenizer", 40, SHORT), 512)


@pytest.fixture(scope="module")
def wrapped(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return for_transformers(tokenizer)


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        ("Ada: which colour do I like?", ["green", "Bern"]),
        ("Ben: which colour do I like?", ["blue", "dog"]),
        ("Ada: what is Ben's favourite colour?", ["blue", "dog"]),
        ("Ada: whats bens favourite colour", ["blue", "dog"]),
        ("Cleo: WHERE DOES ADA LIVE", ["green", "Bern"]),
        ("Dora: which colour do I like?", []),
        ("Dora: have you seen Benjamin?", []),
    ],
)
def test_the_notes_are_of_whom_the_question_is_about(newest: str, expected: list[str]) -> None:
    assert recalled(TOLD, newest) == expected


def test_where_nobody_has_a_name_everything_counts() -> None:
    assert recalled([(["I like tea"], "tea"), (["and I live in Bern"], "Bern")], "what do I like?") == ["tea", "Bern"]


def test_questions_and_long_answers_stay_out_and_only_the_last_few_come() -> None:
    told: list[Told] = [(["Ada: who are you?"], "Steward"), (["Ada: a story"], "long " * 50)]
    told += [(["Ada: so where do I live"], "You have not told me.")]
    told += [([f"Ada: fact {number}"], str(number)) for number in range(10)]
    assert recalled(told, "Ada: what did I say?") == [str(number) for number in range(10)][-NOTES:]


def test_only_the_first_lines_of_a_message_are_looked_at(wrapped: PreTrainedTokenizerFast) -> None:
    pasted = "\n".join(["Ben: see this", *[""] * LINES, "Ada: my favourite colour is green"])
    talk = [("user", pasted), ("assistant", "Noted."), ("user", "Ada: which colour do I like?")]
    messages = [{"role": role, "content": content} for role, content in talk]
    assert recalled([(pasted.split("\n"), "Noted.")], talk[-1][1]) == []
    assert f"{SYSTEM} Noted." not in wrapped.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def test_the_template_repeats_them_once_before_the_newest_message(wrapped: PreTrainedTokenizerFast) -> None:
    turns = [("user", TOLD[0][0][0]), ("assistant", "Noted: green."), ("user", TOLD[1][0][0]), ("assistant", "Blue.")]
    messages = [{"role": role, "content": content} for role, content in turns]
    asked = [*messages, {"role": "user", "content": "Ada: which colour do I like?"}]
    text = wrapped.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert text.endswith(f"{SYSTEM} Noted: green.<|end|><|user|> Ada: which colour do I like?<|end|>{ASSISTANT}")
    assert text.startswith(wrapped.apply_chat_template(messages, tokenize=False)), "what came before stays as it was"


def test_an_answer_whose_notes_were_left_out_is_not_learned(tokenizer: Tokenizer) -> None:
    talk = next(iter(conversations("rivals", 1, RIVALS)))
    everything, fair, unfair = (
        sum(encode(tokenizer, talk, recalls)[1]) for recalls in (None, lambda: True, lambda: False)
    )
    assert everything == fair > unfair > 0


WORDS = st.sampled_from(
    ["Ada", "Al", "J. R.", "always", "tea", "I", "like", "?", "!", ",", ": ", "(Al)", "ada's", "als"]
)
LINE = st.one_of(
    st.lists(WORDS, min_size=1, max_size=8).map(" ".join),
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1),
)


@given(st.lists(st.lists(LINE, min_size=1, max_size=3).map("\n".join), min_size=1, max_size=6))
@settings(deadline=None)
def test_training_sees_what_the_template_renders(
    tokenizer: Tokenizer, wrapped: PreTrainedTokenizerFast, said: list[str]
) -> None:
    talk = [turn for text in said for turn in (Turn("user", text), Turn("assistant", "Noted."))][:-1]
    told: list[Told] = [(text.split("\n"), "Noted.") for text in said[:-1]]
    noted = [bool(recalled(told[:number], text.split("\n")[-1])) for number, text in enumerate(said)]
    places = iter([False] * (sum(noted) - noted[-1]) + [True])
    ids, _ = encode(tokenizer, talk, lambda: next(places))
    messages = [{"role": turn.role, "content": turn.content} for turn in talk]
    rendered = wrapped.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    if "<|" not in "".join(said):
        assert rendered == [*ids, mark(tokenizer, ASSISTANT)]
