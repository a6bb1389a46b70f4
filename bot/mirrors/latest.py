"""Numbers by the ids of the latest messages, such as a hash of what each says; older ones are forgotten."""

from __future__ import annotations

from collections import OrderedDict

REMEMBERED = 2_000
"""Messages that may still be under way."""


class Latest:
    """Numbers by the ids of the latest messages."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, int] = OrderedDict()

    def __contains__(self, message_id: int) -> bool:
        return message_id in self._kept

    def changed(self, message_id: int, value: int = 0) -> bool:
        """Remember it; whether another one, or none, was remembered."""
        before = self._kept.pop(message_id, None)
        self._kept[message_id] = value
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return before != value
