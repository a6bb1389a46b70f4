"""Where moderators have paused Steward, and until when, also after a restart. Does not know what is stopped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.errors import Refusal
from storage.settings import GuildSettings

PAUSED_UNTIL = "paused_until"
"""Name of the setting of a server or a channel that keeps its pause: a moment, as ISO 8601 has it."""
NOBODY = 0
"""By whom a pause ends that is over."""
LONGEST = timedelta(days=28)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(?:\d{1,5}[mhd])+")
_PIECE = re.compile(r"(\d+)([mhd])")


class Paused(Refusal):
    """A moderator wants silence here."""


class Pauses:
    """Servers and channels in which Steward says nothing, by their ids."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[int, datetime] = {}

    async def restore(self, settings: GuildSettings) -> None:
        """Take over the pauses of an earlier run. Raises StorageError."""
        now = self._clock.utc()
        for place, value in (await settings.places(PAUSED_UNTIL)).items():
            until = datetime.fromisoformat(value)
            if until > now:
                self._until[place.target_id or place.guild_id] = until
            else:
                await settings.put(place, PAUSED_UNTIL, None, by=NOBODY)

    def pause(self, place_id: int, length: timedelta) -> datetime:
        """Pause in a server or a channel; until when."""
        until = self._until[place_id] = self._clock.utc() + length
        return until

    def resume(self, *place_ids: int) -> bool:
        """Pause no longer; whether there was a pause."""
        return any([self._until.pop(place_id, None) is not None for place_id in place_ids])

    def require_none(self, *place_ids: int) -> None:
        """Raises Paused when one of these places (a channel, the one it belongs to, its server) is paused."""
        if ends := self._ends(place_ids):
            raise Paused(f"A moderator has paused me here until {stamp(max(ends))}.")

    def hold(self, *place_ids: int) -> bool:
        """Whether one of these places is paused."""
        return bool(self._ends(place_ids))

    def _ends(self, place_ids: Iterable[int]) -> list[datetime]:
        now = self._clock.utc()
        return [until for place_id in place_ids if (until := self._until.get(place_id)) is not None and until > now]


def duration(text: str) -> timedelta:
    """ "30m", "1h", "1d12h". Raises Refusal."""
    if not _DURATION.fullmatch(text.strip().lower()):
        raise Refusal("Please say how long as `30m`, `1h` or `2d`, or `off` to end a pause.")
    length = sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in _PIECE.findall(text.lower())), timedelta())
    if not timedelta() < length <= LONGEST:
        raise Refusal(f"A pause lasts between one minute and {LONGEST.days} days.")
    return length


def stamp(moment: datetime) -> str:
    """A moment as Discord shows it to each reader in their own time."""
    return f"<t:{int(moment.timestamp())}:f>"
