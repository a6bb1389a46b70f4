"""People type in bursts: several messages within a moment are one question. Pure but for the clock it is given."""

from __future__ import annotations

from bot.conversation.pace import Pace


class Burst:
    """Messages of one person that belong together, from the first one on."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._begun = self._last = pace.clock.now()
        self._is_typing = False

    def said(self) -> None:
        """There is a further message."""
        self._last = self._pace.clock.now()
        self._is_typing = False

    def typed(self) -> None:
        """The person is typing: a further message comes soon."""
        self._is_typing = True

    @property
    def over_at(self) -> float:
        """When nothing more is waited for, by the clock: after a short silence, and in any case after a while."""
        longest = self._begun + self._pace.longest_burst_s
        return longest if self._is_typing else min(self._last + self._pace.quiet_s, longest)

    async def over(self) -> None:
        """Return when nothing more is waited for."""
        clock = self._pace.clock
        while (left := self.over_at - clock.now()) > 0:
            await clock.sleep(left)
