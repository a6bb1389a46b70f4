"""A model's text → what Discord may show: safe, and in messages of at most 2,000 characters. Pure.

It does not know messages, channels or edits; who posts the parts is `streaming`. Cutting goes by the raw text, so
that the raw slices of all parts, joined, are exactly what the model wrote (but for control characters): that is what
is stored. Links and mentions are made harmless inside code, too: Discord and we need not agree on what is code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from bot.conversation.invites import without_invites

DISCORD_LIMIT = 2000
"""Characters in one message. Counted here in UTF-16 units, which is never fewer than Discord counts."""
SMALL = "-# "
"""Discord's mark for a line in small letters: Steward's own remarks under an answer begin with it."""
MOST_PARTS = 10
"""Messages that one answer may take; with the usual [llm] max_tokens it takes two."""
CUT_SHORT = f"the rest would take more than {MOST_PARTS} messages and is left out; reply “go on” for more"

_FENCE = re.compile("```")
_FENCE_HEAD = re.compile(r"```(?:[A-Za-z0-9_+#.\-]{1,32}\n(?!```))?")
_FENCE_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.\-]{1,32}(?=\n)")
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
_JOINER = "\u200d"


@dataclass(frozen=True, slots=True)
class Part:
    """One message: `raw` is the model's own text, `shown` what Discord gets for it."""

    raw: str
    shown: str


@dataclass(frozen=True, slots=True)
class _Fence:
    """An open code block: where its first backtick and where its content stand in the text."""

    language: str
    start: int
    content: int


def render(text: str, footer: str = "", limit: int = DISCORD_LIMIT) -> list[Part]:
    """The messages that show `text`: none where there is nothing to see, else each at most `limit` characters.

    A code block that a cut divides is closed and opened again; one that the text (still) leaves open is closed, so
    that every state of a streamed answer looks finished. `footer` goes under the last part, or into one of its own.
    What does not fit into MOST_PARTS messages is left out, of the raw text, too, and that is said above the footer.
    """
    parts = _parts(_CONTROL.sub("", text), limit)
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
    text = without_invites(_CONTROL.sub("", text))
    text = _PINGS.sub(lambda match: match[0] + _ZERO_WIDTH_SPACE, text)
    return "".join(_unmasked(piece, is_code) for piece, is_code in _by_code(text))


def _unmasked(piece: str, is_code: bool) -> str:
    """Without live masked links and small lines; in code the change cannot be seen."""
    if is_code:
        return _REMARK.sub(rf"\1-{_ZERO_WIDTH_SPACE}#", _MASKED_LINK.sub("]" + _ZERO_WIDTH_SPACE, piece))
    return _REMARK.sub(r"\1\\-#", _MASKED_LINK.sub("] ", piece))


def length(text: str) -> int:
    """Length as Discord's strictest counting has it: UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def has_sentence(text: str) -> bool:
    """Whether a first sentence or line is complete: enough for a phone's notification."""
    begun = text.lstrip()
    return "\n" in begun or _SENTENCE_END.search(begun + " ", _SHORTEST_SENTENCE) is not None


def _parts(text: str, limit: int) -> list[Part]:
    """All parts, or the first MOST_PARTS + 1 of them."""
    parts: list[Part] = []
    unseen, start, fence = "", 0, None
    while start < len(text) and len(parts) <= MOST_PARTS:
        end = _end_of_part(text, start, fence, limit)
        if not text[end:].strip():
            end = len(text)
        shown = _shown(text, start, end, fence)
        if shown:
            parts.append(Part(unseen + text[start:end], shown))
            unseen = ""
        elif parts:
            parts[-1] = Part(parts[-1].raw + text[start:end], parts[-1].shown)
        else:
            unseen += text[start:end]
        start, fence = end, _fence_at(text, start, end, fence)
    return parts


def _shown(text: str, start: int, end: int, fence: _Fence | None) -> str:
    """What Discord gets for text[start:end] that begins inside `fence`; empty where there is nothing to see."""
    body = text[start:end]
    after = _fence_at(text, start, end, fence)
    if after is not None and after is not fence and not text[after.content : end].strip():
        body, after = text[start : after.start], None  # the block has only just begun
    if fence is not None:
        body = f"```{fence.language}\n{body}"
    if after is not None:
        body = _HALF_FENCE.sub("", body).rstrip() + "\n```"
    body = neutralize(body).strip("\n" if fence is not None else None)
    return body if _visible(body) else ""


