"""What people post besides text reaches the model as text: files, stickers, cards, notices; from Discord's CDN only."""

from __future__ import annotations

from dataclasses import dataclass, field

import discord
import pytest
from simcord.backend.cdn import CDN_BASE

from bot.conversation.attachments import LONGEST_TEXT, TEXT_LIMIT, Attachments, is_text, shortened
from bot.conversation.said import File
from storage.history import History
from tests.bot.conftest import World
from tests.fakes import ScriptedEngine, reply


def asked(engine: ScriptedEngine, number: int = -1) -> str:
    """The last turn of a prompt."""
    return str(engine.requests[number].body["messages"][-1]["content"])


@pytest.fixture
def cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    """SimCord keeps files at an address of its own, as the playground does."""
    monkeypatch.setattr(discord.Asset, "BASE", CDN_BASE)


@pytest.mark.usefixtures("cdn")
async def test_an_attached_text_is_read(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("It prints 1."))
    await world.ada.send(
        world.channel,
        f"{world.mention} what is this?",
        attachments=[("a.py", b"print(1)\r\n"), ("b.png", b"\x89PNG\0")],
    )
    assert asked(engine) == (
        "Ada: what is this?\n[file: a.py, 10 bytes]\nprint(1)\n[end of file]\n[file: b.png, 5 bytes]"
    )


@pytest.mark.usefixtures("cdn")
async def test_an_edit_keeps_the_text_of_the_file(world: World, engine: ScriptedEngine, history: History) -> None:
    engine.enqueue(reply("Yes."))
    message = await world.ada.send(world.channel, f"{world.mention} one?", attachments=[("a.txt", "Grüße".encode())])
    await world.ada.edit(message, f"{world.mention} two?")
    stored = (await history.chain(message.id)).messages[-1]
    assert "two?" in stored.content and "Grüße" in stored.content


async def test_a_reply_pulls_in_what_a_bot_posted(world: World, engine: ScriptedEngine) -> None:
    webhook = world.guild.create_webhook(world.channel, "News")
    posted = await webhook.send("", embed=discord.Embed(title="Rain", description="All day."))
    engine.enqueue(reply("Wet."))
    await world.ada.send(world.channel, f"{world.mention} and?", reply_to=posted)
    assert asked(engine) == "News: [card]\nRain\nAll day.\n[end of card]\nAda: and?"


@dataclass
class Upload:
    """An attachment as discord.py has it, with its bytes at hand."""

    id: int = 1
    filename: str = "a.txt"
    url: str = "https://cdn.discordapp.com/attachments/1/2/a.txt"
    size: int = 5
    content_type: str | None = None
    description: str | None = None
    data: bytes = b"hello"
    reads: int = 0
    fails: bool = False

    async def read(self) -> bytes:
        self.reads += 1
        if self.fails:
            raise OSError("the line is cut")
        return self.data


@dataclass
class Posted:
    attachments: list[Upload]
    message_snapshots: list[Posted] = field(default_factory=list)
    guild: None = None
    id: int = 7
    author: discord.Object = field(default_factory=lambda: discord.Object(8))


async def read(*uploads: Upload) -> list[File]:
    return list((await Attachments().of(Posted(list(uploads)))).values())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.txt",
        "http://cdn.discordapp.com/a.txt",
        "https://cdn.discordapp.com.example.com/a.txt",
        "https://cdn.discordapp.com:8443/a.txt",
        "https://cdn.discordapp.com@example.com/a.txt",
        "file:///etc/passwd",
        "a.txt",
    ],
)
async def test_nothing_is_fetched_from_elsewhere(url: str) -> None:
    upload = Upload(url=url)
    assert (await read(upload))[0].trouble == "it does not lie on Discord's servers"
    assert upload.reads == 0


async def test_what_cannot_be_read_says_why() -> None:
    files = await read(Upload(1, size=TEXT_LIMIT + 1), Upload(2, data=b"\0\0"), Upload(3, fails=True), Upload(4))
    assert [file.trouble for file in files] == [
        "it is larger than 256 KiB",
        "it is no text",
        "Discord did not give it",
        "",
    ]
    assert files[-1].text == "hello"


async def test_a_file_is_fetched_once_and_a_failure_again() -> None:
    reader, good, bad = Attachments(), Upload(1), Upload(2, fails=True)
    for _ in range(2):
        await reader.of(Posted([], [Posted([good, bad])]))  # type: ignore[arg-type]
    assert (good.reads, bad.reads) == (1, 2)


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("a.py", None, True),
        ("Makefile", None, True),
        ("a.bin", "text/plain; charset=utf-8", True),
        ("a.png", "image/png", False),
        ("a", None, False),
    ],
)
def test_which_files_are_text(name: str, kind: str | None, text: bool) -> None:
    assert is_text(Upload(filename=name, content_type=kind)) is text  # type: ignore[arg-type]


def test_a_long_file_says_what_is_left_out() -> None:
    assert shortened("a" * (LONGEST_TEXT + 1)).endswith("… (the first 40,000 of 40,001 characters)")
