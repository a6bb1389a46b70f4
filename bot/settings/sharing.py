"""What all people with one role may use together: which limits hold for somebody, and for which roles is counted. Pure.

Each of somebody's roles that has such a limit is counted for; of their roles the highest one that has it is what holds
for them, as with everything that can be chosen for a role.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.settings import catalogue
from bot.settings.resolving import Chosen, Where, held
from bot.settings.rules import Rules
from bot.settings.values import counted
from storage.settings import Place, Scope
from storage.usage import Used

SHARED = (catalogue.ROLE_REQUESTS_PER_DAY, catalogue.ROLE_TOKENS_PER_DAY)


@dataclass(frozen=True, slots=True)
class Share:
    """So many requests, or tokens (`unit`), for all people with this role together."""

    role_id: int
    limit: int
    unit: str

    def used(self, used: Used) -> int:
        """What of it is used."""
        return used.tokens if self.unit == catalogue.ROLE_TOKENS_PER_DAY.unit else used.requests

    @property
    def words(self) -> str:
        """ "300 requests"."""
        return counted(self.limit, self.unit)


def shares_of(spot: Where, chosen: Chosen, defaults: Rules) -> list[Share]:
    """The limits that somebody shares with others."""
    found = [(spec, held(spec, spot, chosen, defaults)) for spec in SHARED]
    return [
        Share(one.source.target_id, one.value, spec.unit)
        for spec, one in found
        if one.source is not None and isinstance(one.value, int) and one.value
    ]


def all_shares(guild_id: int, chosen: Chosen, defaults: Rules) -> list[Share]:
    """All such limits of a server, by role."""
    roles = sorted({place.target_id for place, _ in chosen if place.scope is Scope.ROLE})
    return [share for role in roles for share in shares_of(Where(guild_id, roles=(role,)), chosen, defaults)]


def counted_roles(spot: Where, chosen: Chosen) -> list[int]:
    """Those of somebody's roles for which everybody's use is summed up."""
    names = [spec.name for spec in SHARED]
    return [
        role for role in spot.roles if any(chosen.get((Place(spot.guild_id, Scope.ROLE, role), name)) for name in names)
    ]
