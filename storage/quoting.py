"""Whether a text repeats another one: three words in a row, or one telling word. Pure.

It errs on the side of yes: what it is asked for is whether something may be kept although its source is gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")  # scripts without spaces: every character counts as a word
RUN = 3
TELLING_LENGTH = 9
"""Letters; so long a word, or one with a digit in it, tells something by itself."""


def pieces(text: str) -> set[str]:
    """Everything in a text whose repetition is a quote."""
    words = WORDS.findall(text.casefold())
    runs = {" ".join(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}
    return runs | {word for word in words if len(word) >= TELLING_LENGTH or any(map(str.isdigit, word))}


def quoted(text: str, sources: Mapping[int, str]) -> set[int]:
    """Keys of those sources of which `text` repeats something."""
    said = pieces(text)
    return {key for key, source in sources.items() if said & pieces(source)}
