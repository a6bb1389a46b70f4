"""A file's bytes → its text, whatever encoding it has. Pure.

Byte order marks decide; then UTF-8, which other encodings hardly ever look like; then Windows-1252, the commonest of
the rest, in which every text of Latin-1 reads the same. What holds zero bytes or many control characters is no text.
"""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}
_MOST_CONTROLS = 0.02
"""Share of control characters above which a file is no text; old logs have a few."""


def decoded(data: bytes) -> str | None:
    """The text, with line breaks as one newline each; None where the bytes are no text."""
    text = _by_mark(data) if data.startswith(tuple(mark for mark, _ in _MARKS)) else _unmarked(data)
    if text is None or _is_binary(text):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _by_mark(data: bytes) -> str | None:
    encoding = next(encoding for mark, encoding in _MARKS if data.startswith(mark))
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _unmarked(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "ignore") if _fits_cp1252(data) else data.decode("latin-1")


def _fits_cp1252(data: bytes) -> bool:
    return not any(data.count(byte) for byte in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"))


def _is_binary(text: str) -> bool:
    if "\0" in text:
        return True
    return sum(ord(character) in _CONTROLS for character in text) > len(text) * _MOST_CONTROLS
