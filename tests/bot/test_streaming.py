"""An answer on Discord while it grows, on a Discord made for it: every request is written down with its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import cast

import discord
import pytest

from bot.conversation.channel_clock import ChannelClock, ChannelClocks
from bot.conversation.own_text import OwnText, WordList
from bot.conversation.pace import Pace
from bot.conversation.rendering import Part
from bot.conversation.shown import AnyMessage
from bot.conversation.streaming import LiveReply
from tests.waiting import until


class FakeResponse:
    """Just enough for discord.HTTPException."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = "scripted"


def refusal(status: int) -> discord.HTTPException:
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    return kinds.get(status, discord.HTTPException)(cast("object", FakeResponse(status)), "scripted")  # type: ignore[arg-type]


@dataclass
class FakeChannel:
    """A channel that takes `took_s` for each request and fails those that `fails` names."""

    id: int = 1
    took_s: float = 0.0
    fails: Callable[[str, str], int | None] = lambda verb, content: None
    log: list[tuple[str, int, str]] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    typings: int = 0
    ids: count[int] = field(default_factory=lambda: count(100))

    async def request(self, verb: str, message_id: int, content: str) -> None:
        self.begun.append(asyncio.get_running_loop().time())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.took_s)
            status = self.fails(verb, content)
            if status is not None:
                raise refusal(status)
            self.log.append((verb, message_id, content))
        finally:
            self.in_flight -= 1

    async def send(self, content: str, **_: object) -> FakeMessage:
        message = FakeMessage(next(self.ids), self)
        await self.request("send", message.id, content)
        return message

    async def typing(self) -> None:
        self.typings += 1

    @property
    def shown(self) -> dict[int, str]:
        """What the channel shows now, by message."""
        now: dict[int, str] = {}
        for verb, message_id, content in self.log:
            if verb == "delete":
                del now[message_id]
            else:
                now[message_id] = content
        return now


@dataclass
class FakeMessage:
    id: int
    channel: FakeChannel

    async def edit(self, *, content: str, **_: object) -> None:
        await self.channel.request("edit", self.id, content)

    async def delete(self) -> None:
        await self.channel.request("delete", self.id, "")

    def to_reference(self, *, fail_if_not_exists: bool) -> object:
        return object()


PACE = Pace()
EDIT_INTERVAL_S = PACE.edit_interval_s


async def nothing(message: AnyMessage, part: Part, before: AnyMessage) -> None:
    """Done when a message is posted."""


def live_in(channel: FakeChannel, clock: ChannelClock | None = None) -> LiveReply:
    return LiveReply(cast(discord.Message, FakeMessage(1, channel)), clock or ChannelClock(PACE), nothing, PACE)


async def test_a_quick_answer_is_one_message() -> None:
    channel = FakeChannel()
    async with live_in(channel) as live:
        live.show("Hel")
        live.show("Hello there")
        await live.finish("Hello there.", "-# note")
    assert [entry[0] for entry in channel.log] == ["send"]
    assert list(channel.shown.values()) == ["Hello there.\n-# note"]


async def test_the_first_post_waits_for_a_sentence_but_not_for_ever() -> None:
    channel = FakeChannel()
    async with live_in(channel) as live:
        live.show("A beginning without")
        await asyncio.sleep(0.05)
        assert channel.log == []
        live.show("A beginning. With")
        await until(lambda: channel.log == [("send", 100, "A beginning. With")])
    other = FakeChannel()
    async with live_in(other) as live:
        live.show("A beginning without an end")
        await until(lambda: len(other.log) == 1, 5)


async def test_edits_are_paced_never_overlap_and_end_exactly() -> None:
    channel = FakeChannel(took_s=0.02)
    async with live_in(channel) as live:
        for number in range(150):
            live.show(f"Words. {number}")
            await asyncio.sleep(0.01)
        await live.finish("Words. The end.")
    assert channel.most_in_flight == 1
    assert list(channel.shown.values()) == ["Words. The end."]
    gaps = [later - earlier for earlier, later in zip(channel.begun, channel.begun[1:], strict=False)]
    assert gaps and min(gaps) > EDIT_INTERVAL_S * 0.99


async def test_slow_edits_are_followed_by_longer_pauses() -> None:
    channel = FakeChannel(took_s=0.7)
    clock = ChannelClock(PACE)
    async with live_in(channel, clock) as live:
        live.show("First one. ")
        await live.finish("First one. Second one.")
        begun = channel.begun
    async with live_in(channel, clock) as live:
        await live.finish("Another answer.")
    assert begun[-1] - begun[-2] > 1.39


