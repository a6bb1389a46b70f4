"""Messages are handed on once, and what was missed is read again, as far as it is fresh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import discord
import pytest

from bot.conversation.hearing import FRESH, READ_AGAIN, REMEMBERED, Hearing
from bot.errands import Errands
from tests.clock import ManualClock


@dataclass
class FakeChannel:
    """Discord's side of a channel: what was said there, oldest first."""

    id: int
    said: list[FakeMessage] = field(default_factory=list)
    is_away: bool = False

    async def history(self, limit: int, after: FakeMessage) -> AsyncIterator[FakeMessage]:
        if self.is_away:
            raise OSError("on purpose")
        for message in [one for one in self.said if one.id > after.id][:limit]:
            yield message


@dataclass
class FakeMessage:
    id: int
    channel: FakeChannel
    created_at: datetime
    guild: None = None


class Ears:
    """A Hearing, and what it handed on."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.heard: list[int] = []
        self.errands = Errands()
        self.hearing = Hearing(self._receive, self.errands, self.clock)

    async def _receive(self, message: discord.Message) -> None:
        self.heard.append(message.id)

    async def hear(self, *messages: FakeMessage) -> list[int]:
        for message in messages:
            self.hearing.hears(cast(discord.Message, message))
        return await self.so_far()

    async def so_far(self) -> list[int]:
        await asyncio.sleep(0)
        return self.heard

    def said(self, message_id: int, channel: FakeChannel, age: timedelta = timedelta(0)) -> FakeMessage:
        channel.said.append(message := FakeMessage(message_id, channel, self.clock.utc() - age))
        return message


@pytest.fixture
def ears() -> Ears:
    return Ears()


async def test_a_message_that_comes_twice_is_handed_on_once(ears: Ears) -> None:
    message = ears.said(1, FakeChannel(7))
    assert await ears.hear(message, message) == [1]
    later = [ears.said(number, FakeChannel(7)) for number in range(2, REMEMBERED + 3)]
    assert len(await ears.hear(*later)) == REMEMBERED + 2
    assert (await ears.hear(later[-1]))[-1] == later[-1].id


async def test_what_was_missed_is_handed_on_once(ears: Ears) -> None:
    here, there, silent = FakeChannel(7), FakeChannel(8), FakeChannel(9)
    await ears.hear(ears.said(1, here), ears.said(2, there))
    ears.hearing.is_cut_off()
    for number, channel in ((3, here), (4, silent), (5, there)):
        ears.said(number, channel)
    await ears.hear(ears.said(6, here))  # the new session begins before anything is read again
    ears.hearing.is_cut_off()
    await ears.hearing.catch_up()
    assert await ears.so_far() == [1, 2, 6, 3, 5]
    await ears.hearing.catch_up()
    assert await ears.so_far() == [1, 2, 6, 3, 5]


async def test_nothing_is_read_again_when_the_session_goes_on(ears: Ears) -> None:
    here = FakeChannel(7)
    await ears.hear(ears.said(1, here))
    ears.hearing.is_cut_off()
    ears.said(2, here)
    ears.hearing.goes_on()
    await ears.hearing.catch_up()
    assert await ears.so_far() == [1]


async def test_what_is_too_old_is_left_alone_and_so_is_a_channel_that_cannot_be_read(ears: Ears) -> None:
    here, away = FakeChannel(7), FakeChannel(8, is_away=True)
    await ears.hear(ears.said(1, away), ears.said(2, here))
    ears.hearing.is_cut_off()
    ears.said(3, here, age=2 * FRESH)
    for number in range(4, 4 + READ_AGAIN):
        ears.said(number, here)
    await ears.hearing.catch_up()
    assert await ears.so_far() == [1, 2, *range(4, 3 + READ_AGAIN)]
