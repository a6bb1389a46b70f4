"""/knowledge: managers give documents, everybody finds what they say, and what is taken back is gone."""

from __future__ import annotations

import discord
import pytest
from simcord.backend.cdn import CDN_BASE
from simcord.results import InteractionResult

from bot.commands.knowledge import NONE, NOT_ALLOWED, REMOVED, UNKNOWN
from storage.database import Database
from storage.documents import Documents
from tests.bot.conftest import World
from tests.bot.panels import Manager, manager
from tests.bot.papers import locked_pdf, pdf
from tests.fakes import ScriptedEngine

RULES = b"# Garden\nThe gate closes at nine.\n\n# Shed\nThe ladder is in the shed.\n"


@pytest.fixture(autouse=True)
def cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files lie on the simulated Discord's servers."""
    monkeypatch.setattr(discord.Asset, "BASE", CDN_BASE)


@pytest.fixture(autouse=True)
def small_model(engine: ScriptedEngine) -> None:
    """It writes no answers: what is found speaks for itself."""
    engine.model = "embedded/chat"


@pytest.fixture
def mira(world: World) -> Manager:
    return manager(world)


def text_of(result: InteractionResult) -> str:
    """What the person reads, and that nobody else does."""
    assert result.acknowledged and result.ephemeral
    assert result.response is not None
    return str(result.response.content)


async def given(mira: Manager, file: str, data: bytes, **options: str) -> str:
    """What is answered to somebody who gives this file."""
    return text_of(await mira.person.slash(mira.world.channel, "knowledge add", file=(file, data), **options))


async def test_what_a_document_says_is_found_and_cited(world: World, mira: Manager) -> None:
    assert await given(mira, "rules.md", RULES) == (
        "**rules.md** is added in 2 pieces: everybody in this server can find what it says with `/find`."
    )
    found = text_of(await world.ada.slash(world.channel, "find", question="when does the gate close?"))
    assert "*rules.md*: Garden The gate closes at nine." in found
    assert "ladder" not in found
    listed = text_of(await mira.person.slash(world.channel, "knowledge list"))
    assert "- rules.md: 69 bytes, 2 pieces" in listed


async def test_a_new_version_and_the_end_of_it(world: World, mira: Manager) -> None:
    await given(mira, "a.txt", RULES, name="House rules")
    told = await given(mira, "b.txt", b"The gate closes at ten.", name="House  rules")
    assert told == "**House rules** is replaced; its new version has 1 piece."
    suggested = await mira.person.autocomplete(world.channel, "knowledge remove", "name", "house")
    assert [one["name"] for one in suggested] == ["House rules"]
    removed = await mira.person.slash(world.channel, "knowledge remove", name="House rules")
    assert text_of(removed) == REMOVED.format(name="House rules")
    assert text_of(await mira.person.slash(world.channel, "knowledge remove", name="House rules")) == UNKNOWN
    assert text_of(await mira.person.slash(world.channel, "knowledge list")) == NONE


async def test_pdf(world: World, mira: Manager) -> None:
    assert "is added in 1 piece" in await given(mira, "guide.pdf", pdf("The pond has nine frogs."))
    found = text_of(await world.ada.slash(world.channel, "find", question="how many frogs in the pond?"))
    assert "*guide.pdf*: The pond has nine frogs." in found


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.png", b"\x89PNG\0\0", "text, Markdown and PDF only"),
        ("a.txt", b"\0\1\2\3" * 9, "it is no text"),
        ("a.txt", b"  \n ", "no text in a.txt"),
        ("a.txt", b"a" * 300_000, "it is larger than 256 KiB"),
        ("a.pdf", b"%PDF-nonsense", "damaged"),
        ("a.pdf", locked_pdf("secret", "password"), "protected by a password"),
    ],
)
async def test_what_cannot_be_read_is_said(
    world: World, mira: Manager, database: Database, name: str, data: bytes, why: str
) -> None:
    assert why in await given(mira, name, data)
    assert await Documents(database).of(world.guild.id) == []


async def test_only_managers_may_whatever_the_server_lets_others_give(world: World) -> None:
    assert "knowledge" not in world.ada.available_commands(world.channel)
    commands = await world.env.bot.tree.fetch_commands()
    knowledge = next(command for command in commands if command.name == "knowledge")
    world.guild.set_command_permissions(knowledge, {world.ada: True})
    for command, options in (("list", {}), ("add", {"file": ("a.txt", b"text")}), ("remove", {"name": "a.txt"})):
        assert text_of(await world.ada.slash(world.channel, f"knowledge {command}", **options)) == NOT_ALLOWED
    assert await world.ada.autocomplete(world.channel, "knowledge remove", "name", "") == []