async def test_two_answers_in_one_channel_share_its_clock() -> None:
    channel, clocks = FakeChannel(), ChannelClocks(PACE)
    first, second = live_in(channel, clocks.of(7)), live_in(channel, clocks.of(7))
    async with first, second:
        await asyncio.gather(first.finish("One."), second.finish("Two."))
    assert channel.begun[1] - channel.begun[0] > EDIT_INTERVAL_S * 0.99
    assert clocks.of(8) is not clocks.of(7)


async def test_a_long_answer_goes_over_to_a_new_message() -> None:
    channel = FakeChannel()
    async with live_in(channel) as live:
        live.show("a. " * 500)
        await until(lambda: len(channel.log) == 1)
        await live.finish("a. " * 500 + "\n\n" + "b. " * 500)
    assert list(channel.shown.values()) == [("a. " * 500).strip(), ("b. " * 500).strip()]
    assert [shown.part.shown for shown in live.posted] == list(channel.shown.values())


async def test_a_failed_edit_on_the_way_is_made_up_for() -> None:
    failures = iter([503])
    channel = FakeChannel(fails=lambda verb, content: next(failures, None) if verb == "edit" else None)
    async with live_in(channel) as live:
        live.show("First one. ")
        await until(lambda: len(channel.log) == 1)
        live.show("First one. Second")
        await until(lambda: len(channel.begun) == 2)
        await live.finish("First one. Second one.")
    assert list(channel.shown.values()) == ["First one. Second one."]


async def test_an_answer_that_somebody_deletes_ends_quietly() -> None:
    channel = FakeChannel(fails=lambda verb, content: 404 if verb == "edit" else None)
    async with live_in(channel) as live:
        live.show("First one. ")
        await until(lambda: len(channel.log) == 1)
        live.show("First one. Second")
        await until(lambda: live.has_ended)
        await live.finish("First one. Second one.")
    assert len(channel.begun) == 2


async def test_a_channel_that_refuses_is_said_to_the_caller() -> None:
    channel = FakeChannel(fails=lambda verb, content: 403)
    async with live_in(channel) as live:
        with pytest.raises(discord.Forbidden):
            await live.finish("Hello.")
        assert live.has_ended


async def test_a_remark_stands_until_there_is_an_answer() -> None:
    channel = FakeChannel()
    async with live_in(channel) as live:
        live.remark("-# wait")
        await until(lambda: channel.log == [("send", 100, "-# wait")])
        live.show("")
        live.show("The answer")
        await live.finish("The answer.")
    assert channel.shown == {100: "The answer."}
    assert "delete" not in [verb for verb, _, _ in channel.log]


async def test_it_types_until_the_first_post() -> None:
    channel = FakeChannel()
    async with live_in(channel) as live:
        await until(lambda: channel.typings == 1)
        await live.finish("Done.")
        assert live._typing is not None
        await until(live._typing.done)


async def test_leaving_it_in_the_middle_stops_everything() -> None:
    channel = FakeChannel()
    async with live_in(channel) as live:
        live.show("no sentence yet")
    await asyncio.sleep(0)
    assert channel.log == []


async def test_a_remark_that_somebody_deletes_takes_no_answer_with_it() -> None:
    """The answer comes late, as a new message, and the remark that gives way to it is gone already."""
    channel = FakeChannel(fails=lambda verb, content: 404 if verb == "delete" else None)
    pace = Pace(edit_interval_s=0.01, late_s=0.0)
    live = LiveReply(cast(discord.Message, FakeMessage(1, channel)), ChannelClock(pace), nothing, pace)
    async with live:
        live.remark("-# 2nd in line")
        await until(lambda: len(channel.log) == 1)
        live.show("First one. ")
        await until(lambda: len(channel.begun) == 3)
        await live.finish("First one. Second one.")
    assert channel.shown == {100: "-# 2nd in line", 101: "First one. Second one."} and not live.has_ended


async def test_what_was_held_back_of_an_answer_that_is_given_up_is_never_shown() -> None:
    """Its question was edited: what stands there stays until there is a new answer, and not a word comes to it."""
    channel, pace = FakeChannel(), Pace(edit_interval_s=0.01)
    question, own = cast(discord.Message, FakeMessage(1, channel)), OwnText(WordList(["grumble"]))
    async with LiveReply(question, ChannelClock(pace), nothing, pace, own=own) as live:
        live.show("Not a sentence")
        await asyncio.sleep(0)
        live.begin_anew()
        live.remark("-# wait")
        await until(lambda: channel.log == [("send", 100, "-# wait")])
        live.show("First one. And grum")
        await until(lambda: channel.shown == {100: "First one. And"})
        live.begin_anew()
        live.remark("-# wait")
        await until(lambda: channel.shown == {100: "First one. And\n-# wait"})
        await live.finish("The end.")
    assert not [content for _, _, content in channel.log if "grum" in content or "Not" in content]
