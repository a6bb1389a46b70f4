"""Any conversation is brought into the shape that a template takes, and every text of it stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.prompt import OPENING
from llm.worker.manners import GO_ON, STRICT, Manners, Message, adapt, shapes

TURNS = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["system", "user", "assistant"]),
    st.text("ab \n", max_size=6),
)
MANNERS = st.builds(
    Manners, st.sampled_from(["anywhere", "first", "never"]), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)


def turns(*pairs: tuple[str, str]) -> list[Message]:
    return [{"role": role, "content": content} for role, content in pairs]


@given(st.lists(TURNS, max_size=10), MANNERS)
def test_no_text_is_lost_and_each_roles_order_stays(messages: list[Message], manners: Manners) -> None:
    adapted = adapt(messages, manners)
    for role in ("user", "assistant"):
        whole = "\n".join(turn["content"] for turn in adapted if turn["role"] == role)
        place = 0
        for message in messages:
            if message["role"] == role and message["content"].strip():
                place = whole.index(message["content"], place) + len(message["content"])
    everything = "\n".join(turn["content"] for turn in adapted)
    assert all(message["content"].strip() in everything for message in messages)


@given(st.lists(TURNS, max_size=10))
def test_strictly_it_is_turns_from_a_users_to_a_users(messages: list[Message]) -> None:
    roles = [turn["role"] for turn in adapt(messages, STRICT)]
    assert roles == [("user", "assistant")[place % 2] for place in range(len(roles))]
    assert roles[-1] == "user"
    assert all(turn["content"].strip() for turn in adapt(messages, STRICT))


@given(st.lists(TURNS, max_size=10))
def test_what_understands_everything_gets_it_as_it_is(messages: list[Message]) -> None:
    assert adapt(messages, Manners()) == messages


@given(st.lists(TURNS, min_size=1, max_size=8), MANNERS, st.text("xy", min_size=1, max_size=4))
def test_a_conversation_that_grows_keeps_its_prefix(messages: list[Message], manners: Manners, said: str) -> None:
    """The worker's prefix cache lives from this."""
    asked = [*messages, *turns(("user", "so?"))]
    before, after = adapt(asked, manners), adapt([*asked, *turns(("assistant", said), ("user", said))], manners)
    assert after[: len(before)] == before


@pytest.mark.parametrize(
    ("manners", "messages", "expected"),
    [
        (
            Manners(systems="first"),
            turns(("user", "a"), ("system", "S1"), ("user", "b"), ("system", "S2")),
            turns(("system", "S1\n\nS2"), ("user", "a"), ("user", "b")),
        ),
        (
            Manners(systems="never"),
            turns(("system", "S"), ("assistant", "hi"), ("user", "a")),
            turns(("assistant", "hi"), ("user", "S\n\na")),
        ),
        (Manners(systems="never"), turns(("system", "S")), turns(("user", "S"))),
        (Manners(alternates=True), turns(("user", "a"), ("user", "b")), turns(("user", "a\nb"))),
        (
            Manners(alternates=True),
            turns(("system", "S"), ("system", "T"), ("user", "b")),
            turns(("system", "S"), ("system", "T"), ("user", "b")),
        ),
        (
            Manners(user_first=True),
            turns(("system", "S"), ("assistant", "hi")),
            turns(("system", "S"), ("user", OPENING), ("assistant", "hi")),
        ),
        (Manners(user_first=True), turns(("system", "S")), turns(("system", "S"), ("user", OPENING))),
        (
            Manners(user_last=True),
            turns(("user", "a"), ("assistant", "b")),
            turns(("user", "a"), ("assistant", "b"), ("user", GO_ON)),
        ),
        (Manners(needs_text=True), turns(("user", " "), ("user", "a")), turns(("user", "a"))),
        (STRICT, [], turns(("user", OPENING))),
    ],
)
def test_shapes(manners: Manners, messages: list[Message], expected: list[Message]) -> None:
    assert adapt(messages, manners) == expected


def test_the_last_shape_to_try_is_the_strictest_with_the_templates_own_form() -> None:
    found, *_, last = shapes(Manners(parts=True, header="<|assistant|>"))
    assert found == Manners(parts=True, header="<|assistant|>")
    assert last == Manners("never", True, True, True, True, parts=True, header="<|assistant|>")
