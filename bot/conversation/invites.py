"""Text → the same text without links that lead into a Discord server. Pure.

Discord and browsers read an address in many spellings: percent signs, ports, dots, backslashes, invisible characters.
So a word is judged by what it becomes for them, not by how it is written. It does not know Markdown.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

REMOVED = "(invite link removed)"

_PLAIN = re.compile(
    r"(?:https?://(?:[\w.\-]*@)?)?(?:www\.|ptb\.|canary\.)?"
    r"(?:(?:discord\.gg|dsc\.gg|discord\.new)|discord(?:app)?\.com/+(?:invite|template))/+[\w\-]+",
    re.IGNORECASE | re.ASCII,
)
"""The usual spellings, of which exactly the address is removed; of all others the whole word is."""
_ADDRESS = re.compile(
    r"(?P<host>discord\.gg|dsc\.gg|discord\.new|discord(?:app)?\.com)\.*(?::\d*)?/(?=(?P<path>[^?#]*))"
)
_WORD = re.compile(
    r"https?:[/\\]+[^\s<>`]*[^\s<>`.,:;\"')\]*_~|]|[^\s<>`()\[\]{}\"',;!|*~]*[^\s<>`()\[\]{}\"',;!|*~.:?]",
    re.IGNORECASE,
)
"""What Discord would make a link of; without a scheme, as little around it as can be."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Unicode's ignorable characters: browsers drop them from a host's name."""
_DOTS = str.maketrans("。｡", "..")
_PAGES = ("invite", "template")


def without_invites(text: str) -> str:
    """`text` with REMOVED in the place of each link that leads into a server."""
    text = _PLAIN.sub(REMOVED, text)
    if not any(_ADDRESS.search(form) for form in _forms(text)):
        return text
    return _WORD.sub(lambda word: REMOVED if _is_invite(word[0]) else word[0], text)


def _is_invite(word: str) -> bool:
    return any(_leads_in(found["host"], found["path"]) for form in _forms(word) for found in _ADDRESS.finditer(form))


def _forms(text: str) -> tuple[str, str]:
    """What a browser makes of it, to whom a backslash is a slash, and what Markdown leaves of it, where it escapes."""
    same = unicodedata.normalize("NFKC", unquote(text)).translate(_DOTS)
    bare = _INVISIBLE.sub("", same).lower()
    return bare.replace("\\", "/"), bare.replace("\\", "")


def _leads_in(host: str, path: str) -> bool:
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    if host.endswith(".com"):
        return len(steps) > 1 and steps[0] in _PAGES
    return bool(steps) and any(character.isalnum() for character in steps[0])
