"""Pieces of text: nothing cut, nothing lost, nothing after a stop."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.reasoning import ReasoningSplitter, Said
from llm.worker.text import Detokenizer, StopFilter, TextStream

EMOJI = ["👩‍👩‍👧", "🏳️‍🌈", "é", "e\u0301", "한글", "שלום", "𝔘", "\u200d", "👍🏽", "ñ", "…", "\n", " "]
texts = st.lists(st.one_of(st.sampled_from(EMOJI), st.characters(exclude_categories=["Cs"])), max_size=30).map("".join)


def byte_decode(ids: Sequence[int]) -> str:
    return bytes(ids).decode("utf-8", errors="replace")


def strip_decode(ids: Sequence[int]) -> str:
    """As SentencePiece-like tokenizers do: a token is a word with its leading space, and the very first space falls."""
    return "".join(f" {token}" for token in ids).removeprefix(" ")


@given(texts.filter(lambda text: "\ufffd" not in text))
def test_pieces_of_byte_tokens_join_to_the_text_and_never_cut_a_character(text: str) -> None:
    detokenizer = Detokenizer(byte_decode)
    pieces = [detokenizer.push([byte]) for byte in text.encode()]
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


@given(texts.filter(lambda text: "\ufffd" not in text), st.lists(st.integers(1, 7), min_size=1, max_size=40))
def test_the_size_of_the_pieces_makes_no_difference(text: str, sizes: list[int]) -> None:
    detokenizer, data, out = Detokenizer(byte_decode), list(text.encode()), ""
    while data:
        size = sizes.pop() if sizes else len(data)
        out += detokenizer.push(data[:size])
        data = data[size:]
    assert out == text


@given(st.lists(st.integers(0, 99), max_size=40))
def test_leading_spaces_are_kept_inside_and_dropped_at_the_start(ids: list[int]) -> None:
    detokenizer = Detokenizer(strip_decode)
    assert "".join(detokenizer.push([token]) for token in ids) == strip_decode(ids)


def test_an_unfinished_character_is_not_shown() -> None:
    assert Detokenizer(byte_decode).push(list("ok 👍".encode()[:-1])) == "ok "


@given(st.binary(max_size=300))
def test_broken_bytes_are_never_shown_and_never_stop_what_follows(noise: bytes) -> None:
    detokenizer = Detokenizer(byte_decode)
    shown = detokenizer.push(list(noise + b" then text"))
    assert "\ufffd" not in shown
    assert shown.endswith(" then text")


def test_hidden_tokens_leave_no_trace() -> None:
    assert Detokenizer(byte_decode, hidden={0}).push([0, *b"a", 0, 0, *b"b", 0]) == "ab"


@pytest.mark.parametrize(
    ("stops", "pieces", "shown", "stopped"),
    [
        (["END"], ["hello EN", "D rest"], "hello ", True),
        (["END"], ["hello EN", "TRY"], "hello ENTRY", False),
        (["\n\n"], ["a\n", "b\n", "\nc"], "a\nb", True),
        (["aab"], ["aaab"], "a", True),
        (["x", "abc"], ["ab", "x"], "ab", True),
        (["bcd", "b"], ["abcd"], "a", True),
        ([], ["anything"], "anything", False),
        (["👩‍👩"], ["a👩", "‍👩‍👧"], "a", True),
    ],
)
def test_stop_strings(stops: list[str], pieces: list[str], shown: str, stopped: bool) -> None:
    subject = StopFilter(stops)
    out = "".join(subject.push(piece) for piece in pieces) + subject.finish()
    assert (out, subject.stopped) == (shown, stopped)


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=4), st.integers(1, 5))
def test_a_stop_string_cuts_where_it_first_appears(text: str, stops: list[str], size: int) -> None:
    subject = StopFilter(stops)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    out = "".join(subject.push(piece) for piece in pieces) + subject.finish()
    ends = [place + len(stop) for stop in stops if (place := text.find(stop)) >= 0]
    assert subject.stopped == bool(ends)
    if not ends:
        assert out == text
    else:
        assert text.startswith(out) and not any(stop in out for stop in stops)


def test_no_text_is_shown_early_that_could_become_a_stop() -> None:
    stream = TextStream(byte_decode, stops=["</s>"])
    assert stream.push(list(b"bye </")) == Said("bye ")
    assert stream.push(list(b"b>")) == Said("</b>")
    assert stream.finish() == Said()


def stream_of(text: str, **options: object) -> tuple[TextStream, Said]:
    """A byte a token, so that every mark, stop and character falls apart into several."""
    stream = TextStream(byte_decode, splitter=ReasoningSplitter(), **options)  # type: ignore[arg-type]
    said = [stream.push([byte]) for byte in text.encode()] + [stream.finish()]
    return stream, Said("".join(piece.text for piece in said), "".join(piece.reasoning for piece in said))


def test_stop_strings_hold_for_the_answer_and_not_for_the_reasoning() -> None:
    stream, said = stream_of("<think>Ada: asks 👍</think>Well 👍.\nAda: and", stops=["\nAda:", "Ada:"])
    assert said == Said("Well 👍.", "Ada: asks 👍")
    assert stream.stopped


@pytest.mark.parametrize("text", ["Hello<|im_end|>", "<think>hm</think>Hello<|im_end|>\n<|im_start|>user"])
def test_a_turns_end_written_as_text_ends_the_answer_and_is_not_shown(text: str) -> None:
    stream, said = stream_of(text, ends=["<|im_end|>"])
    assert said.text == "Hello"
    assert stream.stopped


def test_a_turns_end_inside_reasoning_ends_everything() -> None:
    stream, said = stream_of("<think>hm<|im_end|>more", ends=["<|im_end|>"])
    assert said == Said("", "hm")
    assert stream.stopped


def test_tokens_of_reasoning_are_counted_with_their_marks() -> None:
    stream, _ = stream_of("<think>hm</think>Yes.")
    assert stream.reasoning_tokens == len("k>hm</think>") - len("k")  # until the mark is whole it may be text
    assert stream_of("Yes.")[0].reasoning_tokens == 0


def test_the_cost_of_a_long_answer_grows_with_its_length_only() -> None:
    """Ids decoded for each token of the answer: a window's worth, also after thousands."""
    decoded = 0

    def counting(ids: Sequence[int]) -> str:
        nonlocal decoded
        decoded += len(ids)
        return byte_decode(ids)

    stream = TextStream(counting, stops=["never"], splitter=ReasoningSplitter())
    text = "Ein langer Text mit Ümläuten und 👍🏽 darin. " * 100
    for byte in text.encode():
        stream.push([byte])
    assert decoded < 12 * len(text.encode())
