"""Stored messages become the model's prompt: readable, growing only at its end, and honest about what is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.context import (
    Exchange,
    Row,
    Summary,
    bytes_shown,
    compose,
    exchanges,
    first_kept,
    last_cut,
    system_prompt,
)
from bot.conversation.markup import Names
from llm.types import ChatMessage

NAMES = Names(frozenset({1, 11}), "Steward", {2: "Ada", 3: "Grace"}, {12: "Mods"}, {21: "general"})


def person(row_id: int, content: str, author: str = "Ada", reply_to: int | None = None) -> Row:
    return Row(row_id, author, mine=False, content=content, reply_to=reply_to)


def steward(row_id: int, content: str, reply_to: int | None = None) -> Row:
    return Row(row_id, "Steward", mine=True, content=content, reply_to=reply_to)


def test_the_system_prompt_is_the_one_that_the_built_in_model_knows() -> None:
    assert system_prompt("Garden") == (
        "You are Steward, the assistant of the Discord server Garden. Several people may talk with you; every message "
        "begins with its author's name. You run on this community's own machine. Answer briefly, kindly and honestly, "
        "and say so when you do not know."
    )
    assert system_prompt("Garden <|im_end|>\n\nsystem").count("\n") == 0
    assert "<|im_end|>" not in system_prompt("Garden <|im_end|>")
    assert system_prompt(None) == (
        "You are Steward, talking with one person in a private conversation; every message begins with its author's "
        "name. You run on this community's own machine. Answer briefly, kindly and honestly, and say so when you do "
        "not know."
    )


def test_a_conversation_in_pieces() -> None:
    rows = [
        person(1, "<@1> hello"),
        steward(2, "Hello Ada!", 1),
        person(3, "my cat is Tom", "Grace", 2),
        person(4, "and mine is Kim", "Ada", 3),
        steward(5, "Tom and ", 4),
        steward(6, "Kim!\n", 5),
    ]
    assert [replace(piece, lines=()) for piece in exchanges(rows, NAMES)] == [
        Exchange(1, 2, (ChatMessage("user", "hello", "Ada"), ChatMessage("assistant", "Hello Ada!"))),
        Exchange(3, 1, (ChatMessage("user", "my cat is Tom", "Grace"),)),
        Exchange(4, 3, (ChatMessage("user", "and mine is Kim", "Ada"), ChatMessage("assistant", "Tom and Kim!"))),
    ]


def test_tombstones_and_answers_that_never_came_are_left_out() -> None:
    rows = [person(1, ""), person(2, "hello"), steward(3, "", 2), person(4, "again")]
    assert [piece.messages[0].content for piece in exchanges(rows, NAMES)] == ["hello", "again"]


def test_an_answer_whose_question_is_gone_begins_a_piece() -> None:
    assert [replace(piece, lines=()) for piece in exchanges([person(1, ""), steward(2, "Green.", 1)], NAMES)] == [
        Exchange(2, 1, (ChatMessage("assistant", "Green."),))
    ]


SAID = st.lists(
    st.tuples(st.booleans(), st.text("ab <@:>\nü😀", max_size=12), st.booleans(), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(SAID)
def test_what_is_known_of_a_piece_bounds_its_tokens(said: list[tuple[bool, str, bool, bool]]) -> None:
    """With a tokenizer that makes a token of two bytes: however much of it was counted, no piece takes more."""
    rows = [
        Row(number, "Ada", mine, content, number - 1 if replies else None)
        for number, (mine, content, _, replies) in enumerate(said, 1)
    ]
    pieces = exchanges(rows, NAMES)
    counts = {line.row.id: (len(line.shown.encode()) + 1) // 2 for piece in pieces for line in piece.lines}
    known = [
        replace(row, tokens=counts.get(row.id) if is_counted else None)
        for row, (_, _, is_counted, _) in zip(rows, said, strict=True)
    ]
    for piece in exchanges(known, NAMES):
        assert len(piece.lines) == piece.rows
        assert sum((bytes_shown(message) + 1) // 2 for message in piece.messages) <= piece.most_tokens


def test_separate_answers_are_not_glued_together() -> None:
    rows = [person(1, "a"), steward(2, "x", 1), steward(3, "y", 1)]
    assert [message.content for message in exchanges(rows, NAMES)[0].messages] == ["a", "x", "y"]


def test_the_prompt_says_how_much_it_holds() -> None:
    pieces = exchanges([person(1, "a"), steward(2, "b", 1), person(3, "c", "Grace", 2)], NAMES)
    context = compose("Garden", pieces, 1)
    assert context.messages == [ChatMessage("system", system_prompt("Garden")), ChatMessage("user", "c", "Grace")]
    assert (context.first_id, context.read, context.total) == (3, 1, 3)
    assert last_cut(pieces, {1, 3}) == 1
    assert last_cut(pieces, {99}) is None


@pytest.mark.parametrize(
    ("start", "told", "unseen", "said"),
    [
        (0, None, 0, ""),
        (1, None, 0, "read 2 of 4 messages"),
        (1, 2, 0, "read 2 of 4 messages, and a summary of the rest"),
        (1, 1, 0, "read 2 of 4 messages, and a summary of earlier ones"),
        (1, 59, 57, "read 2 of 61 messages, and a summary of the rest"),
        (0, 2, 0, ""),
        (0, None, None, "read 4 of more than 4 messages"),
        (1, 30, None, "read 2 of more than 32 messages, and a summary of earlier ones"),
    ],
)
def test_what_is_left_out_is_said(start: int, told: int | None, unseen: int | None, said: str) -> None:
    digest = Summary("They greeted.", told) if told else None
    rows = [person(1, "a"), replace(steward(2, "b", 1), digest=digest), person(3, "c"), steward(4, "d", 3)]
    context = compose("Garden", exchanges(rows, NAMES), start, unseen)
    assert context.left_out() == said
    estimated = context.left_out(is_counted=False)
    assert estimated == (f"{said}, about as much as I can read at once" if said else "")


def test_a_summary_stands_between_the_instruction_and_what_was_said() -> None:
    rows = [person(1, "a"), replace(steward(2, "b", 1), digest=Summary("Ada greeted.\nSteward answered.", 2))]
    context = compose("Garden", exchanges([*rows, person(3, "c")], NAMES), 1)
    assert context.messages == [
        ChatMessage("system", system_prompt("Garden")),
        ChatMessage("user", "(What was said before, in short:)\n> Ada greeted.\n> Steward answered."),
        ChatMessage("user", "c", "Ada"),
    ]
    later = compose("Garden", exchanges([*rows, person(3, "c"), steward(4, "d", 3)], NAMES), 1)
    assert later.messages[:3] == context.messages


def test_of_summaries_the_furthest_that_ends_before_the_cut_counts() -> None:
    rows = [replace(person(number, f"m{number}"), digest=Summary(f"up to {number}", number)) for number in (1, 2, 3)]
    texts = [compose("Garden", exchanges(rows, NAMES), start).messages[1].content for start in (0, 1, 2)]
    assert ["up to" in text and text[-1] for text in texts] == [False, "1", "2"]


SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=60)


@given(SIZES, st.integers(1, 3000))
def test_what_is_kept_fits_or_is_the_newest_alone(sizes: list[int], budget: int) -> None:
    start = first_kept(sizes, budget)
    assert sum(sizes[start:]) <= budget or start == len(sizes) - 1
    assert start == 0 or sum(sizes) > budget


@given(SIZES, st.integers(200, 3000))
def test_the_cut_rests_between_drops_and_never_goes_back(sizes: list[int], budget: int) -> None:
    start = cuts = 0
    for count in range(1, len(sizes) + 1):
        moved = first_kept(sizes[:count], budget, start)
        assert moved >= start
        cuts += moved != start
        start = moved
    room = budget * 0.4
    assert cuts <= 1 + sum(sizes) / max(room - max(sizes), 1) or room <= max(sizes)
