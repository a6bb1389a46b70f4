"""Which channels are mirrored into which, kept in memory: every message asks, and none may wait for it.

It does not know what is posted, nor who may set up a pair.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from storage.mirrors import Mirrors, Side, StoredMirror


class Pairs:
    """The mirrors of all servers. Methods that are awaited raise StorageError."""

    def __init__(self, stored: Mirrors) -> None:
        self._stored = stored
        self._known: dict[int, StoredMirror] = {}

    async def load(self) -> None:
        """Take over what an earlier run left."""
        self._known = {mirror.id: mirror for mirror in await self._stored.all()}

    def of(self, channel_id: int) -> list[StoredMirror]:
        """Those that carry what is said there somewhere else right now."""
        return [one for one in self._known.values() if channel_id in one.channel_ids and not one.stopped]

    def running(self) -> list[StoredMirror]:
        """All that do not rest."""
        return [one for one in self._known.values() if not one.stopped]

    def in_guild(self, guild_id: int) -> list[StoredMirror]:
        """All of a server, also those that rest."""
        return [one for one in self._known.values() if one.guild_id == guild_id]

    def get(self, mirror_id: int) -> StoredMirror | None:
        """One of them, if it is there still and does not rest."""
        found = self._known.get(mirror_id)
        return None if found is None or found.stopped else found

    async def put(self, guild_id: int, one: Side, other: Side, confirmed: Collection[str], by: int) -> StoredMirror:
        """Begin, or begin anew."""
        made = await self._stored.put(guild_id, one, other, confirmed, by)
        self._known[made.id] = made
        return made

    async def rest(self, mirror: StoredMirror, why: str) -> bool:
        """Let one rest; False where it does already, so that this is told once."""
        if self.get(mirror.id) is None:
            return False
        self._known[mirror.id] = replace(mirror, stopped=why)
        await self._stored.rest(mirror.id, why)
        return True

    async def end(self, mirror: StoredMirror) -> None:
        """It is over, and what stood for what is forgotten."""
        self._known.pop(mirror.id, None)
        await self._stored.end(mirror.id)

    async def end_in(self, channel_id: int) -> None:
        """The channel is gone."""
        self._known = {key: one for key, one in self._known.items() if channel_id not in one.channel_ids}
        await self._stored.end_in(channel_id)
