"""What engines answer to /tokenize → how many tokens each text has. Pure; it knows no network and no tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

TEXTS_AT_ONCE = 64
"""Texts of one request to our own worker; other engines count one at a time."""


def portions(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The texts, at most `size` at a time."""
    return (texts[start : start + size] for start in range(0, len(texts), size))


def counts_in(answer: object) -> list[int] | None:
    """Tokens of each text that was asked for: a list for each of several, else one count; None for no such answer."""
    if not isinstance(answer, Mapping):
        return None
    tokens, count = answer.get("tokens"), answer.get("count")
    if isinstance(tokens, list) and tokens and all(isinstance(each, list) for each in tokens):
        return [len(each) for each in tokens]
    return [count] if isinstance(count, int) else None
