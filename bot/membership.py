"""Which servers are served: those that the owner lists, or the first one that adds Steward, and no other.

It does not talk to anybody: who is told, and how a server is left, is `client`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from enum import Enum

from storage.settings import GuildSettings


class Welcome(Enum):
    """What a server means to Steward."""

    SERVED = "served"
    ADOPTED = "adopted just now"
    REFUSED = "refused"


class Membership:
    """The served servers. `listed` is [bot] guilds; `adopt_all` is for the playground: its servers are all ours."""

    def __init__(self, listed: Collection[int], settings: GuildSettings, *, adopt_all: bool = False) -> None:
        self._listed = frozenset(listed)
        self._settings = settings
        self._adopt_all = adopt_all
        self._adopted: set[int] | None = None
        self._deciding = asyncio.Lock()

    async def serves(self, guild_id: int) -> bool:
        """Whether this server is listed or was adopted. Raises StorageError."""
        return guild_id in (self._listed or await self._known())

    async def served(self) -> set[int]:
        """The ids of all served servers. Raises StorageError."""
        return set(self._listed) or set(await self._known())

    async def welcome(self, guild_id: int, name: str) -> Welcome:
        """Decide about a server that Steward is in; may adopt it. Raises StorageError."""
        async with self._deciding:
            if await self.serves(guild_id):
                return Welcome.SERVED
            adopted = await self._known()
            if self._listed or (adopted and not self._adopt_all):
                return Welcome.REFUSED
            await self._settings.adopt(guild_id, name)
            adopted.add(guild_id)
            return Welcome.ADOPTED

    async def _known(self) -> set[int]:
        if self._adopted is None:
            self._adopted = await self._settings.adopted_guilds()
        return self._adopted
