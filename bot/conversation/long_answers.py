"""Answers that take more than two messages: these show the beginning, and a file under the second has all of it.

Pure: it decides and makes the file's text; messages and files are posted by `streaming`.
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
COMING = f"I am still writing; then the whole answer comes as {FILE_NAME}"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file to attach: its name and its text."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class LongAnswer:
    """`parts` are the messages, under the last of which `file` stands, once the answer is there as a whole.

    The raw slices of the parts, joined, are the whole answer."""

    parts: list[Part]
    file: TextFile | None


def long_answer(text: str, footer: str = "", limit: int = DISCORD_LIMIT, *, is_whole: bool = True) -> LongAnswer | None:
    """How to show a long answer, or None where `render`'s messages are few enough. `footer` goes under its end.

    `is_whole`: else it is still being written, and there is no file yet."""
    parts = render(text, footer, limit)
    if len(parts) <= MOST_IN_CHANNEL or not parts[MOST_IN_CHANNEL].raw:
        return None
    remarks = "\n".join(filter(None, (small(IN_FILE if is_whole else COMING), footer)))
    return LongAnswer(_short(text, remarks, limit), TextFile(FILE_NAME, file_text(text)) if is_whole else None)


def without_file_remark(footer: str) -> str:
    """What is said under an answer, but for where all of it is: that is said again when it is shown again."""
    return "\n".join(line for line in footer.split("\n") if line not in (small(IN_FILE), small(COMING)))


def file_text(text: str) -> str:
    """An answer as a file's text: the Markdown as the model wrote it, since editors show it, but without invites."""
    return without_invites(without_template_tokens(without_controls(text))).strip() + "\n"


def _short(text: str, remarks: str, limit: int) -> list[Part]:
    """The first messages, the last of which has all the rest as its raw text and `remarks` under it."""
    *first, last = render(text, limit=limit - length(remarks) - 1)[:MOST_IN_CHANNEL]
    rest = without_controls(text)[sum(len(part.raw) for part in first) :]
    return [*first, Part(rest, f"{last.shown}\n{remarks}")]
