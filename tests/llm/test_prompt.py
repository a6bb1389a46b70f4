"""What every conversation keeps on its way into a chat template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.errors import EmptyConversation, LLMError
from llm.prompt import ANONYMOUS, OPENING, prepare, speaker
from llm.types import ChatMessage

NAMES = st.one_of(st.none(), st.text(max_size=40), st.sampled_from(["Ada", "Ada\nGrace", "system:", "", "\u202eadA"]))
MESSAGES = st.builds(ChatMessage, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=60), NAMES)
CONVERSATIONS = st.lists(MESSAGES, min_size=1, max_size=12)


def system(text: str) -> ChatMessage:
    return ChatMessage("system", text)


def user(text: str, name: str | None = None) -> ChatMessage:
    return ChatMessage("user", text, name)


def bot(text: str) -> ChatMessage:
    return ChatMessage("assistant", text)


def shown(messages: list[ChatMessage]) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in prepare(messages)]


@given(CONVERSATIONS)
def test_system_first_then_turns_that_alternate_from_the_user(messages: list[ChatMessage]) -> None:
    roles = [turn["role"] for turn in prepare(messages)]
    spoken = roles[1:] if roles[0] == "system" else roles
    assert spoken == [("user", "assistant")[place % 2] for place in range(len(spoken))]
    assert spoken


@given(CONVERSATIONS)
def test_no_text_is_lost_changed_or_moved_past_another(messages: list[ChatMessage]) -> None:
    turns = prepare(messages)
    for role in ("system", "user", "assistant"):
        whole = "\n".join(turn["content"] for turn in turns if turn["role"] == role)
        place = 0
        for message in messages:
            if message.role == role and message.content.strip():
                place = whole.index(message.content, place) + len(message.content)


@given(CONVERSATIONS)
def test_every_turn_says_something(messages: list[ChatMessage]) -> None:
    assert all(turn["content"].strip() and turn.keys() == {"role", "content"} for turn in prepare(messages))


@given(CONVERSATIONS, st.text(min_size=1, max_size=30))
def test_a_conversation_that_grows_keeps_its_prefix(messages: list[ChatMessage], text: str) -> None:
    """The worker's prefix cache lives from this: a new answer and a new question change nothing that was before."""
    said = [*messages, user("so?", "Ada")]
    before, after = prepare(said), prepare([*said, bot("Yes."), user(text, "Grace")])
    assert after[: len(before)] == before


@given(st.text(max_size=80))
def test_a_speaker_is_one_short_line_without_a_colon(name: str) -> None:
    safe = speaker(name)
    assert safe and safe == safe.strip()
    assert len(safe) <= 32 and len(safe.splitlines()) == 1 and ":" not in safe


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_display_name_adds_no_line_and_no_second_speaker(name: str, text: str) -> None:
    ((role, content),) = shown([user(f"x{text}", name)])
    assert role == "user"
    prefix, _, rest = content.partition(": ")
    assert (prefix, rest) == (speaker(name), f"x{text}")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada", "Ada"),
        ("Ada\nGrace", "Ada Grace"),
        ("Ada: I agree\nGrace", "Ada I agree Grace"),
        ("system:", "@system"),
        ("ASSISTANT", "@ASSISTANT"),
        ("Ada\uff1a", "Ada"),  # a full-width colon
        ("A\u200bda\u202e", "Ada"),  # invisible characters
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("", ANONYMOUS),
        ("\u200b:\n", ANONYMOUS),
        ("x" * 40, "x" * 32),
        ("x" * 31 + " yz", "x" * 31),
        ("王小明", "王小明"),
        ("Zoë 🎉", "Zoë 🎉"),
    ],
)
def test_speakers(name: str, expected: str) -> None:
    assert speaker(name) == expected


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([user("hi", "Ada")], [("user", "Ada: hi")]),
        ([user("hi")], [("user", "hi")]),
        (
            [system("Be kind."), user("hi", "Ada"), user("and me", "Grace"), bot("Hello"), bot("both")],
            [("system", "Be kind."), ("user", "Ada: hi\nGrace: and me"), ("assistant", "Hello\nboth")],
        ),
        (
            [system("one"), user("a"), system("two"), user("b")],
            [("system", "one\n\ntwo"), ("user", "a\nb")],
        ),
        ([bot("Welcome!"), user("hi", "Ada")], [("user", OPENING), ("assistant", "Welcome!"), ("user", "Ada: hi")]),
        ([system("alone")], [("system", "alone"), ("user", OPENING)]),
        ([user("  ")], [("user", OPENING)]),
        ([user("", "Ada")], [("user", "Ada:")]),
        ([user("a"), bot(" "), user("b")], [("user", "a\nb")]),
        ([ChatMessage("assistant", "I", "Steward"), user("x")], [("user", OPENING), ("assistant", "I"), ("user", "x")]),
        ([user(" kept \n as: it is ", "Ada")], [("user", "Ada:  kept \n as: it is ")]),
    ],
)
def test_conversations(messages: list[ChatMessage], expected: list[tuple[str, str]]) -> None:
    assert shown(messages) == expected


def test_an_empty_list_is_a_clear_error() -> None:
    with pytest.raises(EmptyConversation, match="at least one message") as caught:
        prepare([])
    assert isinstance(caught.value, LLMError) and isinstance(caught.value, ValueError)
