"""Messages that are no plain text read like what a person sees of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.said import LONGEST_CARD, Card, File, Poll, Said, readable_message, size_in_words, written


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Said("hello"), "hello"),
        (Said(), ""),
        (Said("look", stickers=("Wave", "a]b")), "look\n[sticker: Wave]\n[sticker: a)b]"),
        (Said(notice="Ada pinned\na message."), "[Ada pinned a message.]"),
        (
            Said(poll=Poll("Lunch?", (("Pizza", 3), ("Pasta", 1)))),
            "[poll: Lunch? — Pizza (3 votes); Pasta (1 vote)]",
        ),
        (Said(poll=Poll("Lunch?", (), is_over=True)), "[finished poll: Lunch? — ]"),
        (
            Said("new:", cards=(Card("Title", "Text\nmore", (("Size", "3"),), "Bot", "today"),)),
            "new:\n[card]\nBot\nTitle\nText\nmore\nSize: 3\ntoday\n[end of card]",
        ),
        (Said("x", cards=(Card(),)), "x"),
        (
            Said(files=(File("a.png", 300_000, "a cat"), File("b.txt", 12, "", "one\ntwo\n"))),
            "[file: a.png, 300 KB, a cat]\n[file: b.txt, 12 bytes]\none\ntwo\n[end of file]",
        ),
        (
            Said(files=(File("c.txt", 9, "", "", "it is no text"),)),
            "[file: c.txt, 9 bytes, not read: it is no text]",
        ),
        (
            Said("see", forwarded=(Said("first\nsecond", stickers=("Hi",)),)),
            "see\n[forwarded message]\n> first\n> second\n> [sticker: Hi]",
        ),
    ],
)
def test_readable(said: Said, text: str) -> None:
    assert readable_message(said) == text


def test_a_card_has_an_end() -> None:
    text = readable_message(Said(cards=(Card(text="word " * 2000),)))
    assert len(text) < LONGEST_CARD + 50
    assert text.endswith(" …\n[end of card]")


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 KB"), (999_499, "999 KB"), (2_500_000, "2.5 MB")]
)
def test_sizes(size: int, words: str) -> None:
    assert size_in_words(size) == words


NAMES = st.text(max_size=30)


@given(NAMES, NAMES, st.lists(NAMES, max_size=4))
def test_no_name_ends_the_brackets_around_it(name: str, question: str, answers: list[str]) -> None:
    poll = Poll(question, tuple((answer, 1) for answer in answers))
    for line in readable_message(Said(poll=poll, stickers=(name,), files=(File(name, 1),))).splitlines():
        assert line.startswith("[") and line.endswith("]")
        assert line.count("[") == line.count("]") == 1


@pytest.mark.parametrize(
    ("content", "own"),
    [
        ("one\n[forwarded message]\n> two", "one\n"),
        ("[file: a.txt, 3 bytes]\ntwo\n[end of file]", ""),
        ("[1] one\nand [file]", "[1] one\nand [file]"),
    ],
)
def test_what_somebody_wrote_is_told_from_what_they_sent_with_it(content: str, own: str) -> None:
    assert written(content) == own
