"""The line of a channel: in order, together where it can be, bounded, and not held up by one failure."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from bot.errands import Errands
from bot.mirrors.lanes import MOST_WAITING, TOGETHER, Edited, Gone, Lanes, New
from tests.waiting import until


class Record:
    """What came out of the line; the first work waits until it may begin."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.may_begin = asyncio.Event()
        self.errands = Errands()
        self.lanes = Lanes(self.errands, said=self.said, changed=self.changed, full=self.full)

    async def said(self, messages: Sequence[Any]) -> None:
        await self.may_begin.wait()
        self.seen.append(list(messages))
        if "bad" in messages:
            raise ValueError("this one cannot be carried")

    async def changed(self, event: Edited | Gone) -> None:
        self.seen.append(event)

    async def full(self, left_out: Collection[Any]) -> None:
        self.seen.append(("left out", len(left_out)))

    async def done(self, count: int) -> list[Any]:
        """So many times something came out."""
        self.may_begin.set()
        await until(lambda: len(self.seen) >= count)
        await self.errands.close()
        return self.seen


def new(words: object) -> New:
    return New(words)  # type: ignore[arg-type]


async def test_what_is_said_in_a_row_goes_together_and_all_stays_in_order() -> None:
    record, edited = Record(), Edited("b")  # type: ignore[arg-type]
    for event in (new("a"), new("b"), edited, new("c"), Gone((1,)), new("d")):
        record.lanes.enter(1, event)
    assert await record.done(5) == [["a", "b"], edited, ["c"], Gone((1,)), ["d"]]
    record.lanes.enter(1, new("e"))
    assert (await record.done(6))[-1] == ["e"]


async def test_one_that_fails_holds_up_no_other() -> None:
    record = Record()
    for event in (new("bad"), Gone((1,)), new("a")):
        record.lanes.enter(1, event)
    assert await record.done(3) == [["bad"], Gone((1,)), ["a"]]


async def test_what_finds_the_line_full_is_left_out_and_counted() -> None:
    record = Record()
    for number in range(MOST_WAITING + 3):
        record.lanes.enter(1, new(number))
    seen = await record.done(-(-MOST_WAITING // TOGETHER) + 1)
    assert [one for some in seen[:-1] for one in some] == list(range(MOST_WAITING))
    assert max(len(some) for some in seen) <= TOGETHER
    assert seen[-1] == ("left out", 3)
