"""How much one person may ask of Steward. Pure but for the clock it is given; does not know Discord or the engine."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.errors import TooManyRequests
from bot.language import N_

WINDOW_S = 60.0
AT_ONCE = 3
"""Requests of one person that may be in work at the same time."""
REMEMBERED_PEOPLE = 10_000
"""The least recent are forgotten beyond this: a limit that can be forgotten is better than memory without one."""

STILL_AT_WORK = N_("I am still working on {count} of your questions. Please wait for an answer.")
TOO_OFTEN = N_("You asked me {count} times in the last minute. Please wait {wait} s, then ask again.")


@dataclass(slots=True)
class _Person:
    begun: deque[float] = field(default_factory=deque)
    in_work: int = 0
    told: bool = False


class PersonalLimits:
    """Counts requests per person over the last minute, and those in work."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._people: OrderedDict[int, _Person] = OrderedDict()

    @contextmanager
    def request(self, person_id: int) -> Iterator[None]:
        """One request of this person while the body runs. Raises TooManyRequests with a sentence for them."""
        person = self._remember(person_id)
        self._require_room(person)
        person.begun.append(self._clock())
        person.in_work += 1
        person.told = False
        try:
            yield
        finally:
            person.in_work -= 1

    def _remember(self, person_id: int) -> _Person:
        person = self._people.setdefault(person_id, _Person())
        self._people.move_to_end(person_id)
        while len(self._people) > REMEMBERED_PEOPLE:
            self._people.popitem(last=False)
        return person

    def _require_room(self, person: _Person) -> None:
        now = self._clock()
        while person.begun and person.begun[0] <= now - WINDOW_S:
            person.begun.popleft()
        if person.in_work >= AT_ONCE:
            self._refuse(person, STILL_AT_WORK, count=person.in_work)
        if len(person.begun) >= self._per_minute:
            wait = math.ceil(person.begun[0] + WINDOW_S - now)
            self._refuse(person, TOO_OFTEN, count=len(person.begun), wait=wait)

    @staticmethod
    def _refuse(person: _Person, sentence: str, **values: int) -> None:
        first, person.told = not person.told, True
        raise TooManyRequests(sentence, first=first, **values)
