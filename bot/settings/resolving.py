"""Which of several choices holds: a channel's over a role's over the server's over what the owner's file says. Pure.

A thread takes its own channel's choices. Of several roles of a person the highest one that says something counts.
What is stored but cannot be (an older version wrote it) counts as not chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.settings import catalogue
from bot.settings.rules import Rules
from bot.settings.values import BadValue, Spec, Value
from storage.settings import Place, Scope

Chosen = Mapping[tuple[Place, str], Any]
"""All that is set in one server, as `GuildSettings.chosen` gives it."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place and a person, as far as they matter: `channels` the nearest first, `roles` the highest first."""

    guild_id: int
    channels: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()

    @property
    def places(self) -> list[Place]:
        """Where choices for it may have been made, the strongest first."""
        channels = [Place(self.guild_id, Scope.CHANNEL, channel) for channel in self.channels]
        roles = [Place(self.guild_id, Scope.ROLE, role) for role in self.roles]
        return [*channels, *roles, Place(self.guild_id)]

    @classmethod
    def of(cls, place: Place) -> Where:
        """A place as the panel shows it: the server, one channel, or one role, for nobody in particular."""
        channels = (place.target_id,) if place.scope is Scope.CHANNEL else ()
        roles = (place.target_id,) if place.scope is Scope.ROLE else ()
        return cls(place.guild_id, channels, roles)


@dataclass(frozen=True, slots=True)
class Held:
    """A value and where it was chosen; None: nowhere, so what the owner's file says holds."""

    value: Value
    source: Place | None


def held(spec: Spec, where: Where, chosen: Chosen, defaults: Rules) -> Held:
    """What holds there, and why."""
    for place in where.places:
        if place.scope not in spec.scopes or (place, spec.name) not in chosen:
            continue
        try:
            return Held(spec.checked(chosen[place, spec.name]), place)
        except BadValue:
            continue
    return Held(default(spec, defaults), None)


def anywhere(spec: Spec, guild_id: int, chosen: Chosen, defaults: Rules) -> list[Value]:
    """Every value that holds in a server as a whole or by the choice of one of its channels, the server's first."""
    places = [place for place, name in chosen if name == spec.name and place.scope is Scope.CHANNEL]
    found = [held(spec, Where.of(place), chosen, defaults).value for place in [Place(guild_id), *places]]
    return [value for index, value in enumerate(found) if value not in found[:index]]


def default(spec: Spec, defaults: Rules) -> Value:
    """What holds where nobody chose anything."""
    value = getattr(defaults, spec.name)
    return list(value) if isinstance(value, tuple) else value


def rules(where: Where, chosen: Chosen, defaults: Rules) -> Rules:
    """All that holds there."""
    values: dict[str, Any] = asdict(defaults)
    for spec in catalogue.EVERYTHING:
        value = held(spec, where, chosen, defaults).value
        values[spec.name] = tuple(value) if isinstance(value, list) else value
    return Rules(**values)
