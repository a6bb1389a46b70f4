"""What people decide about themselves, over the playground's sockets: memory, the file with their data, and its end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.commands.privacy import FILE
from bot.conversation.reminding import FORGOTTEN, NOTED, OFFER
from llm.config import LLMSettings
from storage.database import Database
from storage.memories import Memories
from storage.privacy import Privacy
from tests.bot.sockets import Ada, ada_at, steward_at
from tests.fakes import ScriptedEngine, reply
from tests.playground.people import Person

COMMAND, PRESS, SUB_COMMAND = 2, 3, 1


@pytest.fixture
async def ada(
    playground: str, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ada]:
    limits = LLMSettings(first_token_timeout_s=1.0, token_timeout_s=0.5)
    async with steward_at(playground, engine.base_url, database, limits, monkeypatch), ada_at(playground) as person:
        (person.channel,) = await person.opens("people")
        yield person


@pytest.fixture
async def listener(playground: str, ada: Ada) -> AsyncIterator[Person]:
    """Ada's gateway, where she sees what nobody else does."""
    async with aiohttp.ClientSession() as http:
        person = Person(http, playground, ada.seed["people"][0])
        await person.listen()
        yield person
        await person.leave()


async def run(ada: Ada, listener: Person, name: str, sub: str) -> None:
    """Give a command."""
    guild = int(ada.seed["guild"]["id"])
    index: Any = await ada.call("GET", f"/guilds/{guild}/application-command-index")
    command = next(one for one in index["application_commands"] if one["name"] == name)
    data = {
        "id": command["id"],
        "name": name,
        "type": 1,
        "version": command["version"],
        "options": [{"name": sub, "type": SUB_COMMAND, "options": []}],
    }
    status = await listener.interact(COMMAND, int(ada.channel), guild, data, application_id=command["application_id"])
    assert status < 300


async def told(listener: Person, part: str) -> dict[str, Any]:
    """A private answer with these words."""
    return await listener.heard("MESSAGE_UPDATE", lambda message: part in message.get("content", ""))


def owner(ada: Ada) -> int:
    return int(ada.seed["people"][0]["id"])


async def test_what_is_remembered_is_recalled_until_it_is_forgotten(
    ada: Ada, engine: ScriptedEngine, database: Database
) -> None:
    engine.enqueue(reply("Tea."), reply("I do not know."))
    said = await ada.ask("remember that I like tea")
    await ada.press(await ada.reads(said, OFFER.format(where="in this server")), "Remember this")
    noted = await ada.reads(said, NOTED.format(where="in this server", only=""))
    question = await ada.ask("what should I drink?")
    await ada.reads(question, "Tea.")
    assert "asked you to keep in mind:)\n> I like tea\n" in engine.requests[0].texts[-1]
    await ada.press(noted, "Forget it")
    await ada.reads(said, FORGOTTEN)
    assert await Memories(database).of(owner(ada), int(ada.seed["guild"]["id"])) == []
    await ada.reads(await ada.ask("and now?", reply_to=question), "I do not know.")
    assert "tea" not in str(engine.requests[1].texts)


async def test_everything_is_handed_over_and_then_deleted(
    ada: Ada, listener: Person, engine: ScriptedEngine, database: Database
) -> None:
    engine.enqueue(reply("A fine colour."))
    await ada.reads(await ada.ask("my favourite colour is green"), "A fine colour.")
    await run(ada, listener, "privacy", "export")
    (file,) = (await told(listener, "Here is all that I keep"))["attachments"]
    assert file["filename"] == FILE and file["description"]
    exported = json.loads((await ada.http.get(file["url"])).raise_for_status().text)
    assert ["green" in message["content"] for message in exported["messages"]] == [True]

    await run(ada, listener, "privacy", "delete")
    asked = await told(listener, "Shall I delete everything")
    press = {"component_type": 2, "custom_id": asked["components"][0]["components"][0]["custom_id"]}
    status = await listener.interact(
        PRESS,
        int(ada.channel),
        int(ada.seed["guild"]["id"]),
        press,
        application_id=ada.bot_id,
        message_id=asked["id"],
        message_flags=asked["flags"],
    )
    assert status < 300
    assert "1 message of yours" in (await told(listener, "**Deleted in this server"))["content"]
    held = await Privacy(database).held(owner(ada), int(ada.seed["guild"]["id"]))
    assert not any(held.values())
