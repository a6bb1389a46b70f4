"""Answers that take more than two messages: the first two in the channel, the rest in a thread or all of it in a file.

Pure: it decides and makes the file's text; threads and files are posted by `streaming`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation.invites import without_invites
from bot.conversation.rendering import DISCORD_LIMIT, Part, length, render, small, without_controls
from bot.conversation.template_tokens import without_template_tokens

MOST_IN_CHANNEL = 2
"""Messages of one answer in a channel: more would bury what others say."""
FILE_NAME = "answer.md"
IN_FILE = f"the whole answer is in {FILE_NAME}"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file to attach: its name and its text."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class LongAnswer:
    """`here` goes into the channel and `beyond` into a thread; where no thread can be, `short` and `file` go instead.

    The raw slices of `here` and `beyond`, joined, are the whole answer; so are those of `short`.
    """

    here: list[Part]
    beyond: list[Part]
    short: list[Part]
    file: TextFile


def long_answer(text: str, footer: str = "", limit: int = DISCORD_LIMIT) -> LongAnswer | None:
    """How to show a long answer, or None where `render`'s messages are few enough. `footer` goes under its end."""
    parts = render(text, footer, limit)
    if len(parts) <= MOST_IN_CHANNEL or not parts[MOST_IN_CHANNEL].raw:
        return None
    here, beyond = parts[:MOST_IN_CHANNEL], parts[MOST_IN_CHANNEL:]
    return LongAnswer(here, beyond, _short(text, footer, limit), TextFile(FILE_NAME, file_text(text)))


def file_text(text: str) -> str:
    """An answer as a file's text: the Markdown as the model wrote it, since editors show it, but without invites."""
    return without_invites(without_template_tokens(without_controls(text))).strip() + "\n"


def _short(text: str, footer: str, limit: int) -> list[Part]:
    """The first messages, the last of which has all the rest as its raw text and says where that can be read."""
    remarks = "\n".join(filter(None, (small(IN_FILE), footer)))
    *first, last = render(text, limit=limit - length(remarks) - 1)[:MOST_IN_CHANNEL]
    rest = without_controls(text)[sum(len(part.raw) for part in first) :]
    return [*first, Part(rest, f"{last.shown}\n{remarks}")]
