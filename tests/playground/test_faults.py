"""Faults on purpose: each kind strikes what it names, as often as it says, and discord.py lives through it."""

from __future__ import annotations

import discord
import pytest

from playground.faults import Fault, Faults
from tests.playground.conftest import Running
from tests.playground.openapi import Json
from tests.playground.people import DEADLINE_S
from tests.waiting import until

EDIT = "/channels/{channel_id}/messages/{message_id}"
POST = "/channels/{channel_id}/messages"


async def switch_on(running: Running, name: str, **fault: Json) -> int:
    async with running.http.put(f"{running.url}/playground/faults/{name}", json=fault) as response:
        return response.status


async def struck(running: Running, name: str) -> int:
    async with running.http.get(running.url + "/playground/faults") as response:
        told = await response.json()
        count: int = told[name]["struck"]
        return count


async def test_a_storm_of_429_passes_and_nothing_is_lost(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    sent = await bot.get_channel(running.channel_id()).send("a")
    assert await switch_on(running, "storm", kind="refuse", method="PATCH", route=EDIT, times=3, seconds=0.01) == 204
    await sent.edit(content="b")
    assert (await ada.heard("MESSAGE_UPDATE"))["content"] == "b"
    assert await struck(running, "storm") == 3
    assert not running.parts.limits.refused.total()


async def test_people_are_not_struck_by_the_bots_faults(running: Running) -> None:
    ada = await running.person("Ada", listening=False)
    await switch_on(running, "down", kind="fail", times=None, status=503)
    await ada.say(running.channel_id(), "unhurt")
    async with running.http.delete(running.url + "/playground/faults/down") as response:
        assert response.status == 204
    bot = await running.bot()
    await bot.get_channel(running.channel_id()).send("whole again")


async def test_a_failing_route_does_nothing_and_a_lost_answer_did_it(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada", listening=False)
    channel = bot.get_channel(running.channel_id())
    await switch_on(running, "fails", kind="fail", method="POST", route=POST, status=503)
    with pytest.raises(discord.DiscordServerError):
        await channel.send("not done")
    await switch_on(running, "lost", kind="lose", method="POST", route=POST, status=503)
    with pytest.raises(discord.DiscordServerError):
        await channel.send("done all the same")
    history = await ada.ok("GET", f"/channels/{channel.id}/messages")
    assert [one["content"] for one in history] == ["done all the same"]


async def test_a_slow_answer_is_the_right_one(running: Running) -> None:
    bot = await running.bot()
    await switch_on(running, "slow", kind="slow", method="POST", seconds=0.05)
    assert (await bot.get_channel(running.channel_id()).send("late")).content == "late"
    assert await struck(running, "slow") == 1


async def test_a_drop_in_mid_stream_is_resumed_with_nothing_lost_or_doubled(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada", listening=False)
    await switch_on(running, "drop", kind="drop", after=3, times=2)
    words = [f"word {number}" for number in range(10)]
    for word in words:
        await ada.say(running.channel_id(), word)
    await bot.message(lambda one: one.content == words[-1])
    assert [one.content for one in bot.heard] == words
    assert (bot.resumes, await struck(running, "drop")) == (2, 2)


async def test_a_drop_without_delay_strikes_at_once(running: Running) -> None:
    bot = await running.bot()
    await switch_on(running, "drop", kind="drop")
    await until(lambda: bot.resumes == 1, DEADLINE_S)
    await switch_on(running, "again", kind="reconnect")
    await until(lambda: bot.resumes == 2, DEADLINE_S)


async def test_an_invalid_session_is_identified_anew(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada", listening=False)
    before = bot.ws.session_id
    await switch_on(running, "gone", kind="invalidate")
    await until(lambda: bot.is_ready() and bot.ws.session_id not in (None, before), DEADLINE_S)
    await ada.say(running.channel_id(), "anew")
    await bot.message(lambda one: one.content == "anew")
    assert bot.resumes == 0


async def test_a_fault_that_is_none_is_refused_by_name(running: Running) -> None:
    for fault in ({"kind": "melt"}, {"kind": "slow", "secnods": 1}, {}):
        assert await switch_on(running, "wrong", **fault) == 400


def test_a_share_is_drawn_from_its_seed() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults()
        faults.switch_on("some", Fault(kind="fail", share=0.5, seed=seed, times=None))
        return [faults.of_request("GET", "/x", by_bot=True) is not None for _ in range(40)]

    assert run(7) == run(7) != run(8)
    assert 10 < sum(run(7)) < 30


def test_one_fault_after_another() -> None:
    faults = Faults()
    faults.switch_on("first", Fault(kind="fail", route="/x", after=1, times=2))
    faults.switch_on("then", Fault(kind="slow", method="GET", times=1))
    names = [(faults.of_request("GET", "/x", by_bot=True) or ("",))[0] for _ in range(5)]
    assert names == ["then", "first", "first", "", ""]
    faults.switch_off()
    assert faults.told() == {}
