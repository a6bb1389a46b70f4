"""A model's text → what Discord may show: safe, and in messages of at most 2,000 characters. Pure.

It does not know messages, channels or edits; who posts the parts is `streaming`. Cutting goes by the raw text, so
that the raw slices of all parts, joined, are exactly what the model wrote (but for control characters): that is what
is stored. Where a text is cut is `cutting`'s; tables and formulas, which Discord cannot show, become what it can.
Links and mentions are made harmless inside code, too: Discord and we need not agree on what is code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from bot.conversation.cutting import NOTHING_OPEN, Opened, border, opened_at
from bot.conversation.formulas import readable_formulas
from bot.conversation.invites import without_invites
from bot.conversation.tables import readable_tables
from bot.conversation.template_tokens import without_template_tokens

DISCORD_LIMIT = 2000
"""Characters in one message. Counted here in UTF-16 units, which is never fewer than Discord counts."""
SMALL = "-# "
"""Discord's mark for a line in small letters: Steward's own remarks under an answer begin with it."""
MOST_PARTS = 10
"""Messages that one answer may take; with the usual [llm] max_tokens it takes two."""
SPOILER = "||"
CUT_SHORT = f"the rest would take more than {MOST_PARTS} messages and is left out; reply “go on” for more"

_FENCE = re.compile("```")
_FENCE_HEAD = re.compile(r"```(?:[A-Za-z0-9_+#.\-]{1,32}\n(?!```))?")
_PINGS = re.compile(r"@(?=everyone|here)|<(?=@[!&]?\d)", re.IGNORECASE)
_MASKED_LINK = re.compile(r"\](?=\([\s<\\]*[a-z][a-z0-9+.\-\\]*:)", re.IGNORECASE)
_REMARK = re.compile(r"^((?:[^\S\n]|[>*+\-\d.)])*?)-#(?=\s)", re.MULTILINE)
"""Where Discord might see a line in small letters, also in quotes and lists."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_HALF_FENCE = re.compile(r"(?<=\n)`{1,2}\Z")
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*\s")
_SHORTEST_SENTENCE = 8
"""Characters: "1." and "Dr." are no sentences."""
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class Part:
    """One message: `raw` is the model's own text, `shown` what Discord gets for it."""

    raw: str
    shown: str


def render(text: str, footer: str = "", limit: int = DISCORD_LIMIT) -> list[Part]:
    """The messages that show `text`: none where there is nothing to see, else each at most `limit` characters.

    A code block, a table or a spoiler that a cut divides goes on in the next message; a block or spoiler that the text
    (still) leaves open is closed, so that every state of a streamed answer looks finished. `footer` goes under the last
    part, or into one of its own.
    What does not fit into MOST_PARTS messages is left out, of the raw text, too, and that is said above the footer.
    """
    parts = _parts(without_controls(text), limit)
    if len(parts) > MOST_PARTS:
        parts = parts[:MOST_PARTS]
        footer = "\n".join(filter(None, (small(CUT_SHORT), footer)))
    if not footer:
        return parts
    if not parts:
        return [Part("", footer)]
    last = parts.pop()
    if length(last.shown) + 1 + length(footer) <= limit:
        return [*parts, Part(last.raw, f"{last.shown}\n{footer}")]
    return [*parts, last, Part("", footer)]


def small(sentence: str) -> str:
    """A remark of Steward's own, as one line in small letters."""
    return SMALL + " ".join(sentence.split())


def without_remarks(content: str) -> str:
    """One of Steward's own messages as Discord shows it, without the remarks under it: for what storage has lost."""
    lines = content.rstrip().split("\n")
    while lines and (lines[-1].startswith(SMALL) or not lines[-1].strip()):
        lines.pop()
    return "\n".join(lines)


def neutralize(text: str) -> str:
    """Text that pings nobody, invites nowhere, shows where each link leads and has no remarks that look like ours."""
    text = without_invites(without_controls(text))
    text = _PINGS.sub(lambda match: match[0] + _ZERO_WIDTH_SPACE, text)
    return "".join(_unmasked(piece, is_code) for piece, is_code in _by_code(text))


def _unmasked(piece: str, is_code: bool) -> str:
    """Without live masked links and small lines; in code the change cannot be seen."""
    if is_code:
        return _REMARK.sub(rf"\1-{_ZERO_WIDTH_SPACE}#", _MASKED_LINK.sub("]" + _ZERO_WIDTH_SPACE, piece))
    return _REMARK.sub(r"\1\\-#", _MASKED_LINK.sub("] ", piece))


def without_controls(text: str) -> str:
    """`text` without characters that nothing can show: control characters and halves of pairs."""
    return _CONTROL.sub("", text)


def length(text: str) -> int:
    """Length as Discord's strictest counting has it: UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def has_sentence(text: str) -> bool:
    """Whether a first sentence or line is complete: enough for a phone's notification."""
    begun = text.lstrip()
    return "\n" in begun or _SENTENCE_END.search(begun + " ", _SHORTEST_SENTENCE) is not None


def _parts(text: str, limit: int) -> list[Part]:
    """All parts, or the first MOST_PARTS + 1 of them."""
    parts: list[Part] = []
    unseen, start, opened = "", 0, NOTHING_OPEN
    while start < len(text) and len(parts) <= MOST_PARTS:
        end, shown = _end_of_part(text, start, opened, limit)
        if not text[end:].strip():
            end = len(text)
        if shown:
            parts.append(Part(unseen + text[start:end], shown))
            unseen = ""
        elif parts:
            parts[-1] = Part(parts[-1].raw + text[start:end], parts[-1].shown)
        else:
            unseen += text[start:end]
        start, opened = end, opened_at(text, start, end, opened)
    return parts


def _end_of_part(text: str, start: int, opened: Opened, limit: int) -> tuple[int, str]:
    """Where the part that begins at `start` ends, and what is shown of it: the best border such that this fits.

    What is shown may be longer than the text. The room shrinks in proportion, by halves at last, so it ends soon.
    """
    room = limit
    while True:
        window = _reach(text, start, room)
        end = window if window == len(text) else border(text, start, window, opened)
        shown = _shown(text, start, end, opened)
        size = length(shown)
        if size <= limit or room <= 1:
            return end, shown
        room = min(room - room // 64, room * limit // size) if room > limit // 2 else room // 2


def _reach(text: str, start: int, room: int) -> int:
    """The furthest index such that text[start:index] has at most `room` units, and at least one character."""
    index = min(len(text), start + room)
    over = length(text[start:index]) - room
    while over > 0 and index > start + 1:
        index -= 1
        over -= 2 if text[index] > "\uffff" else 1
    return index


def _shown(text: str, start: int, end: int, opened: Opened) -> str:
    """What Discord gets for text[start:end], before which this was `opened`; empty where there is nothing to see."""
    body = text[start:end]
    after = opened_at(text, start, end, opened)
    fence = after.fence
    if fence is not None and fence is not opened.fence and not text[fence.content : end].strip():
        body, fence = text[start : fence.start], None  # the block has only just begun
    if opened.fence is not None:
        body = f"```{opened.fence.language}\n{body}"
    elif opened.table is not None:
        body = opened.table.text + body
    if fence is not None:
        body = _HALF_FENCE.sub("", body).rstrip() + "\n```"
    body = neutralize(_dressed(body)).strip("\n" if opened.fence is not None else None)
    if not _visible(body):
        return ""
    return f"{SPOILER * opened.spoiler}{body}{SPOILER * after.spoiler}"


def _dressed(body: str) -> str:
    """What a model writes and Discord cannot show, in ways that it can; code stays as it is."""
    return "".join(
        piece if is_code else readable_tables(without_template_tokens(piece), readable_formulas)
        for piece, is_code in _by_code(body)
    )


def _visible(body: str) -> bool:
    """False for blank text and for code blocks with nothing in them."""
    bare = "".join(_FENCE_HEAD.sub("", piece) if is_code else piece for piece, is_code in _by_code(body))
    return any(not character.isspace() and unicodedata.category(character) not in {"Cf", "Cc"} for character in bare)


def _by_code(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it lies in a code block (the fences themselves count as code)."""
    inside, begin = False, 0
    for match in _FENCE.finditer(text):
        edge = match.end() if inside else match.start()
        yield text[begin:edge], inside
        inside, begin = not inside, edge
    yield text[begin:], inside
