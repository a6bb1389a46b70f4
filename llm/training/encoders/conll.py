"""Texts with marked names, from files of one word and its tag per line. It knows no model.

A line that begins with # is a hashtag here, not a comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OUTSIDE = "O"
KINDS = ("PER", "ORG", "LOC", "MISC")
WNUT17: Mapping[str, str] = {
    "person": "PER",
    "location": "LOC",
    "group": "ORG",
    "corporation": "ORG",
    "product": "MISC",
    "creative-work": "MISC",
}
BROAD_TWITTER: Mapping[str, str] = {"PER": "PER", "ORG": "ORG", "LOC": "LOC"}


class WrongData(Exception):
    """A file is not what it should be; `str(error)` names the file and the line."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words and their tags (O, B-PER, I-PER …)."""

    words: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def text(self) -> str:
        """The words with a space between them."""
        return " ".join(self.words)

    def places(self) -> list[tuple[int, int]]:
        """Where each word lies in `text`, in code points."""
        found, at = [], 0
        for word in self.words:
            found.append((at, at + len(word)))
            at += len(word) + 1
        return found


def read(path: Path, kinds: Mapping[str, str]) -> list[Sentence]:
    """The sentences of a file, its types renamed by `kinds`. Raises WrongData for a type that is not among them."""
    sentences: list[Sentence] = []
    words: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*_lines(path), ""], start=1):
        word, _, tag = line.partition("\t")
        if word.strip():
            words.append(word.strip())
            tags.append(_renamed(tag.strip(), kinds, path, number))
        elif words:
            sentences.append(Sentence(tuple(words), tuple(tags)))
            words, tags = [], []
    return sentences


def spans(tags: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """(first word, word after the last, type) of each name."""
    begun: int | None = None
    for place, tag in enumerate([*tags, OUTSIDE]):
        if begun is not None and not (tag.startswith("I-") and tag[2:] == tags[begun][2:]):
            yield begun, place, tags[begun][2:]
            begun = None
        if begun is None and tag != OUTSIDE:
            begun = place


def _lines(path: Path) -> list[str]:
    """By line feeds only: some words hold characters that str.splitlines takes for the end of a line."""
    return path.read_text(encoding="utf-8").split("\n")


def _renamed(tag: str, kinds: Mapping[str, str], path: Path, number: int) -> str:
    if tag == OUTSIDE:
        return OUTSIDE
    prefix, _, kind = tag.partition("-")
    if prefix not in ("B", "I") or kind not in kinds:
        raise WrongData(f"{path}, line {number}: the tag {tag!r} is not known")
    return f"{prefix}-{kinds[kind]}"
