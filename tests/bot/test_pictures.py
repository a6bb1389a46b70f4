"""Pictures reach models that see; whose model does not, says so and answers the rest."""

from __future__ import annotations

import base64
import io
from typing import Any

import discord
import pytest
from PIL import Image
from simcord.backend.cdn import CDN_BASE

from bot.conversation import pictures
from bot.conversation.pictures import BLIND, BLIND_FOR_ONE, MOST
from bot.conversation.rendering import small
from storage.database import Database
from storage.privacy import Privacy
from tests.bot.conftest import World
from tests.bot.papers import locked_pdf, pdf, picture
from tests.bot.test_controls import newest
from tests.fakes import ScriptedEngine, failure, reply


@pytest.fixture(autouse=True)
def cdn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord.Asset, "BASE", CDN_BASE)


def parts(engine: ScriptedEngine, number: int = -1, turn: int = -1) -> Any:  # noqa: ANN401 - text, or content parts
    return engine.requests[number].body["messages"][turn]["content"]


async def ask(world: World, *files: tuple[str, bytes], text: str = "what is this?") -> discord.Message:
    return await world.ada.send(world.channel, f"{world.mention} {text}", attachments=list(files))


async def test_a_model_that_sees_gets_the_picture_and_later_again(world: World, engine: ScriptedEngine) -> None:
    engine.owned_by, engine.has_tokenize, engine.sees, engine.max_model_len = "vllm", False, True, 8192
    engine.enqueue(reply("A bee."), reply("Yes."))
    await ask(world, ("bee.png", picture(2000, 1000)))
    told, shown = parts(engine)
    assert told["type"] == "text" and told["text"].startswith("Ada: what is this?\n[file: bee.png, ")
    assert shown["type"] == "image_url" and shown["image_url"]["url"].startswith("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(shown["image_url"]["url"].partition(",")[2]))) as opened:
        assert opened.size == (1024, 512)
    assert world.said() == ["A bee."]
    await world.grace.send(world.channel, f"{world.mention} really?", reply_to=newest(world))
    assert parts(engine, turn=1)[1] == shown and parts(engine).startswith("Grace: really?")


@pytest.mark.parametrize(("most_bytes", "seen"), [(1, 1), (2**20, 2)])
async def test_memory_holds_only_so_many_bytes_of_them(
    world: World, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, most_bytes: int, seen: int
) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", most_bytes)
    engine.owned_by, engine.has_tokenize, engine.sees, engine.max_model_len = "vllm", False, True, 8192
    engine.enqueue(reply("A bee."), reply("A wasp."))
    await ask(world, ("bee.png", picture()))
    files = [("wasp.png", picture())]
    await world.ada.send(world.channel, f"{world.mention} and this?", reply_to=newest(world), attachments=files)
    assert str(engine.requests[-1].body).count("'image_url': {") == seen


async def test_a_reply_to_a_picture_is_about_it(world: World, engine: ScriptedEngine) -> None:
    engine.owned_by, engine.sees = "vllm", True
    engine.enqueue(reply("A bee."))
    posted = await world.grace.send(world.channel, "look", attachments=[("bee.png", picture())])
    await world.ada.send(world.channel, f"{world.mention} what is it?", reply_to=posted)
    assert [part["type"] for part in parts(engine)] == ["text", "image_url"]


async def test_files_of_who_opted_out_are_not_looked_at(
    world: World, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.owned_by, engine.sees = "vllm", True
    engine.enqueue(reply("I cannot tell."), reply("Still not."))
    opened: list[str] = []
    read = discord.Attachment.read

    async def noted(attachment: discord.Attachment, **options: bool) -> bytes:
        opened.append(attachment.filename)
        return await read(attachment, **options)

    monkeypatch.setattr(discord.Attachment, "read", noted)
    await Privacy(database).opt_out(world.grace.id, world.guild.id)
    files = [("bee.png", picture()), ("diary.txt", b"dear diary")]
    posted = await world.grace.send(world.channel, "look", attachments=files)
    await world.ada.send(world.channel, f"{world.mention} what is it?", reply_to=posted)
    await world.grace.edit(posted, "look here")
    assert opened == [] and parts(engine) == "Ada: what is it?"


async def test_our_worker_sees_nothing_and_the_person_knows(world: World, engine: ScriptedEngine) -> None:
    engine.sees = False
    engine.enqueue(reply("I cannot tell."), reply("Nor those."))
    await ask(world, ("bee.png", picture()))
    assert parts(engine).startswith("Ada: what is this?\n[file: bee.png, ")
    assert world.said()[-1] == f"I cannot tell.\n{small(BLIND_FOR_ONE)}"
    await ask(world, ("a.png", picture()), ("b.png", picture()))
    assert world.said()[-1] == f"Nor those.\n{small(BLIND)}"


async def test_an_engine_that_does_not_say_is_tried_once(world: World, engine: ScriptedEngine) -> None:
    engine.owned_by = "vllm"
    engine.enqueue(failure(400, "this model does not support image input", kind="BadRequestError"), reply("No idea."))
    await ask(world, ("bee.png", picture()))
    assert [part["type"] for part in parts(engine, 0)] == ["text", "image_url"]
    assert isinstance(parts(engine, 1), str) and world.said() == [f"No idea.\n{small(BLIND_FOR_ONE)}"]
    engine.enqueue(reply("Still none."))
    await ask(world, ("bee.png", picture()))
    assert len(engine.requests) == 3 and isinstance(parts(engine), str)


async def test_other_refusals_are_not_taken_for_blindness(world: World, engine: ScriptedEngine) -> None:
    engine.owned_by = "vllm"
    engine.enqueue(failure(400, "no", kind="BadRequestError"))
    await ask(world, ("bee.png", picture()))
    assert len(engine.requests) == 1 and "refused" in world.said()[0]


async def test_what_could_not_be_looked_at_is_said(world: World, engine: ScriptedEngine) -> None:
    engine.owned_by, engine.sees, engine.max_model_len = "vllm", True, 16_384
    engine.enqueue(reply("Three."))
    bad = ("bad.png", b"\x89PNG\r\n\x1a\n" + bytes(20))
    await ask(world, bad, *[(f"{number}.png", picture()) for number in range(MOST)])
    assert [part["type"] for part in parts(engine)] == ["text", *["image_url"] * (MOST - 1)]
    assert "I could not look at bad.png: it is " in world.said()[0]
    assert world.said()[0].endswith(f"I looked at {MOST - 1} of {MOST + 1} pictures, since no more fit at once")


async def test_a_small_context_has_room_for_words_first(world: World, engine: ScriptedEngine) -> None:
    engine.owned_by, engine.sees = "vllm", True
    engine.enqueue(reply("One."))
    await ask(world, ("a.png", picture()), ("b.png", picture()))
    assert [part["type"] for part in parts(engine)] == ["text", "image_url"]
    assert world.said()[0].endswith("I looked at 1 of 2 pictures, since no more fit at once")


async def test_pdf_files(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("Bees."))
    await ask(world, ("bees.pdf", pdf("Bees dance.")), ("secret.pdf", locked_pdf("Bees", "honey")))
    assert "]\nBees dance.\n[end of file]" in parts(engine)
    assert "secret.pdf" in parts(engine) and "not read: it is protected by a password" in parts(engine)
    assert world.said() == [f"Bees.\n{small('I could not read secret.pdf: it is protected by a password')}"]
