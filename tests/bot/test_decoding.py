"""Files are read in whatever encoding they come, and what is no text is told apart."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.decoding import decoded

TEXT = "Grüße, 日本\nzweite Zeile\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
    ],
)
def test_encodings(data: bytes) -> None:
    assert decoded(data) == TEXT


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_files_without_a_mark(encoding: str) -> None:
    assert decoded("Grüße".encode(encoding)) == "Grüße"


def test_signs_of_windows() -> None:
    assert decoded("“5 €”".encode("cp1252")) == "“5 €”"


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0", bytes(range(256)), codecs.BOM_UTF16_LE + b"a", b"MZ\x90\0"])
def test_what_is_no_text(data: bytes) -> None:
    assert decoded(data) is None


def test_an_empty_file_is_a_text() -> None:
    assert decoded(b"") == ""


@given(st.binary(max_size=300))
def test_no_bytes_fail(data: bytes) -> None:
    text = decoded(data)
    assert text is None or ("\r" not in text and "\0" not in text)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=100))
def test_utf_8_is_read_as_it_is(text: str) -> None:
    assert decoded(text.encode()) == text.removeprefix("\ufeff")
