"""Steward's own text, before anybody sees it: words that it does not say, whatever its model wrote. Pure.

The last words of an answer that still grows are held back, so that not even the beginning of such a word shows. Letters
are compared as people read them: without accents, whatever their case, in look-alikes, digits for letters, stretched or
spelled out. It does not know messages; who shows the text asks here first.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from bot.conversation.lookalikes import PLAIN_LETTERS
from bot.language import N_

INSTEAD = N_("My answer had words in it that I do not say, so I took it back. Please ask in other words.")
HELD = 4
"""Words that are held back while an answer grows: as many as the longest phrase has, and the longest fine use."""
LONGEST_WORD = 20
"""Characters of one held word at most: some scripts write no spaces."""
OVERLAP = 400
"""Characters that are looked at again with each new piece; no word or phrase takes more, spelled out or stretched."""

_DIGITS = str.maketrans("013457@$!|€", "oieastasiie")
_LETTER = "a-z"
_WORD = re.compile(r"\S+")
_LAST_WORD = re.compile(r"\S{1,80}\Z")
_SPACE = re.compile(r"\s")
_SPELLED = r"[\s.\-_*~/\\|,'`+]{1,3}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What may be shown of an answer; `is_hit` says that it is INSTEAD and that nothing more will come."""

    shown: str
    is_hit: bool = False


class WordList:
    """Words and phrases, with uses of them that are fine."""

    def __init__(self, lines: Iterable[str]) -> None:
        entries = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        fine = [entry[1:] for entry in entries if entry.startswith("!")]
        words = [entry for entry in entries if not entry.startswith("!")]
        self._words = _either([_pattern(word) for word in words] + [_pattern(word, _SPELLED) for word in words])
        self._fine = _either([_pattern(use) for use in fine])
        self._run_together = [_run_together(_folded(entry)) for entry in (*words, *fine)]
        begun = [use[:end].rstrip() for use in fine for end in range(1, len(use) + 1)]
        self._fine_or_begun = _either([_pattern(use) for use in fine] + [rf"{_pattern(use)}[\W_]*\Z" for use in begun])

    def is_in(self, text: str, *, is_whole: bool = True) -> bool:
        """Whether one of the words stands in `text`; while that grows, its end may be the beginning of a fine use."""
        fine = self._fine if is_whole else self._fine_or_begun
        same = _folded(text)
        return any(self._words.search(fine.sub(" ", form)) for form in {same, same.translate(_DIGITS)})

    def may_begin_with(self, text: str) -> bool:
        """Whether one of the words, or of their fine uses, may be what `text` becomes."""
        same = _folded(text)
        forms = {_run_together(form) for form in (same, same.translate(_DIGITS))} - {""}
        return any(entry.startswith(form) for form in forms for entry in self._run_together)


def own_list() -> WordList:
    """The list that comes with Steward."""
    text = resources.files("bot.conversation").joinpath("own_text.txt").read_text(encoding="utf-8")
    lines = text.splitlines()
    return WordList(line if line.startswith("#") else codecs.decode(line, "rot13") for line in lines)


class OwnText:
    """One answer while it grows. Ask before every edit; only what is new is looked at."""

    def __init__(self, words: WordList) -> None:
        self._words = words
        self._judged = ""
        self._is_hit = False

    def checked(self, text: str, *, is_whole: bool) -> Checked:
        """What may be shown of `text`, the answer so far. Once it was taken back it stays so, unless it begins anew."""
        if not text.startswith(self._judged):
            self._judged, self._is_hit = "", False
        finished = text if is_whole else _LAST_WORD.sub("", text)
        new = _from_a_word(finished, len(self._judged) - OVERLAP)
        self._is_hit = self._is_hit or self._words.is_in(new, is_whole=is_whole)
        self._judged = finished
        if self._is_hit:
            return Checked(INSTEAD, is_hit=True)
        return Checked(text if is_whole else without_beginnings(text, self._words))


def without_beginnings(text: str, words: WordList) -> str:
    """`text` without those of its last words that may become one of the list."""
    earliest = max(0, len(text) - HELD * LONGEST_WORD)
    begins = [match.start() for match in _WORD.finditer(text, earliest)]
    ends_in_one = words.is_in(text[earliest:])  # its last word is not whole yet, so it was not judged
    for begin in begins:
        if words.may_begin_with(text[begin:]) or (ends_in_one and words.is_in(text[begin:])):
            return text[:begin].rstrip()
    return text.rstrip()


def _from_a_word(text: str, start: int) -> str:
    """`text` from the first word that begins at `start` or later, so that no part of a word is judged."""
    if start <= 0:
        return text
    border = _SPACE.search(text, start)
    return text[border.start() :] if border else text[start:]


def _folded(text: str) -> str:
    """In plain small letters, without marks over them and without what cannot be seen."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(PLAIN_LETTERS)
    return "".join(letter for letter in decomposed if unicodedata.category(letter) not in ("Mn", "Cf", "Me"))


def _run_together(folded: str) -> str:
    """Only its letters, each once where it is repeated."""
    return re.sub(r"(.)\1+", r"\1", re.sub(rf"[^{_LETTER}]", "", folded))


def _pattern(entry: str, between: str = "") -> str:
    """A word as a pattern: each letter at least as often as it is written, with `between` between the letters."""
    ending = f"[{_LETTER}]*" if entry.endswith("*") else "(?:e?[sz])?"
    words = entry.rstrip("*").split()
    return r"[\W_]+".join(_word(word, between) for word in words) + ("" if between else ending)


def _word(word: str, between: str) -> str:
    runs = [(match[0][0], len(match[0])) for match in re.finditer(r"(.)\1*", word)]
    if between:
        return between.join(between.join([letter] * count) for letter, count in runs)
    return "".join(f"{letter}{{{count},}}" for letter, count in runs)


def _either(patterns: list[str]) -> re.Pattern[str]:
    joined = "|".join(patterns) or r"(?!)"
    return re.compile(rf"(?<![{_LETTER}])(?:{joined})(?![{_LETTER}])")
