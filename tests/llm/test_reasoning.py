"""What a model thinks and what it says come apart, whatever the pieces in which the text arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.reasoning import FORMS, HARMONY, MARKED, THINK, Form, ReasoningSplitter, Said, split, undecided

TALK = "<|start|>assistant<|channel|>"
CASES = [
    ("Hello.", "", "Hello."),
    ("  as it is \n", "", "  as it is \n"),
    ("", "", ""),
    ("<think>hm</think>Yes.", "hm", "Yes."),
    ("\n<think>\nhm\n</think>\n\n Yes.\n", "hm\n", "Yes.\n"),
    ("<think>\n\n</think>\n\nYes.", "", "Yes."),
    ("</think>\n\nYes.", "", "Yes."),  # the prompt had opened and the model closed at once
    ("<think>one</think>\n<think>two</think>\nYes.", "onetwo", "Yes."),
    ("<think>no end", "no end", ""),
    ("<think>hm</thin", "hm</thin", ""),
    ("<think><think>hm</think>Yes.", "hm", "Yes."),
    ("<think>a < b and </b> too</think>Yes.", "a < b and </b> too", "Yes."),
    ("<think>hm</think>\n<answer>\nYes.\n</answer>", "hm", "Yes.\n"),
    ("<think>hm</think><response>Yes.</response>", "hm", "Yes."),
    ("<answer>Yes.</answer>", "", "<answer>Yes.</answer>"),  # without reasoning before it, it is just text
    ("<thi", "", "<thi"),
    ("<thing>", "", "<thing>"),
    ("Write <think> and </think>, then go on.", "", "Write <think> and </think>, then go on."),
    ("<thought>hm</thought>Yes.", "hm", "Yes."),
    ("[THINK]hm[/THINK]Yes.", "hm", "Yes."),
    ("<seed:think>hm</seed:think>Yes.", "hm", "Yes."),
    ("◁think▷hm◁/think▷Yes.", "hm", "Yes."),
    ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>", "hm", "Yes."),
    ("<|START_RESPONSE|>Yes.<|END_RESPONSE|>", "", "Yes."),
    ("<|inner_prefix|>hm<|inner_suffix|>Yes.", "hm", "Yes."),
    ("<|channel>thought\nhm<channel|>Yes.", "hm", "Yes."),
    ("<|channel>hm<channel|>Yes.", "hm", "Yes."),
    (f"<|channel|>analysis<|message|>hm<|end|>{TALK}final<|message|>Yes.<|return|>", "hm", "Yes."),
    ("<|channel|>final<|message|>Yes.", "", "Yes."),
    (
        f"<|channel|>analysis<|message|>hm<|end|>{TALK}commentary<|message|>so<|end|>{TALK}final<|message|>Yes.",
        "hmso",
        "Yes.",
    ),
    ("Here is my thought process:hm Here is my response:\nYes.", "hm ", "Yes."),
    ("Here's my thought process: hm Here's my response: Yes.", "hm ", "Yes."),
    ("Here is my advice: rest.", "", "Here is my advice: rest."),
]
PIECES = st.lists(
    st.one_of(
        st.sampled_from([mark for form in FORMS for mark in form.marks]), st.text("<>/|think [] \nab", max_size=8)
    ),
    max_size=12,
).map("".join)


def told(splitter: ReasoningSplitter, pieces: list[str]) -> tuple[str, str]:
    said = [*map(splitter.push, pieces), splitter.finish()]
    return "".join(piece.reasoning for piece in said), "".join(piece.text for piece in said)


@pytest.mark.parametrize(("text", "reasoning", "answer"), CASES)
def test_what_is_thought_and_what_is_said(text: str, reasoning: str, answer: str) -> None:
    assert split(text, FORMS) == Said(answer, reasoning)
    assert told(ReasoningSplitter(FORMS), list(text)) == (reasoning, answer)


@given(PIECES, st.integers(1, 9), st.sampled_from([None, THINK, HARMONY]), st.booleans())
def test_the_size_of_the_pieces_makes_no_difference(text: str, size: int, inside: Form | None, tokens: bool) -> None:
    anywhere = (HARMONY,) if tokens else ()
    whole = told(ReasoningSplitter(FORMS, inside, anywhere), [text])
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert told(ReasoningSplitter(FORMS, inside, anywhere), pieces) == whole


@given(st.text(max_size=60))
def test_text_without_marks_is_an_answer_as_it_stands(text: str) -> None:
    if not any(text.lstrip().startswith(mark) for form in FORMS for mark in form.marks):
        assert split(text, FORMS) == Said(text)


@given(PIECES)
def test_nothing_is_made_up_and_marks_of_tokens_never_show(text: str) -> None:
    reasoning, answer = told(ReasoningSplitter(MARKED, anywhere=MARKED), list(text))
    assert len(reasoning) + len(answer) <= len(text)
    assert not any(mark in answer for form in MARKED for mark in form.opens)


def test_no_word_is_held_back_longer_than_it_could_be_a_mark() -> None:
    splitter = ReasoningSplitter()
    assert splitter.push("He") == Said("He")
    assert splitter.push("llo <") == Said("llo <")
    thinking = ReasoningSplitter()
    assert thinking.push("<think>so </thi") == Said(reasoning="so ")
    assert thinking.is_inside
    assert thinking.push("s") == Said(reasoning="</this"[:6])


def test_a_prompt_that_has_opened_the_block() -> None:
    assert told(ReasoningSplitter(inside=THINK), ["\nhm", "\n</th", "ink>\n\n", "Yes."]) == ("hm\n", "Yes.")
    assert told(ReasoningSplitter(inside=THINK), ["<think>\nhm</think>Yes."]) == ("hm", "Yes.")


def test_a_block_in_the_middle_counts_where_only_tokens_write_its_marks() -> None:
    text = "First.<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>Then."
    assert told(ReasoningSplitter((HARMONY,), anywhere=(HARMONY,)), list(text)) == ("hm", "First.Then.")


def test_reasoning_whose_opening_was_never_sent_is_called_back() -> None:
    splitter = ReasoningSplitter(watches_unopened=True)
    said = [splitter.push(piece) for piece in ("I wonder", ".\n</th", "ink>", "\n\n", "Yes.")]
    assert said == [Said("I wonder"), Said("."), Said(), Said("", "", True), Said("Yes.")]


@pytest.mark.parametrize(
    "text", ["The mark `</think>` ends it.", "<b>\n</think> x", "Write\n<think>\nx\n</think>\nand so on."]
)
def test_who_writes_about_the_marks_is_not_called_back(text: str) -> None:
    splitter = ReasoningSplitter(watches_unopened=True)
    said = [*map(splitter.push, text), splitter.finish()]
    assert "".join(piece.text for piece in said) == text
    assert not any(piece.recalls for piece in said)


@pytest.mark.parametrize(
    ("text", "marks", "length"), [("ab<", ["<x"], 1), ("ab", ["<x"], 0), ("aab", ["aab"], 0), ("xaa", ["aab"], 2)]
)
def test_what_is_not_decided_yet(text: str, marks: list[str], length: int) -> None:
    assert undecided(text, marks) == length
