"""How much one person may ask."""

from __future__ import annotations

import pytest

from bot.errors import TooManyRequests
from bot.limits import AT_ONCE, REMEMBERED_PEOPLE, PersonalLimits


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_minute_moves_on() -> None:
    clock = Clock()
    limits = PersonalLimits(2, clock)
    for _ in range(2):
        with limits.request(1):
            clock.now += 10
    with (
        pytest.raises(TooManyRequests, match=r"2 times in the last minute\. Please wait 40 s") as first,
        limits.request(1),
    ):
        pass
    with pytest.raises(TooManyRequests) as again, limits.request(1):
        pass
    assert (first.value.first, again.value.first) == (True, False)
    with limits.request(2):
        pass
    clock.now += 40
    with limits.request(1):
        pass
    with pytest.raises(TooManyRequests) as later, limits.request(1):
        pass
    assert later.value.first


def test_only_so_many_at_once_and_an_error_frees_the_place() -> None:
    limits = PersonalLimits(100)
    held = [limits.request(1) for _ in range(AT_ONCE)]
    for request in held:
        request.__enter__()
    with pytest.raises(TooManyRequests, match="still working on 3"), limits.request(1):
        pass
    held[0].__exit__(None, None, None)
    with pytest.raises(ZeroDivisionError), limits.request(1):
        raise ZeroDivisionError
    with limits.request(1):
        pass


def test_memory_is_bounded() -> None:
    limits = PersonalLimits(1)
    for person in range(REMEMBERED_PEOPLE + 10):
        with limits.request(person):
            pass
    with limits.request(0):  # forgotten by now
        pass
    assert len(limits._people) == REMEMBERED_PEOPLE
