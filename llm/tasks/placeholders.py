"""What of a text must not change when it is translated: put aside before, put back after. Pure; it knows no engine.

Code, links, mentions, emoji, times, commands, spoilers' bars and names of people become marks such as `[3]`, which
engines copy; what looks like a mark in the text itself is put aside, too, so that no mark is ever mistaken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_NO_SPACES = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""Scripts that put no space around a name."""
_BEGIN, _END = rf"(?<![^\W{_NO_SPACES}])", rf"(?![^\W{_NO_SPACES}])"
"""Where a word of another script begins and ends, also amid those."""
MARK = re.compile(r"[\[［【]\s*(\d{1,5})\s*[\]］】]")
"""A mark as engines give it back: some write wide brackets, or spaces."""
_EMOJI = (
    r"(?:[\U0001F1E6-\U0001F1FF]{2}|[0-9#*]\uFE0F?\u20E3"
    r"|(?:[\U0001F000-\U0001F1E5\U0001F200-\U0001FAFF\u2300-\u23FF\u2600-\u27BF\u2B05-\u2B55\u2934\u2935\u3030\u303D"
    r"\u3297\u3299]|[\u00A9\u00AE\u203C\u2049\u2122\u2139\u2194-\u21AA\u25AA-\u25FE]\uFE0F)"
    r"(?:\uFE0F|[\U0001F3FB-\U0001F3FF]|[\U000E0020-\U000E007F]|\u200D[\U0001F000-\U0001FAFF\u2300-\u27BF\u2B05-\u2B55])*)"
)
_KEPT = re.compile(
    r"(?P<code>```.*?```|(?P<ticks>`{1,2})(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<markup><(?:@[!&]?\d+|#\d+|a?:\w+:\d+|/[^:<>\n]+:\d+|t:-?\d+(?::\w)?|id:\w+)>)"
    r"|(?P<link><?(?:https?|ftp|steam|discord)://[^\s<>]*[^\s<>.,:;!?\"'()\[\]{}*_~|。、！？]/?>?"
    r"|www\.[^\s<>]*[^\s<>.,:;!?\"'()\[\]{}*_~|。、！？]"
    r"|discord(?:app)?\.(?:gg|com)/[^\s<>]*[^\s<>.,:;!?\"'()\[\]{}*_~|。、！？])"
    r"|(?P<mail>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<name>" + _BEGIN + r"@\w(?:[\w.]*\w)?|(?<![#&])" + _BEGIN + r"\#[^\W\d][\w-]*"
    r"|(?<![/.:<])" + _BEGIN + r"/[a-z][a-z-]*" + _END + r"(?!/))"
    r"|(?P<colons>" + _BEGIN + r":[a-zA-Z0-9_]{2,32}:" + _END + r")"
    r"|(?P<emoji>" + _EMOJI + r")"
    r"|(?P<bars>\|\|)"
    r"|(?P<mark>" + MARK.pattern + r")",
    re.DOTALL,
)
_OPEN_ENDED = frozenset("hwdf@#/")
"""How what ends at the first space begins: what follows it must not be glued to it."""
_ENDS = frozenset(".,;:!?)]}>\"'*_~|`")
_WORD = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile(f"[{_NO_SPACES}]")


@dataclass(frozen=True, slots=True)
class Protected:
    """A text with marks, and what they stand for: `[1]` is the first of `kept`."""

    text: str
    kept: tuple[str, ...]

    @property
    def has_words(self) -> bool:
        """Whether anything is left to translate."""
        return has_letters(MARK.sub(" ", self.text))

    @property
    def words(self) -> str:
        """The text without what is kept: what tells its language."""
        return " ".join(MARK.sub(" ", self.text).split())

    def restored(self, text: str) -> str:
        """A translation with the kept things in the places of their marks; its marks must be right."""
        parts: list[str] = []
        begin = 0
        for match in MARK.finditer(text):
            kept = self.kept[int(match[1]) - 1]
            before, after = text[begin : match.start()], text[match.end() : match.end() + 1]
            parts += [before, *_apart(kept, before[-1:], after)]
            begin = match.end()
        return "".join([*parts, text[begin:]])


def protect(text: str, names: Iterable[str] = (), people: Sequence[tuple[int, int]] = ()) -> Protected:
    """Put aside what must not change: also each of `names`, and the spans `people` (code points) that hold one."""
    spans = [match.span() for match in _KEPT.finditer(text)]
    spans = _beside(spans, people)
    spans = _beside(spans, [match.span() for name in names for match in _places(name, text)])
    kept: list[str] = []
    marked: list[str] = []
    begin = 0
    for start, end in sorted(spans):
        kept.append(text[start:end])
        marked += [text[begin:start], mark(len(kept))]
        begin = end
    return Protected("".join([*marked, text[begin:]]), tuple(kept))


def mark(number: int) -> str:
    """What stands for the kept thing of that number in a text."""
    return f"[{number}]"


def marks_of(text: str) -> Counter[int]:
    """How often each mark stands in a text."""
    return Counter(int(match[1]) for match in MARK.finditer(text))


def invents(text: str) -> bool:
    """Whether a translation of words alone holds what must not be there: a link, a mention, a mark, an emoji."""
    return _KEPT.search(text) is not None


def kept_in(text: str) -> Counter[str]:
    """What of a text must not change, names apart: what a translation is measured by."""
    return Counter(match[0] for match in _KEPT.finditer(text))


def has_letters(text: str) -> bool:
    """Whether there is a word in it, in any script."""
    return _WORD.search(text) is not None


def has_words(text: str) -> bool:
    """Whether there is anything to translate: not only code, links, emoji and numbers."""
    return protect(text).has_words


def _beside(spans: list[tuple[int, int]], more: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, and those of the others that touch none before them."""
    taken = list(spans)
    for start, end in more:
        if start < end and all(end <= begin or finish <= start for begin, finish in taken):
            taken.append((start, end))
    return taken


def _places(name: str, text: str) -> Iterable[re.Match[str]]:
    """Where a name stands; of names that may be any word (short, or in small letters) none."""
    plain = name.strip()
    if _UNSPACED.search(plain):
        return re.finditer(re.escape(plain), text) if len(plain) > 1 else ()
    if len(plain) < 3 or not has_letters(plain) or (plain.islower() and plain.isalpha()):
        return ()
    return re.finditer(_BEGIN + re.escape(plain) + _END, text)


def _apart(kept: str, before: str, after: str) -> list[str]:
    """Something kept, with a space where its neighbours would become a part of it."""
    if kept[0].lower() not in _OPEN_ENDED:
        return [kept]
    glued_before = bool(before) and (before.isalnum() or before == "_")
    glued_after = bool(after) and not after.isspace() and after not in _ENDS
    return [" "] * glued_before + [kept] + [" "] * glued_after
