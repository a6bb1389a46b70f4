"""The small grammar in which the corpus is written: `<a|b>` is a choice (it nests), `{slot}` is filled later.

Also how people type: lower case, missing punctuation, slips of the finger. Knows nothing of what the sentences mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

_INNERMOST = re.compile(r"<([^<>]*)>")
_SPACES = re.compile(r" {2,}")
_SPACE_BEFORE_PUNCTUATION = re.compile(r" +([,.!?;:])(?=\s|$)")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def expand(text: str, rng: Random) -> str:
    """Choose one alternative for every `<a|b>`, the innermost first, and tidy the spaces left by empty ones."""
    while "<" in text:
        text, found = _INNERMOST.subn(lambda match: rng.choice(match[1].split("|")), text)
        if not found:
            raise ValueError(f"unbalanced < in the grammar: {text!r}")
    return _SPACE_BEFORE_PUNCTUATION.sub(r"\1", _SPACES.sub(" ", text)).strip()


def fill(text: str, **slots: str) -> str:
    """Put values into `{slot}`s. A capitalised slot ({You}) takes the value with its first letter in upper case."""
    for name, value in slots.items():
        text = text.replace("{" + name + "}", value)
        text = text.replace("{" + name.capitalize() + "}", value[:1].upper() + value[1:])
    return text


def joined(parts: list[str]) -> str:
    """Parts as a person lists them: `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


@dataclass(frozen=True, slots=True)
class Typing:
    """How one person types. `slips` is the share of sentences with one typing mistake."""

    lower: bool
    punctuated: bool
    american: bool
    slips: float

    @classmethod
    def draw(cls, rng: Random) -> Typing:
        return cls(rng.random() < 0.45, rng.random() < 0.55, rng.random() < 0.4, rng.choice((0.0, 0.0, 0.05, 0.25)))

    def value(self, text: str) -> str:
        """How this person writes a name or a value."""
        return text.lower() if self.lower else text

    def sentence(self, text: str, rng: Random) -> str:
        """How this person writes a sentence whose slots are still empty, so that no value is ever damaged."""
        if self.american:
            text = text.replace("colour", "color").replace("favourite", "favorite")
        if rng.random() < self.slips:
            text = _slip(text, rng)
        if self.lower:
            text = text.lower()
        elif text[:1].islower() and rng.random() < 0.6:
            text = text[:1].upper() + text[1:]
        if self.punctuated:
            return text
        bare = text if rng.random() < 0.9 else text.replace("'", "")
        return bare.rstrip("?.!") or text


def _slip(text: str, rng: Random) -> str:
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if word.isalpha() and len(word) > 3]
    if not places:
        return text
    place = rng.choice(places)
    words[place] = _mistyped(words[place], rng)
    return " ".join(words)


def _mistyped(word: str, rng: Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + rng.choice(_LETTERS) + word[at + 1 :]
