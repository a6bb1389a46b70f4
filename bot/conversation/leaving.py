"""When somebody wants to be left out, or all that is kept of them deleted: what is being written for them ends, what is
stored goes, no copy of it stays in memory, and what is being written for others from their words is written anew.

It does not know who holds copies: they say so by `also`. What is stored where is `storage.privacy`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from weakref import WeakValueDictionary

from bot.conversation.running import Replies, Why
from bot.tally import Tally
from storage.privacy import Privacy, Receipt
from storage.usage import Usage

LIMITS_HOLD = "How much you used of me today stays in memory until midnight (UTC), so that limits hold; not for what."
Delete = Callable[[int, int | None], Awaitable[Receipt]]
Forget = Callable[[int, int | None], None]
"""Drops what is held of a person, in one server or (None) everywhere; before what is stored goes, and again after."""

Before = Callable[[int, int | None], Awaitable[None]]
"""Looks up what stands elsewhere for a person's words, before what is stored of that goes."""


class Leaving:
    """Carries it out. Methods raise StorageError."""

    def __init__(
        self, privacy: Privacy, replies: Replies, usage: Usage, tally: Tally, utc: Callable[[], datetime]
    ) -> None:
        self._privacy = privacy
        self._replies = replies
        self._usage = usage
        self._tally = tally
        self._utc = utc
        self._forgets: list[Forget] = []
        self._before: list[Before] = []
        self._one_at_a_time: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def also(self, forget: Forget) -> None:
        """Whoever holds copies of what people wrote drops them by this."""
        self._forgets.append(forget)

    def first(self, before: Before) -> None:
        """Whoever has to take back what stands elsewhere looks it up by this."""
        self._before.append(before)

    async def delete(self, person_id: int, guild_id: int | None) -> Receipt:
        """Delete everything about this person, there or (None) everywhere."""
        self._end(person_id, guild_id)
        for before in self._before:
            await before(person_id, guild_id)
        try:
            return await self._limited(self._privacy.delete, person_id, guild_id)
        finally:
            self._forget(person_id, guild_id)
            self._replies.without(person_id, guild_id)

    async def opt_out(self, person_id: int, guild_id: int | None) -> Receipt:
        """The same, and from now on nothing of this person is stored."""
        self._end(person_id, guild_id)
        for before in self._before:
            await before(person_id, guild_id)
        try:
            return await self._limited(self._privacy.opt_out, person_id, guild_id)
        finally:
            self._end(person_id, guild_id)  # again: what they asked a moment before it was known
            self._replies.without(person_id, guild_id)

    async def _limited(self, delete: Delete, person_id: int, guild_id: int | None) -> Receipt:
        """Delete it, and go on holding them to their limits of today: these would begin anew else."""
        async with self._one_at_a_time.setdefault(person_id, asyncio.Lock()):  # else both would count the same use
            used = await self._usage.by_server(person_id, self._utc(), guild_id)
            receipt = await delete(person_id, guild_id)
            self._tally.deleted(person_id, used)
        return replace(receipt, kept=[*receipt.kept, LIMITS_HOLD]) if used else receipt

    def _end(self, person_id: int, guild_id: int | None) -> None:
        self._replies.stop_for(person_id, guild_id, Why.LEFT)
        self._forget(person_id, guild_id)

    def _forget(self, person_id: int, guild_id: int | None) -> None:
        for forget in self._forgets:
            forget(person_id, guild_id)
