"""Parts of a range: cut where conversations pause, found again when more was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from llm.tasks.chunks import Notes, plan, shortened
from llm.tasks.summary import SourceMessage

BEGIN = datetime(2026, 11, 22, tzinfo=UTC)


def said(*minutes: float, place: int = 0, first: int = 1) -> list[SourceMessage]:
    """Messages at these minutes."""
    return [
        SourceMessage(first + number, "Ada", f"text {first + number}", BEGIN + timedelta(minutes=minute), place)
        for number, minute in enumerate(minutes)
    ]


def parts(messages: list[SourceMessage], budget: int, tokens: int = 10) -> list[list[int]]:
    planned = plan(messages, [tokens] * len(messages), budget=budget, writer="w")
    return [[message.id for message in part.chunk.messages] for part in planned]


def test_a_pause_ends_a_conversation_that_has_something_to_tell() -> None:
    assert parts(said(0, 1, 2, 3, 60, 61, 62), 100) == [[1, 2, 3, 4], [5, 6, 7]]
    assert parts(said(0, 60, 61, 62), 100) == [[1, 2, 3, 4]]


def test_a_full_part_is_cut_at_its_longest_silence() -> None:
    assert parts(said(0, 1, 2, 9, 10, 11, 12), 50) == [[1, 2, 3], [4, 5, 6, 7]]


def test_places_are_apart() -> None:
    assert parts(said(0, 1) + said(0, 1, place=9, first=10), 100) == [[1, 2], [10, 11]]


def test_what_was_read_is_found_again_by_its_content() -> None:
    messages = said(*range(12))
    tokens = [10] * 12
    read = plan(messages[:7], tokens[:7], budget=100, writer="w")[0].chunk
    notes = Notes(read.key, 1, 7, ())
    again = plan(messages, tokens, budget=100, writer="w", known={1: [notes]})
    assert [(part.notes is notes, len(part.chunk.messages)) for part in again] == [(True, 7), (False, 5)]
    assert all(part.notes is None for part in plan(messages, tokens, budget=100, writer="x", known={1: [notes]}))
    edited = [*messages[:3], SourceMessage(4, "Ada", "other", messages[3].created_at), *messages[4:]]
    assert all(part.notes is None for part in plan(edited, tokens, budget=100, writer="w", known={1: [notes]}))


def test_a_scrap_is_read_again_with_what_follows_it() -> None:
    messages = said(*range(12))
    read = plan(messages[:1], [10], budget=100, writer="w")[0].chunk
    again = plan(messages, [10] * 12, budget=100, writer="w", known={1: [Notes(read.key, 1, 1, ())]})
    assert again[0].notes is None and len(again[0].chunk.messages) > 1


def test_a_message_that_is_longer_than_a_part_is_shortened() -> None:
    (message,) = said(0)
    assert shortened(message, 10, 20) == message
    assert shortened(message, 20, 10).text == "tex"


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 90)), max_size=60),
    st.integers(10, 100),
)
def test_nothing_is_lost_or_read_twice_and_no_part_is_too_large(shape: list[tuple[int, int]], budget: int) -> None:
    minutes, now = [], 0
    for _, gap in shape:
        now += gap
        minutes.append(float(now))
    messages, tokens = said(*minutes), [min(size, budget) for size, _ in shape]
    planned = plan(messages, tokens, budget=budget, writer="w")
    assert [message for part in planned for message in part.chunk.messages] == messages
    weight = {message.id: size for message, size in zip(messages, tokens, strict=True)}
    assert all(sum(weight[one.id] for one in part.chunk.messages) <= budget for part in planned)
