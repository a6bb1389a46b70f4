"""Questions that a proxy (PluralKit) deletes and posts again under another name: both halves are brought together.

Either may come first. It does not know what is done with the pair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

import discord

from bot.conversation.pace import Pace

REMEMBERED = 100
"""Messages that wait for their other half; each does for a few seconds only."""

Waiting = deque[tuple[float, discord.Message]]
"""Messages, each with the moment from which it waits."""


class Proxies:
    """The proxies that the owner allows, by the ids of their applications."""

    def __init__(self, allowed: Collection[int], pace: Pace) -> None:
        self._allowed = frozenset(allowed)
        self._pace = pace
        self._deleted: Waiting = deque(maxlen=REMEMBERED)
        self._reposted: Waiting = deque(maxlen=REMEMBERED)

    @property
    def are_allowed(self) -> bool:
        """Whether there are any: else nobody waits for a copy of what was deleted."""
        return bool(self._allowed)

    def wrote(self, message: discord.Message) -> bool:
        """Whether this is a proxy's copy of what somebody said."""
        return message.webhook_id is not None and message.application_id in self._allowed

    def deleted(self, original: discord.Message) -> discord.Message | None:
        """The copy of what was deleted just now, if it is there already; else it is waited for."""
        copy = self._taken(self._reposted, lambda copy: is_copy(original, copy))
        if copy is None:
            self._deleted.append((self._pace.clock.now(), original))
        return copy

    def reposted(self, copy: discord.Message) -> discord.Message | None:
        """The deleted original of this copy; None where it is still to be deleted."""
        original = self._taken(self._deleted, lambda original: is_copy(original, copy))
        if original is None:
            self._reposted.append((self._pace.clock.now(), copy))
        return original

    def _taken(self, waiting: Waiting, fits: Callable[[discord.Message], bool]) -> discord.Message | None:
        """The first that waits for its other half, and not too long."""
        oldest = self._pace.clock.now() - self._pace.repost_s
        found = next((entry for entry in waiting if entry[0] >= oldest and fits(entry[1])), None)
        if found is None:
            return None
        waiting.remove(found)
        return found[1]


def is_copy(original: discord.Message, copy: discord.Message) -> bool:
    """Whether a proxy made `copy` from `original`: it takes away the marks by which it was told to."""
    text = copy.content.strip()
    return bool(text) and original.channel.id == copy.channel.id and text in original.content