def _visible(body: str) -> bool:
    """False for blank text and for code blocks with nothing in them."""
    bare = "".join(_FENCE_HEAD.sub("", piece) if is_code else piece for piece, is_code in _by_code(body))
    return any(not character.isspace() and unicodedata.category(character) not in {"Cf", "Cc"} for character in bare)


def _fence_at(text: str, start: int, end: int, fence: _Fence | None) -> _Fence | None:
    """The code block that is open at `end`, given the one that was open at `start`."""
    for match in _FENCE.finditer(text, start, end):
        if fence is not None:
            fence = None
        else:
            found = _FENCE_LANGUAGE.match(text, match.end())
            language = found[0] if found else ""
            fence = _Fence(language, match.start(), match.end() + len(language))
    return fence


def _by_code(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it lies in a code block (the fences themselves count as code)."""
    inside, begin = False, 0
    for match in _FENCE.finditer(text):
        border = match.end() if inside else match.start()
        yield text[begin:border], inside
        inside, begin = not inside, border
    yield text[begin:], inside


def _end_of_part(text: str, start: int, fence: _Fence | None, limit: int) -> int:
    """Where the part that begins at `start` ends: at the best border such that what is shown fits.

    What is shown may be longer than the text. The room shrinks in proportion, by halves at last, so it ends soon.
    """
    room = limit
    while True:
        window = _reach(text, start, room)
        end = window if window == len(text) else _border(text, start, window, fence)
        shown = length(_shown(text, start, end, fence))
        if shown <= limit or room <= 1:
            return end
        room = min(room - room // 64, room * limit // shown) if room > limit // 2 else room // 2


def _reach(text: str, start: int, room: int) -> int:
    """The furthest index such that text[start:index] has at most `room` units, and at least one character."""
    index = start
    while index < len(text):
        room -= 2 if text[index] > "\uffff" else 1
        if room < 0 and index > start:
            break
        index += 1
        if room < 0:
            break
    return index


def _border(text: str, start: int, window: int, fence: _Fence | None) -> int:
    """The best place to cut in (start, window]: paragraph, line, sentence, word, at worst between two characters.

    Only the second half of the window is looked at for a good border: half-empty messages read badly too.
    """
    half = start + (window - start) // 2
    open_fence = _fence_at(text, start, window, fence)
    if open_fence is not None and open_fence is not fence and open_fence.start > half:
        return open_fence.start  # the next message begins with the whole block
    paragraph = text.rfind("\n\n", half, window)
    if paragraph >= 0 and _fence_at(text, start, paragraph, fence) is None:
        return paragraph + 2
    line = text.rfind("\n", half, window)
    if line >= 0:
        return line + 1
    if open_fence is None:
        sentence = [match.end() for match in _SENTENCE_END.finditer(text, half, window)]
        if sentence:
            return sentence[-1]
    word = text.rfind(" ", half, window)
    return word + 1 if word >= 0 else _between_characters(text, start, window)


def _between_characters(text: str, start: int, window: int) -> int:
    """The last index up to `window` at which no grapheme cluster and no run of backticks is divided."""
    for index in range(window, start, -1):
        if not _joined(text, index):
            return index
    return window


def _joined(text: str, index: int) -> bool:
    """Whether text[index] belongs to the character before it."""
    if index >= len(text):
        return False
    before, here = text[index - 1], text[index]
    if before == "`" and here == "`":
        return True
    if here in (_JOINER, "\u200c") or before == _JOINER or unicodedata.category(here).startswith("M"):
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":
        return True
    if _is_flag_letter(here) and _is_flag_letter(before):
        return _flag_letters_before(text, index) % 2 == 1
    return _is_hangul_part(here) and (_is_hangul_part(before) or _is_hangul_syllable(before))


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_letters_before(text: str, index: int) -> int:
    count = 0
    while count < index and _is_flag_letter(text[index - count - 1]):
        count += 1
    return count


def _is_hangul_part(character: str) -> bool:
    return "\u1100" <= character <= "\u11ff"


def _is_hangul_syllable(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"
