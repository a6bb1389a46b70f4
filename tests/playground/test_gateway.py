"""The gateway: sessions that survive a dropped socket, and refusals with Discord's close codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord

from playground.models import User
from playground.parts import Timing
from playground.sessions import BUFFER_EVENTS, RESUMABLE_S, Sessions
from tests.playground.conftest import Running, Start
from tests.playground.openapi import Specification
from tests.playground.people import DEADLINE_S
from tests.waiting import until


@asynccontextmanager
async def socket(running: Running, query: str = "v=10&encoding=json") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with running.http.ws_connect(f"{running.url}/gateway?{query}") as opened:
        yield opened


async def closed_with(opened: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(DEADLINE_S):
        async for _ in opened:
            pass
    return opened.close_code


async def test_a_dropped_socket_resumes_with_nothing_lost_or_doubled(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    await ada.say(running.channel_id(), "one")
    await bot.message(lambda one: one.content == "one")
    bot.ws.socket._response.connection.transport.abort()
    for word in ("two", "three"):
        await ada.say(running.channel_id(), word)
    await bot.message(lambda one: one.content == "three")
    await ada.say(running.channel_id(), "four")
    await bot.message(lambda one: one.content == "four")
    assert [one.content for one in bot.heard] == ["one", "two", "three", "four"]
    assert bot.resumes == 1


async def test_opcode_7_makes_the_client_resume(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    await running.parts.gateway.ask_to_reconnect()
    await until(lambda: bot.resumes == 1, DEADLINE_S)
    await ada.say(running.channel_id(), "still here?")
    await bot.message(lambda one: one.content == "still here?")


async def test_a_session_that_is_gone_is_identified_anew(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    running.parts.sessions.all.clear()
    bot.ws.socket._response.connection.transport.abort()
    await until(lambda: any(one.user.bot for one in running.parts.sessions.all.values()), DEADLINE_S)
    await until(lambda: bot.is_ready() and bool(bot.guilds), DEADLINE_S)
    await ada.say(running.channel_id(), "anew")
    await bot.message(lambda one: one.content == "anew")
    assert bot.resumes == 0


async def test_members_are_asked_for_over_the_gateway(running: Running) -> None:
    bot = await running.bot(discord.Intents.default())
    guild = bot.guilds[0]
    assert [one.display_name for one in guild.members] == ["Steward"]
    assert [one.display_name for one in await guild.query_members("gra")] == ["Grace"]
    ada = await running.person("Ada", listening=False)
    assert [one.id for one in await guild.query_members(user_ids=[ada.id, 1])] == [ada.id]


async def test_heartbeats_are_acknowledged(running: Running) -> None:
    async with socket(running) as opened:
        hello = await opened.receive_json()
        assert (hello["op"], hello["d"]["heartbeat_interval"]) == (10, 41250)
        await opened.send_json({"op": 1, "d": None})
        assert (await opened.receive_json())["op"] == 11


async def test_a_client_that_falls_silent_is_closed(start: Start) -> None:
    async with start(timing=Timing(heartbeat_interval_s=0.05)) as running, socket(running) as opened:
        assert await closed_with(opened) == 4009


IDENTIFY = {"op": 2, "d": {"token": "playground", "intents": 1, "properties": {}}}


REFUSED: list[tuple[list[Any], int]] = [
    (["nonsense"], 4002),
    (["[]"], 4002),
    ([{"op": 8, "d": {}}], 4003),
    ([{"op": 2, "d": {"token": "person.stale", "properties": {}}}], 4004),
    ([{"op": 2, "d": {"properties": {}}}], 4004),
    ([IDENTIFY, IDENTIFY], 4005),
    ([IDENTIFY, {"op": 99}], 4001),
    ([IDENTIFY, {"op": 8, "d": {}}], 4002),
    ([{"op": 2, "d": {**IDENTIFY["d"], "intents": -1}}], 4013),
    ([{"op": 2, "d": {**IDENTIFY["d"], "shard": [3, 2]}}], 4010),
]


async def test_close_codes(running: Running) -> None:
    for frames, code in REFUSED:
        async with socket(running) as opened:
            for frame in frames:
                await opened.send_str(frame if isinstance(frame, str) else json.dumps(frame))
            assert await closed_with(opened) == code, frames


async def test_other_versions_are_refused(running: Running) -> None:
    async with socket(running, "v=6&encoding=json") as opened:
        assert await closed_with(opened) == 4012


async def test_a_person_gets_everything_at_once(running: Running) -> None:
    bot, grace = await running.bot(), await running.person("Grace")
    ready = await grace.heard("READY")
    assert (ready["user"]["global_name"], ready["user"]["id"]) == ("Grace", str(grace.id))
    guild = await grace.heard("GUILD_CREATE")
    assert [one["name"] for one in guild["channels"]] == ["general", "ideas", "help-desk"]
    assert len(guild["members"]) == 4
    assert str(bot.user.id) in {one["user"]["id"] for one in guild["presences"]}
    await bot.close()
    gone = await grace.heard("PRESENCE_UPDATE", lambda one: one["user"]["id"] == str(bot.user.id))
    assert gone["status"] == "offline"


async def test_events_have_the_shapes_of_the_document(running: Running, specification: Specification) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    said = await ada.say(running.channel_id(), "Hello")
    thread = await (await bot.message()).create_thread(name="Talk")
    await thread.send("again", embed=discord.Embed(title="T"))
    await ada.heard("MESSAGE_CREATE", lambda one: one["content"] == "again")
    await ada.heard("MESSAGE_UPDATE", lambda one: one["id"] == said["id"])
    guild = await ada.heard("GUILD_CREATE")
    shapes = {"channels": "GuildChannelResponse", "roles": "GuildRoleResponse", "members": "GuildMemberResponse"}
    checked = [(schema, body) for key, schema in shapes.items() for body in guild[key]]
    checked += [("MessageResponse", body) for name, body in ada.events if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE")]
    checked += [("ThreadResponse", body) for name, body in ada.events if name == "THREAD_CREATE"]
    assert len(checked) > 12
    assert [problem for schema, body in checked for problem in specification.against_schema(schema, body)] == []


def test_a_session_keeps_so_many_events() -> None:
    session = Sessions().open(User(1, "Ada"), 0, (0, 1))
    for _ in range(BUFFER_EVENTS + 10):
        session.push("TYPING_START", {})
    assert session.after(9) is None
    kept = session.after(10)
    assert kept is not None and [kept[0].sequence, kept[-1].sequence] == [11, BUFFER_EVENTS + 10]
    assert session.after(session.sequence) == []
    assert session.after(session.sequence + 1) is None


def clock_at(times: list[float]) -> Callable[[], float]:
    return lambda: times[-1]


def test_a_session_without_a_socket_is_kept_for_a_while() -> None:
    times, user, connection = [0.0], User(1, "Ada"), object()
    sessions = Sessions(clock=clock_at(times))
    session = sessions.open(user, 0, (0, 1))
    sessions.attach(session, connection)
    sessions.detach(session, connection, forget=False)
    times.append(RESUMABLE_S)
    assert sessions.find(session.id, user) is session
    assert sessions.find(session.id, User(2, "Grace")) is None
    times.append(RESUMABLE_S + 1)
    assert sessions.find(session.id, user) is None
