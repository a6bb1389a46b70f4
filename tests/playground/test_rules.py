"""Who may do what, in Discord's own error codes; rate limits; foreign pages; restarts."""

from __future__ import annotations

import asyncio
import io
import socket
import sys
from pathlib import Path

import aiohttp
import discord
import pytest

from playground.__main__ import listen
from playground.drafts import CONTENT_LIMIT
from playground.limits import MESSAGES, Limits, Rule
from playground.models import Overwrite
from playground.permissions import Permission
from tests.playground.conftest import Running, Start
from tests.playground.openapi import Json
from tests.playground.people import Person

NOBODY = "4242"
BODY = bytes(range(256))


def deny(running: Running, channel: str, permission: Permission) -> None:
    """As if an admin had taken a permission from everyone in a channel."""
    found = running.parts.world.channels[running.channel_id(channel)]
    found.overwrites.append(Overwrite(running.guild_id, 0, deny=int(permission)))


async def refusal(person: Person, method: str, path: str, body: Json = None) -> tuple[int, int]:
    status, answer = await person.request(method, path, body)
    return status, answer["code"]


async def test_what_does_not_exist_or_is_hidden(running: Running) -> None:
    grace, general = await running.person("Grace", listening=False), running.channel_id()
    staff = running.channel_id("staff")
    assert await refusal(grace, "GET", f"/channels/{NOBODY}") == (404, 10003)
    assert await refusal(grace, "GET", f"/channels/{general}/messages/{NOBODY}") == (404, 10008)
    assert await refusal(grace, "GET", f"/guilds/{NOBODY}") == (404, 10004)
    assert await refusal(grace, "GET", f"/users/{NOBODY}") == (404, 10013)
    assert await refusal(grace, "GET", f"/channels/{staff}") == (403, 50001)
    assert await refusal(grace, "GET", f"/channels/{staff}/messages") == (403, 50001)
    assert await refusal(grace, "POST", f"/channels/{staff}/messages", {"content": "hi"}) == (403, 50001)
    assert await refusal(grace, "GET", f"/guilds/{running.guild_id}/audit-logs") == (403, 50013)
    assert await refusal(grace, "GET", "/no/such/route") == (404, 0)
    assert await refusal(grace, "GET", "/channels/word") == (400, 50035)


