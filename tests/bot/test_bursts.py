"""Several messages within a moment are one question, where no mention is needed."""

from __future__ import annotations

import asyncio

import pytest

from bot.conversation.bursts import Burst
from bot.conversation.pace import Pace
from tests.bot.conftest import World
from tests.clock import ManualClock
from tests.fakes import ScriptedEngine, reply


class TestWhenItIsOver:
    async def test_after_two_seconds_of_silence(self) -> None:
        clock = ManualClock()
        await Burst(Pace(clock=clock)).over()
        assert clock.seconds == 2.0

    def test_each_message_waits_for_the_next_but_not_for_ever(self) -> None:
        clock = ManualClock()
        burst = Burst(Pace(clock=clock))
        ends = []
        for clock.seconds in (1.5, 3.0, 4.5, 6.0, 7.5):
            burst.said()
            ends.append(burst.over_at)
        assert ends == [3.5, 5.0, 6.5, 8.0, 8.0]

    def test_typing_is_waited_for_until_it_ends_in_a_message(self) -> None:
        clock = ManualClock()
        burst = Burst(Pace(clock=clock))
        burst.typed()
        assert burst.over_at == 8.0
        clock.seconds = 3.0
        burst.said()
        assert burst.over_at == 5.0


@pytest.mark.settings(bot={"direct_messages": "everyone"})
class TestInPrivate:
    async def test_messages_before_the_first_word_are_one_question(self, world: World, engine: ScriptedEngine) -> None:
        zoe, hold = world.env.create_user("Zoe"), asyncio.Event()
        channel = zoe.dm_channel
        engine.enqueue(reply(pieces=[asyncio.Event(), "Never."]), reply(pieces=[hold, "Both."]), reply("Third."))
        for number, text in enumerate(("bees dance", "why do they?")):
            world.env.backend.create_message(channel.id, zoe.id, text)
            await engine.received(number + 1)
        hold.set()
        await world.env.settle()
        assert world.said(channel) == ["Both."]
        assert engine.requests[0].disconnected.is_set()
        assert engine.requests[1].texts[1:] == ["Zoe: bees dance\nZoe: why do they?"]
