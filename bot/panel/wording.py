"""What the panel says: names of places, where a value comes from, who changed what. Sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import discord

from bot.settings import catalogue
from bot.settings.resolving import Chosen, Held, Where, held
from bot.settings.rules import Rules
from bot.settings.values import BadValue, Spec, Value
from storage.records import NOBODY
from storage.settings import Change, Place, Scope

AS_INSTALLED = "as installed"
FOOTER = "Choose below what to change. It holds at once."
NO_CHANGES = "Nobody has changed anything yet."
_MOST_OWN = 10
"""Channels and roles with choices of their own that are named on the server's page."""


class Wording:
    """Words about one server."""

    def __init__(self, guild: discord.Guild) -> None:
        self._guild = guild

    def place(self, place: Place) -> str:
        """A place by name: "#general", "@Club", or the server's name."""
        if place.scope is Scope.CHANNEL:
            channel = self._guild.get_channel_or_thread(place.target_id)
            return f"#{channel.name}" if channel else "a channel that is gone"
        if place.scope is Scope.ROLE:
            role = self._guild.get_role(place.target_id)
            return f"@{role.name.removeprefix('@')}" if role else "a role that is gone"
        return self._guild.name

    def value(self, spec: Spec, value: Value) -> str:
        """A value in words, safe to be shown."""
        roles = [self.place(Place(self._guild.id, Scope.ROLE, one)) for one in value] if isinstance(value, list) else ()
        return discord.utils.escape_markdown(spec.shown(value, roles))

    def source(self, found: Held, here: Place) -> str:
        """Where a value comes from, seen from the page of `here`."""
        if found.source is None:
            return AS_INSTALLED
        if found.source == here:
            return "chosen here"
        return (
            "chosen for the server" if found.source.scope is Scope.GUILD else f"chosen for {self._named(found.source)}"
        )

    def overview(self, here: Place, chosen: Chosen, defaults: Rules) -> str:
        """All that can be chosen there: what holds now, and why."""
        lines = []
        for spec in catalogue.for_scope(here.scope):
            found = held(spec, Where.of(here), chosen, defaults)
            lines.append(f"**{spec.title}:** {self.value(spec, found.value)} · *{self.source(found, here)}*")
        if here.scope is Scope.GUILD and (own := self._own(chosen)):
            lines.append(f"\nWith choices of their own: {own}")
        return "\n".join(lines)

    def one(self, spec: Spec, here: Place, chosen: Chosen, defaults: Rules) -> str:
        """One thing that can be chosen: what it means, what holds, and what would without the choice made here."""
        found = held(spec, Where.of(here), chosen, defaults)
        lines = [spec.says, "", f"**Now:** {self.value(spec, found.value)} · *{self.source(found, here)}*"]
        if isinstance(found.value, str) and len(found.value) > len(self.value(spec, found.value)):
            lines.append(f">>> {discord.utils.escape_markdown(found.value)}")
        return "\n".join(lines)

    def change(self, change: Change) -> str:
        """One line of the audit log."""
        spec = catalogue.BY_NAME.get(change.name)
        title = spec.title if spec else change.name
        where = "" if change.place.scope is Scope.GUILD else f" for {self._named(change.place)}"
        who = f"<@{change.person_id}>" if change.person_id != NOBODY else "somebody who left no data"
        moment = discord.utils.format_dt(change.changed_at, "R")
        return f"{moment} {who}: **{title}**{where}: {self._old(spec, change.old)} → {self._old(spec, change.new)}"

    def log(self, changes: Sequence[Change]) -> str:
        """The audit log, or a part of it."""
        return "\n".join(map(self.change, changes)) or NO_CHANGES

    def _old(self, spec: Spec | None, value: object) -> str:
        """A value of any time: what can no longer be chosen is shown as it was stored."""
        if value is None:
            return "not chosen"
        try:
            return self.value(spec, spec.checked(value)) if spec else str(value)
        except BadValue:
            return discord.utils.escape_markdown(str(value)[:60])

    def _named(self, place: Place) -> str:
        """`place`, amid other text: whoever may name a role could else write links and more there."""
        return discord.utils.escape_markdown(self.place(place))

    def _own(self, chosen: Chosen) -> str:
        counts = Counter(
            place for place, name in chosen if place.scope is not Scope.GUILD and name in catalogue.BY_NAME
        )
        named = [f"{self.place(place)} ({count})" for place, count in counts.most_common(_MOST_OWN)]
        more = len(counts) - len(named)
        return discord.utils.escape_markdown(", ".join(named)) + (f" and {more} more" if more > 0 else "")
