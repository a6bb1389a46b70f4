"""Kinds of messages beside plain text: files, polls, stickers, forwards, webhooks' messages, link previews."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import discord
import pytest

from playground import pictures, polls, previews
from playground.models import Message, MessageFlags
from playground.parts import Timing
from playground.snowflake import DISCORD_EPOCH_MS, TIMESTAMP_SHIFT
from playground.uploads import FILE_LIMIT_BYTES
from tests.playground.conftest import Recorder, Running, Start, everything
from tests.playground.openapi import Json
from tests.playground.people import DEADLINE_S, Person
from tests.waiting import until

LINK = "https://example.org/on-gardens?x=1"


def files(*named: tuple[str, bytes]) -> aiohttp.FormData:
    """A message with files as Discord's own client sends it."""
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"content": "see"}', content_type="application/json")
    for index, (name, body) in enumerate(named):
        form.add_field(f"files[{index}]", body, filename=name, content_type="application/octet-stream")
    return form


async def test_a_person_attaches_files_and_the_bot_reads_them(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    picture = pictures.disc((1, 2, 3))
    path = f"/channels/{running.channel_id()}/messages"
    sent = await ada.ok("POST", path, data=files(("a.py", "x = 'ä'".encode()), ("p.png", picture), ("l.txt", b"\xe4")))
    heard = await bot.message()
    code, drawn, latin = heard.attachments
    assert (code.content_type, await code.read()) == ("text/x-python; charset=utf-8", "x = 'ä'".encode())
    assert (drawn.content_type, drawn.width, drawn.height) == ("image/png", pictures.AVATAR_PX, pictures.AVATAR_PX)
    assert latin.content_type == "text/plain"
    assert [one["filename"] for one in sent["attachments"]] == ["a.py", "p.png", "l.txt"]


async def test_files_have_limits(running: Running) -> None:
    ada = await running.person("Ada", listening=False)
    path = f"/channels/{running.channel_id()}/messages"
    status, refusal = await ada.request("POST", path, data=files(("big.bin", bytes(FILE_LIMIT_BYTES + 1))))
    assert (status, refusal["code"]) == (413, 40005)
    status, refusal = await ada.request("POST", path, data=files(*[(f"{n}.txt", b"x") for n in range(11)]))
    assert (status, refusal["code"]) == (400, 50035)
    assert await ada.ok("GET", path) == []


JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b080020004001011100ffd9")


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (pictures.face((9, 9, 9)), (pictures.STICKER_PX, pictures.STICKER_PX)),
        (b"GIF89a" + bytes([7, 0, 3, 0]), (7, 3)),
        (JPEG, (64, 32)),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + bytes([9, 0, 0, 4, 0, 0]), (10, 5)),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"GIF89a", None),
        (b"plain text", None),
        (b"", None),
    ],
)
def test_the_size_of_a_picture(body: bytes, size: tuple[int, int] | None) -> None:
    assert pictures.size_of(body) == size


async def test_a_poll_is_made_voted_on_and_ended(running: Running) -> None:
    bot, grace = await running.bot(), await running.person("Grace")
    poll = discord.Poll(question="Tea?", duration=timedelta(hours=2))
    poll.add_answer(text="Yes", emoji="👍")
    poll.add_answer(text="No")
    sent = await bot.get_channel(running.channel_id()).send(poll=poll)
    path = f"/channels/{sent.channel.id}/polls/{sent.id}"
    await grace.ok("PUT", path + "/answers/@me", {"answer_ids": ["1"]})
    await grace.ok("PUT", path + "/answers/@me", {"answer_ids": ["2"]})
    assert (await grace.heard("MESSAGE_POLL_VOTE_REMOVE"))["answer_id"] == 1
    fetched = await sent.channel.fetch_message(sent.id)
    assert [answer.vote_count for answer in fetched.poll.answers] == [0, 1]
    assert [user.id async for user in fetched.poll.answers[1].voters()] == [grace.id]
    await sent.end_poll()
    result = await grace.heard("MESSAGE_CREATE", lambda one: one["type"] == 46)
    assert result["message_reference"]["message_id"] == str(sent.id)
    assert {one["name"]: one["value"] for one in result["embeds"][0]["fields"]}["victor_answer_text"] == "No"
    status, refusal = await grace.request("PUT", path + "/answers/@me", {"answer_ids": ["1"]})
    assert (status, refusal["code"]) == (400, 520001)


