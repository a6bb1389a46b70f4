"""Which servers are served: those that the owner lists, or the first one that adds Steward, and no other.

It does not talk to anybody: who is told, and how a server is left, is `client`'s business.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from enum import Enum

from storage.settings import GuildSettings

DECISION_S = 5.0
"""Somebody may speak in a server that Discord has only just shown: how long its adoption is waited for."""


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
        self._refused: set[int] = set()
        self._decision = asyncio.Condition()

    async def serves(self, guild_id: int) -> bool:
        """Whether this server is listed or adopted; waits a while for a decision that is due. Raises StorageError."""
        if guild_id in (self._listed or await self._known()):
            return True
        if self._listed or guild_id in self._refused:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DECISION_S), self._decision:
                await self._decision.wait_for(lambda: guild_id in self._refused or guild_id in (self._adopted or ()))
        return guild_id in await self._known()

    async def served(self) -> set[int]:
        """The ids of all served servers. Raises StorageError."""
        return set(self._listed) or set(await self._known())

    async def welcome(self, guild_id: int, name: str) -> Welcome:
        """Decide about a server that Steward is in; may adopt it. Raises StorageError."""
        async with self._decision:
            if guild_id in await self.served():
                await self._settings.returned(guild_id)
                return Welcome.SERVED
            adopted = await self._known()
            if self._listed or (adopted and not self._adopt_all):
                self._refused.add(guild_id)
                self._decision.notify_all()
                return Welcome.REFUSED
            await self._settings.adopt(guild_id, name)
            adopted.add(guild_id)
            self._decision.notify_all()
            return Welcome.ADOPTED

    async def left(self, guild_id: int) -> None:
        """Steward was removed from this server: what is stored of it goes after a while. Raises StorageError."""
        await self._settings.left(guild_id)

    async def is_only_in(self, guild_ids: Collection[int]) -> None:
        """All other servers were left, perhaps while nobody was connected. Raises StorageError.

        A server that Discord cannot reach just now is among those that Steward is in.
        """
        await self._settings.left_all_but(guild_ids)

    async def _known(self) -> set[int]:
        if self._adopted is None:
            stored = await self._settings.adopted_guilds()
            if self._adopted is None:  # another one may have asked meanwhile, and adopted since
                self._adopted = stored
        return self._adopted
