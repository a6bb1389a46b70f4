"""One answer at a time per conversation, in the order of arrival, and only so many waiting."""

from __future__ import annotations

import asyncio

import pytest

from bot.conversation.lanes import Lanes
from bot.errors import TooManyRequests
from tests.waiting import until


async def test_turns_follow_each_other_in_order_and_other_lanes_are_free() -> None:
    lanes, done = Lanes(), []
    release = asyncio.Event()

    async def take(key: str, name: str) -> None:
        with lanes.line(key) as place:
            await place.turn()
            if name == "first":
                await release.wait()
            done.append(name)

    async with asyncio.TaskGroup() as group:
        for key, name in (("a", "first"), ("a", "second"), ("a", "third"), ("b", "other")):
            group.create_task(take(key, name))
        await until(lambda: "other" in done)
        assert done == ["other"]
        release.set()
    assert done == ["other", "first", "second", "third"]


async def test_a_long_line_refuses_the_next_and_is_open_again_later() -> None:
    lanes = Lanes(longest_line=1)
    with lanes.line("a"):
        waiting = asyncio.create_task(_pass_through(lanes))
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests, match="2 questions already wait"):
            await _pass_through(lanes)
    await waiting
    await _pass_through(lanes)


async def test_a_turn_that_fails_or_is_cancelled_leaves_the_lane() -> None:
    lanes = Lanes(longest_line=1)
    with pytest.raises(ZeroDivisionError), lanes.line("a"):
        raise ZeroDivisionError
    with lanes.line("a"):
        waiting = asyncio.create_task(_pass_through(lanes))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        next_one = asyncio.create_task(_pass_through(lanes))
        await asyncio.sleep(0)
    await next_one


async def _pass_through(lanes: Lanes) -> None:
    with lanes.line("a") as place:
        await place.turn()
