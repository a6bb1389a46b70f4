"""Which messages an answer takes on Discord: what each shows, the buttons under the last, and the file of a long one.

Knows neither Discord's requests nor what stands there already (`streaming` does).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import discord

from bot.conversation.buttons import Buttons
from bot.conversation.long_answers import TextFile, long_answer
from bot.conversation.rendering import Part, render


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one message should show; of one that stands, `buttons` may be unknown (None) and `file`, too (UNKNOWN)."""

    part: Part
    buttons: Buttons | None = ()
    file: TextFile | None = None

    def looks_like(self, other: Wanted) -> bool:
        """Whether people see the same; the model's own text behind it may have grown."""
        return (self.part.shown, self.buttons, self.file) == (other.part.shown, other.buttons, other.file)


UNKNOWN = TextFile("", "")
"""Some file or other, which is not the one that is wanted."""


def layout(text: str, footer: str, buttons: Buttons, *, is_whole: bool, may_attach: bool) -> list[Wanted]:
    """The messages of an answer; none where there is nothing to see. `is_whole`: else more of it comes."""
    long = long_answer(text, footer, is_whole=is_whole) if may_attach else None
    parts = long.parts if long else render(text, footer)
    if not parts:
        return []
    return [*map(Wanted, parts[:-1]), Wanted(parts[-1], buttons, long.file if long else None)]


def may_attach(channel: discord.abc.MessageableChannel) -> bool:
    """Whether Steward may post files there."""
    if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return channel.permissions_for(channel.guild.me).attach_files
    return True


def of_earlier(state: Wanted) -> Wanted:
    """What stands there when nobody knows what it looked like."""
    return replace(state, buttons=None, file=UNKNOWN)


def uploads(file: TextFile | None) -> list[discord.File]:
    """What to send, anew for each request: discord.py closes what it has sent."""
    return [discord.File(io.BytesIO(file.content.encode()), file.name)] if file else []
