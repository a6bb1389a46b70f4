"""What stands in a copy: whose name and picture, which text in how many messages, what is said around it. Pure.

The text is somebody's own words, so mentions look as they do in the original; nobody is notified by them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.conversation.reading import text_of
from bot.conversation.rendering import DISCORD_LIMIT, length, neutralize, render, small
from bot.language import N_, _

LONGEST_NAME = 80
"""Characters of the name that a webhook may post under."""
NOT_TRANSLATED = N_("I could not translate this one, so it stands here as it was written.")
CUT = N_("The model read only the beginning; all of it is in the [original]({link}).")
LONGER = N_("It is longer now; all of it is in the [original]({link}).")
OWN_WORDS = N_("I leave [this message]({link}) out: there are words in it that I do not say.")
IN_REPLY = "↪ {name}"
IN_REPLY_LINKED = "↪ [{name}]({link})"
_REFUSED = re.compile(r"d(?=iscord)|c(?=lyde)", re.IGNORECASE)
_TAKEN = frozenset({"everyone", "here"})
_NAMED = re.compile(r"<(@[!&]?\d+)>")
_ZERO_WIDTH_SPACE, _HAIR_SPACE = "\u200b", "\u200a"
_BRACKETS = str.maketrans("[]", "()")


@dataclass(frozen=True, slots=True)
class Face:
    """Under which name and picture somebody's words stand elsewhere."""

    name: str
    picture: str

    @classmethod
    def of(cls, person: discord.abc.User) -> Face:
        """Somebody as the server knows them."""
        return cls(webhook_name(person.display_name), person.display_avatar.url)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said, as far as it is copied: `words` are translated, `files` are linked, `link` leads to it."""

    words: str
    files: tuple[str, ...]
    link: str

    @classmethod
    def of(cls, message: discord.Message) -> Said:
        """A message's own text; of one that has none (a poll, something forwarded) what can be read in it."""
        files = tuple(map(_file, message.attachments)) + tuple(
            f"[{neutralize(one.name).translate(_BRACKETS)}]({one.url})" for one in message.stickers
        )
        words = message.content if message.content or files else text_of(message)
        return cls(words, files, message.jump_url)


def webhook_name(name: str) -> str:
    """A name that Discord takes for a webhook: it refuses its own names in any, and longer ones than it shows."""
    plain = _REFUSED.sub(lambda match: match[0] + _HAIR_SPACE, " ".join(name.split()))
    if plain.casefold() in _TAKEN or not plain:
        plain = f"{plain}." if plain else "?"
    while length(plain) > LONGEST_NAME:
        plain = plain[:-1]
    return plain


def texts(words: str, said: Said, *, above: str = "", under: str = "") -> list[str]:
    """The messages that show these words, a translation of what was said; `above` and `under` are remarks around them.

    The files' links come last; what does not fit under the words is a message of its own."""
    shown = [_as_named(part.shown, said.words) for part in render(words, limit=DISCORD_LIMIT - length(above) - 1)]
    if above:
        shown = [f"{above}\n{shown[0]}", *shown[1:]] if shown else [above]
    for line in (*said.files, *filter(None, [under])):
        if shown and length(shown[-1]) + 1 + length(line) <= DISCORD_LIMIT:
            shown[-1] += f"\n{line}"
        elif length(line) <= DISCORD_LIMIT:
            shown.append(line)
    return shown


def fitted(shown: Sequence[str], room: int, link: str) -> list[str]:
    """These messages in the place of `room` others: what is too much is left out, with a link to all of it."""
    if len(shown) <= room:
        return list(shown)
    *first, last = shown[:room]
    remark = small(_(LONGER, link=link))
    while length(last) + 1 + length(remark) > DISCORD_LIMIT:
        last = last[: -max(1, length(last) + 1 + length(remark) - DISCORD_LIMIT)]
    return [*first, f"{last}\n{remark}"]


def in_reply(name: str, link: str | None) -> str:
    """One small line that says to whom a message replies, with a link to where that stands in the same channel."""
    called = neutralize(discord.utils.escape_markdown(name)).translate(_BRACKETS)
    return small((IN_REPLY_LINKED if link else IN_REPLY).format(name=called, link=link))


def _as_named(shown: str, words: str) -> str:
    """Mentions that stood in the original look like mentions again."""
    for named in {match[1] for match in _NAMED.finditer(words)}:
        shown = shown.replace(f"<{_ZERO_WIDTH_SPACE}{named}>", f"<{named}>")
    return shown


def _file(file: discord.Attachment) -> str:
    """A link under the file's name; what was hidden stays hidden."""
    link = f"[{neutralize(file.filename).translate(_BRACKETS)}]({file.url})"
    return f"||{link}||" if file.is_spoiler() else link
