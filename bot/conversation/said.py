"""What a message says besides its text: cards, polls, stickers, files, forwarded messages → readable text. Pure.

Each stands on lines of its own in square brackets, below what the person wrote; Discord's markup in them is left for
`context`, as that of the text is. It does not know Discord's objects (`reading` does) nor where files come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST_CARD = 1500
"""Characters of one card (an embed): other bots post pages in them."""
MOST_FILES = 10
_ADDED = re.compile(r"^\[(?:forwarded message|card|poll|finished poll|sticker|file)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Card:
    """An embed: what a bot or webhook posted in a frame."""

    title: str = ""
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    author: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """A question with its answers, each with its votes."""

    question: str
    answers: tuple[tuple[str, int], ...]
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: name, size in bytes, the description that its author gave it, and its text where it was read.

    `trouble` says why there is no text where there should be: "it is no text"."""

    name: str
    size: int
    description: str = ""
    text: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message: `text` as it was typed, or `notice`, Discord's own sentence about something that happened."""

    text: str = ""
    cards: tuple[Card, ...] = ()
    poll: Poll | None = None
    stickers: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    forwarded: tuple[Said, ...] = ()
    notice: str = ""


def readable_message(said: Said) -> str:
    """Everything that a person sees of the message, as text."""
    blocks = [said.text.strip()]
    if said.notice:
        blocks.append(f"[{_line(said.notice)}]")
    blocks += [_forwarded(one) for one in said.forwarded]
    blocks += map(_card, said.cards)
    if said.poll is not None:
        blocks.append(_poll(said.poll))
    blocks += [f"[sticker: {_line(name)}]" for name in said.stickers]
    blocks += map(_file, said.files[:MOST_FILES])
    return "\n".join(block for block in blocks if block)


def written(content: str) -> str:
    """What its author wrote of a message that is stored as `readable_message` tells it: not its files, cards, …"""
    return _ADDED.split(content, maxsplit=1)[0]


def size_in_words(size: int) -> str:
    """A file's size as people say it."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} KB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"


def _forwarded(one: Said) -> str:
    return "[forwarded message]\n" + "\n".join(f"> {line}" for line in readable_message(one).split("\n"))


def _card(card: Card) -> str:
    lines = [line for line in _card_lines(card) if line]
    if not lines:
        return ""
    return f"[card]\n{_shortened(chr(10).join(lines), LONGEST_CARD)}\n[end of card]"


def _card_lines(card: Card) -> Iterator[str]:
    yield from (_line(card.author), _line(card.title), card.text.strip())
    for name, value in card.fields:
        yield f"{_line(name)}: {value.strip()}"
    yield _line(card.footer)


def _poll(poll: Poll) -> str:
    answers = "; ".join(f"{_line(answer)} ({_votes(votes)})" for answer, votes in poll.answers)
    return f"[{'finished poll' if poll.is_over else 'poll'}: {_line(poll.question)} — {answers}]"


def _votes(number: int) -> str:
    return "1 vote" if number == 1 else f"{number} votes"


def _file(file: File) -> str:
    trouble = f"not read: {file.trouble}" if file.trouble else ""
    told: Sequence[str] = (_line(file.name), size_in_words(file.size), _line(file.description), trouble)
    head = f"[file: {', '.join(filter(None, told))}]"
    return f"{head}\n{file.text.strip()}\n[end of file]" if file.text.strip() else head


def _line(text: str) -> str:
    """In one line, and without what would end the brackets around it."""
    return " ".join(text.split()).replace("]", ")").replace("[", "(")


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest].rstrip()} …"