ASKED = {"question": {"text": "?"}, "answers": [{"poll_media": {"text": "a"}}, {"poll_media": {"text": "b"}}]}


@pytest.mark.parametrize("change", [{"answers": []}, {"question": {"text": " "}}, {"question": {"text": "x" * 301}}])
async def test_polls_that_are_refused(running: Running, change: dict[str, Json]) -> None:
    ada = await running.person("Ada", listening=False)
    path = f"/channels/{running.channel_id()}/messages"
    assert (await ada.request("POST", path, {"poll": {**ASKED, **change}}))[0] == 400


def test_a_poll_ends_when_its_time_is_over() -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    poll = polls.made({**ASKED, "duration": 1}, began)
    assert poll is not None
    assert not polls.ended(poll, began + timedelta(minutes=59))
    assert polls.ended(poll, began + timedelta(hours=1))


async def test_stickers(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada", listening=False)
    guild = (await ada.ok("GET", f"/guilds/{running.guild_id}/stickers"))[0]
    assert bot.guilds[0].stickers[0].name == guild["name"]
    path = f"/channels/{running.channel_id()}/messages"
    await ada.ok("POST", path, {"sticker_ids": [guild["id"]]})
    assert [one.name for one in (await bot.message()).stickers] == [guild["name"]]
    status, refusal = await ada.request("POST", path, {"sticker_ids": ["4242"]})
    assert (status, refusal["code"]) == (400, 50081)
    async with running.http.get(f"{running.url}/cdn/stickers/{guild['id']}.png") as response:
        assert pictures.size_of(await response.read()) == (pictures.STICKER_PX, pictures.STICKER_PX)


async def forward(person: Person, source: dict[str, Json], channel_id: int) -> tuple[int, Json]:
    reference = {"type": 1, "message_id": source["id"], "channel_id": source["channel_id"]}
    return await person.request("POST", f"/channels/{channel_id}/messages", {"message_reference": reference})


async def test_a_forwarded_message_keeps_what_was_said(running: Running) -> None:
    bot, ada, grace = await running.bot(), await running.person("Ada"), await running.person("Grace", listening=False)
    source = await ada.say(running.channel_id(), "the first word")
    status, sent = await forward(grace, source, running.channel_id("ideas"))
    assert (status, sent["content"], sent["flags"] & MessageFlags.HAS_SNAPSHOT) == (200, "", MessageFlags.HAS_SNAPSHOT)
    await ada.ok("PATCH", f"/channels/{source['channel_id']}/messages/{source['id']}", {"content": "changed"})
    heard = await bot.message(lambda one: bool(one.message_snapshots))
    assert heard.message_snapshots[0].content == "the first word"
    assert (heard.reference.type, heard.reference.message_id) == (
        discord.MessageReferenceType.forward,
        int(source["id"]),
    )
    hidden = await ada.say(running.channel_id("staff"), "between us")
    assert (await forward(grace, hidden, running.channel_id()))[0] == 403


async def test_a_webhook_speaks_under_any_name(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    general = running.channel_id()
    made = await ada.ok("POST", f"/channels/{general}/webhooks", {"name": "Herald"})
    assert [one["id"] for one in await ada.ok("GET", f"/channels/{general}/webhooks")] == [made["id"]]
    posts = f"/webhooks/{made['id']}/{made['token']}"
    posted = await ada.ok("POST", posts + "?wait=true", {"content": "Hear!", "username": "Rose"})
    heard = await bot.message()
    assert (heard.webhook_id, heard.author.name, heard.author.bot) == (int(made["id"]), "Rose", True)
    await heard.reply("I hear")
    await ada.ok("PATCH", f"{posts}/messages/{posted['id']}", {"content": "Hear, hear!"})
    assert (await heard.channel.fetch_message(heard.id)).content == "Hear, hear!"
    await ada.ok("DELETE", f"{posts}/messages/{posted['id']}")
    assert (await ada.request("POST", f"/webhooks/{made['id']}/wrong", {"content": "x"}))[1]["code"] == 50027
    await ada.ok("DELETE", f"/webhooks/{made['id']}")
    assert (await ada.request("POST", posts, {"content": "x"}))[1]["code"] == 10015


@pytest.mark.parametrize("name", ["Discord fan", "my CLYDE", "everyone", "Here"])
async def test_names_that_a_webhook_may_not_have(running: Running, name: str) -> None:
    ada = await running.person("Ada", listening=False)
    hooks = f"/channels/{running.channel_id()}/webhooks"
    assert (await ada.request("POST", hooks, {"name": name}))[1]["code"] == 50035
    made = await ada.ok("POST", hooks, {"name": "Herald"})
    posts = f"/webhooks/{made['id']}/{made['token']}"
    assert (await ada.request("POST", posts, {"content": "x", "username": name}))[1]["code"] == 50035


async def test_a_webhooks_message_has_a_picture_of_its_own(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    made = await ada.ok("POST", f"/channels/{running.channel_id()}/webhooks", {"name": "Herald"})
    posts = f"/webhooks/{made['id']}/{made['token']}?wait=true"
    pictured: dict[str, bytes] = {}
    for address in (f"{running.url}/cdn/embed/avatars/3.png", "https://example.org/face.png"):
        await ada.ok("POST", posts, {"content": address, "avatar_url": address})
        heard = await bot.message(lambda one, said=address: one.content == said)
        path = heard.author.display_avatar.url.partition("/avatars/")[2].partition("?")[0]
        async with running.http.get(f"{running.url}/cdn/avatars/{path}") as drawn:
            pictured[address] = await drawn.read()
    own, foreign = pictured
    async with running.http.get(own) as default:
        assert pictured[own] == await default.read()
    assert pictures.size_of(pictured[foreign]) == (pictures.AVATAR_PX, pictures.AVATAR_PX)
    assert pictures.hash_of(None) is None


async def test_a_channel_has_so_many_webhooks(running: Running) -> None:
    ada = await running.person("Ada", listening=False)
    path = f"/channels/{running.channel_id()}/webhooks"
    for _ in range(15):
        await ada.ok("POST", path, {"name": "Herald"})
    assert (await ada.request("POST", path, {"name": "Herald"}))[1]["code"] == 30007


async def test_a_proxy_deletes_and_posts_anew(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    said = await ada.say(running.channel_id(), "it is me")
    body = {"channel_id": said["channel_id"], "message_id": said["id"], "name": "Rose"}
    async with running.http.post(running.url + "/playground/proxy", json=body) as response:
        assert response.status == 204
    again = await bot.message(lambda one: one.webhook_id is not None)
    assert (again.content, again.author.name, again.application_id) == ("it is me", "Rose", 466378653216014359)
    names = [name for name in ada.names() if name.startswith("MESSAGE_")]
    assert names == ["MESSAGE_CREATE", "MESSAGE_DELETE", "MESSAGE_CREATE"]


async def test_a_link_gets_its_preview_by_an_update_that_changes_nothing_else(start: Start) -> None:
    timing = Timing(answer_within_s=DEADLINE_S, preview_after_s=0.01)
    async with start(timing=timing) as running:
        ada = await running.person("Ada")
        said = await ada.say(running.channel_id(), f"look: {LINK}.")
        update = await ada.heard("MESSAGE_UPDATE")
        assert (update["content"], update["edited_timestamp"]) == (said["content"], None)
        assert [one["url"] for one in update["embeds"]] == [LINK]
        path = f"/channels/{said['channel_id']}/messages/{said['id']}"
        edited = await ada.ok("PATCH", path, {"content": "nothing to see"})
        assert edited["embeds"] == []


@pytest.mark.parametrize(
    ("content", "flags", "found"),
    [
        (f"{LINK} and {LINK}", 0, [LINK]),
        (f"<{LINK}>", 0, []),
        (f"({LINK})", 0, [LINK]),
        ("ftp://example.org http://", 0, []),
        (f"https://discord.com/channels/1/2/3 {LINK}", 0, [LINK]),
        (LINK, int(MessageFlags.SUPPRESS_EMBEDS), []),
    ],
)
def test_what_is_previewed(content: str, flags: int, found: list[str]) -> None:
    message = Message(1, 2, 3, content, "", flags=flags)
    assert [one["url"] for one in previews.of(message)] == found


class Watcher(Recorder):
    """Remembers the places that it lost."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents)
        self.lost: list[str] = []

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        self.lost.append(channel.name)

    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        self.lost.append("unavailable")

    async def on_guild_available(self, guild: discord.Guild) -> None:
        if self.lost:
            self.lost.append("available")

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.lost.append("removed")

    async def on_guild_join(self, guild: discord.Guild) -> None:
        self.lost.append("joined")


async def test_channels_and_servers_come_and_go(running: Running) -> None:
    bot: Watcher = await running.bot(client=Watcher(everything()))
    ada = await running.person("Ada")
    path = f"/guilds/{running.guild_id}"
    made = await ada.ok("POST", path + "/channels", {"name": "New Things", "topic": "t"})
    await ada.say(int(made["id"]), "soon gone")
    await bot.message(lambda one: one.channel.name == "new-things")
    await ada.ok("DELETE", f"/channels/{made['id']}")
    assert (await ada.request("GET", f"/channels/{made['id']}"))[0] == 404
    assert (await ada.request("DELETE", f"/channels/{running.channel_id()}"))[1]["code"] == 50074
    async with running.http.put(running.url + "/playground/outage"):
        await ada.heard("GUILD_DELETE", lambda one: one.get("unavailable") is True)
    async with running.http.delete(running.url + "/playground/outage"):
        pass
    await ada.ok("DELETE", f"{path}/members/{bot.user.id}")
    async with running.http.put(running.url + "/playground/bot"):
        pass
    await ada.heard("GUILD_MEMBER_ADD")
    await ada.say(running.channel_id(), "welcome back")
    await bot.message(lambda one: one.content == "welcome back")
    await until(lambda: bot.lost[-1] == "joined", DEADLINE_S)
    assert bot.lost == ["new-things", "unavailable", "available", "removed", "joined"]


async def test_what_is_older_than_two_weeks_is_not_deleted_in_bulk(running: Running) -> None:
    ada = await running.person("Ada", listening=False)
    moment = datetime.now(UTC) - timedelta(days=15)
    old = (int(moment.timestamp() * 1000) - DISCORD_EPOCH_MS) << TIMESTAMP_SHIFT
    path = f"/channels/{running.channel_id()}/messages/bulk-delete"
    status, refusal = await ada.request("POST", path, {"messages": [str(old), str(old + 1)]})
    assert (status, refusal["code"]) == (400, 50034)


async def test_all_kinds_outlive_a_restart(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    async with start(state=state) as running:
        ada, general = await running.person("Ada", listening=False), running.channel_id()
        source = await ada.say(general, "kept")
        await forward(ada, source, general)
        sticker = (await ada.ok("GET", f"/guilds/{running.guild_id}/stickers"))[0]["id"]
        await ada.ok("POST", f"/channels/{general}/messages", {"poll": ASKED, "sticker_ids": [sticker]})
        webhook = await ada.ok("POST", f"/channels/{general}/webhooks", {"name": "W"})
        await ada.ok("POST", f"/webhooks/{webhook['id']}/{webhook['token']}", {"content": "hi"})
        before = await ada.ok("GET", f"/channels/{general}/messages")
    async with start(state=state) as running:
        ada = await running.person("Ada", listening=False)
        assert await ada.ok("GET", f"/channels/{general}/messages") == before


async def test_the_bot_sends_files_that_arrive_whole(running: Running) -> None:
    bot = await running.bot()
    sent = await bot.get_channel(running.channel_id()).send(file=discord.File(io.BytesIO(b"a,b\n"), "t.csv"))
    assert (sent.attachments[0].content_type, sent.attachments[0].size) == ("text/csv; charset=utf-8", 4)