async def test_messages_that_are_refused(running: Running) -> None:
    grace, general = await running.person("Grace", listening=False), running.channel_id()
    path = f"/channels/{general}/messages"
    assert await refusal(grace, "POST", path, {"content": "  "}) == (400, 50006)
    status, answer = await grace.request("POST", path, {"content": "x" * (CONTENT_LIMIT + 1)})
    assert (status, answer["code"]) == (400, 50035)
    assert answer["errors"]["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
    reply = {"content": "to whom?", "message_reference": {"message_id": NOBODY}}
    assert await refusal(grace, "POST", path, reply) == (400, 50035)
    twice = {"content": "x", "allowed_mentions": {"parse": ["users"], "users": [NOBODY]}}
    assert await refusal(grace, "POST", path, twice) == (400, 50035)
    status, answer = await grace.request("POST", path, data="{")
    assert (status, answer["code"]) == (400, 50109)
    assert (await grace.say(general, "x" * CONTENT_LIMIT))["content"] == "x" * CONTENT_LIMIT


async def test_permissions_are_enforced(running: Running) -> None:
    bot, ada, grace = await running.bot(), await running.person("Ada"), await running.person("Grace", listening=False)
    general = running.channel_id()
    by_ada = await ada.say(general, "mine")
    assert await refusal(grace, "DELETE", f"/channels/{general}/messages/{by_ada['id']}") == (403, 50013)
    assert await refusal(grace, "PATCH", f"/channels/{general}/messages/{by_ada['id']}", {"content": "x"}) == (
        403,
        50005,
    )
    assert await refusal(grace, "PUT", f"/channels/{general}/messages/pins/{by_ada['id']}") == (403, 50013)
    by_grace = await grace.say(general, "hers")
    await ada.ok("DELETE", f"/channels/{general}/messages/{by_grace['id']}")

    deny(running, "ideas", Permission.SEND_MESSAGES)
    deny(running, "help-desk", Permission.VIEW_CHANNEL)
    with pytest.raises(discord.Forbidden) as silent:
        await bot.get_channel(running.channel_id("ideas")).send("may I?")
    assert silent.value.code == 50013
    with pytest.raises(discord.Forbidden) as hidden:
        await bot.get_channel(running.channel_id("help-desk")).send("may I?")
    assert hidden.value.code == 50001
    assert await refusal(grace, "POST", f"/channels/{running.channel_id('ideas')}/typing") == (403, 50013)
    deny(running, "general", Permission.READ_MESSAGE_HISTORY)
    assert await grace.ok("GET", f"/channels/{general}/messages") == []


async def test_tokens(running: Running) -> None:
    grace = await running.person("Grace", listening=False)
    grace.token = "person.invented"
    assert await refusal(grace, "GET", "/users/@me") == (401, 0)
    grace.token = "Bot anything"
    assert (await grace.ok("GET", "/users/@me"))["bot"] is True
    assert await refusal(grace, "POST", "/users/@me/channels", {"recipient_id": NOBODY}) == (404, 10013)


async def test_the_bot_leaves_and_is_invited_again_at_the_next_start(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    async with start(state=state) as running:
        bot, grace = await running.bot(), await running.person("Grace")
        await bot.guilds[0].leave()
        assert (await grace.heard("GUILD_MEMBER_REMOVE"))["user"]["id"] == str(bot.user.id)
    async with start(state=state) as running:
        assert (await running.bot()).guilds[0].name == "Steward Playground"


async def test_a_sixth_message_waits_and_discord_py_obeys(start: Start) -> None:
    short = Rule(MESSAGES.limit, window_s=1.0)
    async with start(limits=Limits({("POST", "/channels/{channel_id}/messages"): short})) as running:
        grace, general = await running.person("Grace", listening=False), running.channel_id()
        for number in range(MESSAGES.limit):
            await grace.say(general, f"{number}")
        path = f"{running.url}/api/v10/channels/{general}/messages"
        headers = {"Authorization": grace.token}
        async with running.http.post(path, json={"content": "too much"}, headers=headers) as refused:
            body = await refused.json()
            assert refused.status == 429
            assert 0 < body["retry_after"] <= short.window_s
            assert refused.headers["X-RateLimit-Remaining"] == "0"
        bot = await running.bot()
        sent = [await bot.get_channel(general).send(f"{number}") for number in range(MESSAGES.limit + 1)]
        assert len({one.id for one in sent}) == MESSAGES.limit + 1


FOREIGN = [
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:8080"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "null"},
]


async def test_foreign_pages_are_refused(running: Running) -> None:
    for headers in FOREIGN:
        for path in ("/playground.json", "/api/v10/gateway", "/health"):
            async with running.http.get(running.url + path, headers=headers) as response:
                assert response.status == 403, headers
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await running.http.ws_connect(f"{running.url}/gateway?v=10&encoding=json", headers=headers)


async def test_the_own_page_is_served(running: Running) -> None:
    own = {"Origin": running.url}
    for path in ("/playground.json", "/health", "/", "/page/index.html", "/cdn/embed/avatars/0.png"):
        async with running.http.get(running.url + path, headers=own) as response:
            assert response.status == 200, path
    local = {"Host": running.url.replace("http://127.0.0.1", "localhost")}
    async with running.http.get(running.url + "/health", headers=local) as response:
        assert response.status == 200


async def test_playground_json_has_its_fixed_shape(running: Running) -> None:
    async with running.http.get(running.url + "/playground.json") as response:
        told = await response.json()
    assert set(told) == {"guild", "channels", "people", "bot"}
    assert told["guild"] == {"id": str(running.guild_id), "name": "Steward Playground"}
    assert told["channels"][0] == {"id": str(running.channel_id("general")), "name": "general", "type": 0}
    assert [one["name"] for one in told["people"]] == ["Ada", "Grace", "Linus"]
    assert told["bot"]["id"] not in {one["id"] for one in told["people"]}


async def test_a_restart_forgets_nothing(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    async with start(state=state) as running:
        bot, ada = await running.bot(), await running.person("Ada")
        said = await ada.say(running.channel_id(), "remember me")
        thread = await (await bot.message()).create_thread(name="Kept")
        in_thread = await thread.send("me too", file=discord.File(io.BytesIO(BODY), "test.py"))
        await in_thread.add_reaction("👍")
        token = ada.token
    async with start(state=state) as running:
        ada = await running.person("Ada", listening=False)
        assert ada.token == token
        history = await ada.ok("GET", f"/channels/{running.channel_id()}/messages")
        assert [one["content"] for one in history] == ["remember me"]
        assert history[0]["thread"]["name"] == "Kept"
        kept = await ada.ok("GET", f"/channels/{thread.id}/messages/{in_thread.id}")
        assert kept["reactions"][0]["count"] == 1
        async with running.http.get(kept["attachments"][0]["url"]) as response:
            assert await response.read() == BODY
        later = await ada.say(running.channel_id(), "and on")
        assert int(later["id"]) > int(in_thread.id) > int(said["id"])


async def playground_process(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, errors.decode()


def test_answers_do_not_wait_for_nagle() -> None:
    """asyncio sets TCP_NODELAY only on sockets that name their protocol."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


async def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = await playground_process("--port", str(port))
    assert code == 2
    assert errors.count("\n") == 1
    assert f"127.0.0.1:{port}" in errors
    assert "--port" in errors


async def test_it_listens_on_this_machine_only() -> None:
    code, errors = await playground_process("--host", "0.0.0.0", "--port", "0")
    assert (code, errors.count("\n")) == (2, 1)
    assert "0.0.0.0" in errors


async def test_an_unusable_state_file_is_said_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "state.sqlite3"
    broken.write_text("this is no database " * 100)
    code, errors = await playground_process("--port", "0", "--state", str(broken))
    assert (code, errors.count("\n")) == (2, 1)
    assert str(broken) in errors
