"""How words are written, for encoders whose vocabulary knows no capitals: a class per token, from the text itself.

BERT's token types tell its two sentences apart. A model that reads one text has them free; one whose config says
`letter_case_types` was trained with these classes there instead: the letter case, and whether the token stands directly
behind another character ("@ada" and "@ ada" are the same tokens otherwise). Pure: it knows no model and no tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

SMALL, TITLE, CAPITALS, MIXED = range(4)
GLUED = 4  # added where there is no space before the token
CLASSES = 8
SETTING = "letter_case_types"  # in the model's config.json

WORD = re.compile(r"[^\W_]+")


def letter_case(text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """The class of the word in which each token begins, and GLUED; SMALL where there are no letters, and for special
    tokens."""
    classes = [SMALL] * (len(text) + 1)
    for match in WORD.finditer(text):
        kind = _of_word(match[0])
        if kind != SMALL:
            classes[match.start() : match.end()] = [kind] * len(match[0])
    return [classes[start] + _glued(text, start) if end > start else SMALL for start, end in offsets]


def _glued(text: str, start: int) -> int:
    return GLUED if start > 0 and not text[start - 1].isspace() else 0


def _of_word(word: str) -> int:
    if word == word.lower():
        return SMALL
    if word[0].isupper() and word[1:] == word[1:].lower():
        return TITLE
    return CAPITALS if word == word.upper() else MIXED
