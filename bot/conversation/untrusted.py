"""Members' text → text that cannot pass for anybody else's in a prompt: no turn, no speaker, nothing hidden. Pure.

What a person wrote stands under their name. So a further line of it must not begin like somebody else's, and no token
of a chat template may end their turn. Nothing that people can see is lost. It does not know Discord's markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from bot.conversation.lookalikes import PLAIN_LETTERS
from bot.conversation.template_tokens import harmless_template_tokens

QUOTED = "> "
"""Stands before a line that would look like somebody else's."""
ROLE_WORDS = frozenset({"system", "user", "assistant", "tool", "developer", "model", "human", "ai", "instruction"})

_LINE_BREAKS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\ud800-\udfff]"
    "|(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0000-\U000e0fff]+"
)
"""Controls, marks that turn the direction of writing, and what has no width. Joiners of emoji and scripts stay, and so
do the tags that make a flag."""
_COLONS = ":：﹕︓∶ː˸։׃܃܄꞉⁝፡᠄"
_COLON = re.compile(f"[{_COLONS}]")
_SPOKEN = re.compile(
    rf"^(?P<indent>[^\S\n]*)(?P<name>(?:[^\S\n]|[{_COLONS}])*[^\n{_COLONS}]{{1,60}})[{_COLONS}]", re.MULTILINE
)
"""A line that begins like a turn."""
_AROUND = _COLONS + " \t@#>*_`~[](){}<>|-=+•·.\"'“”„«»"


def harmless(text: str, speakers: Collection[str]) -> str:
    """`text` as it goes into a prompt behind its author's name. `speakers`: the `key`s of everybody in it."""
    text = _HIDDEN.sub("", _LINE_BREAKS.sub("\n", text))
    text = harmless_template_tokens(text)
    first, line_break, rest = text.partition("\n")
    if not line_break or not _COLON.search(rest):
        return text
    return f"{first}\n" + _SPOKEN.sub(lambda line: _quoted(line, speakers), rest)


def key(name: str) -> str:
    """A name as it is compared: without case, look-alikes, accents' order, marks around it and what cannot be seen."""
    same = unicodedata.normalize("NFKC", _HIDDEN.sub("", name)).casefold().translate(PLAIN_LETTERS)
    return " ".join(same.strip(_AROUND).split())


def _quoted(line: re.Match[str], speakers: Collection[str]) -> str:
    """The line, behind QUOTED if it looks like a turn of its own. Roles that are set in are a program's settings."""
    said = key(line["name"])
    is_role = len(line["indent"]) <= 1 and said.partition(" ")[0].strip(_AROUND) in ROLE_WORDS
    return QUOTED + line[0] if is_role or said in speakers else line[0]
