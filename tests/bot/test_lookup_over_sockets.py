"""/knowledge and /find over the playground's sockets: a file that a manager gives is found, cited, posted and sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from llm.config import LLMSettings
from storage.database import Database
from tests.bot.sockets import Ada, ada_at, steward_at
from tests.fakes import ScriptedEngine, reply
from tests.playground.people import Person

COMMAND, PRESS, SUB_COMMAND, TEXT, FILE = 2, 3, 1, 3, 11
RULES = b"# Garden\nThe gate closes at nine.\n\n# Shed\nThe ladder is in the shed.\n"


@pytest.fixture
async def ada(
    playground: str, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ada]:
    limits = LLMSettings(first_token_timeout_s=1.0, token_timeout_s=0.5)
    async with steward_at(playground, engine.base_url, database, limits, monkeypatch), ada_at(playground) as person:
        (person.channel,) = await person.opens("lookup")
        yield person


@pytest.fixture
async def listener(playground: str, ada: Ada) -> AsyncIterator[Person]:
    """Ada's gateway, where she sees what nobody else does."""
    async with aiohttp.ClientSession() as http:
        person = Person(http, playground, ada.seed["people"][0])
        await person.listen()
        yield person
        await person.leave()


async def run(ada: Ada, listener: Person, name: str, options: list[dict[str, Any]], **file: bytes) -> None:
    """Give a command, with a file where there is one."""
    guild = ada.seed["guild"]["id"]
    index: Any = await ada.call("GET", f"/guilds/{guild}/application-command-index")
    command = next(one for one in index["application_commands"] if one["name"] == name)
    data = {"id": command["id"], "name": name, "type": 1, "version": command["version"], "options": options}
    data["attachments"] = [{"id": str(number), "filename": filename} for number, filename in enumerate(file)]
    body = {"type": COMMAND, "application_id": command["application_id"], "guild_id": guild, "data": data}
    body |= {"channel_id": ada.channel, "session_id": listener.session_id}
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for number, (filename, content) in enumerate(file.items()):
        form.add_field(f"files[{number}]", content, filename=filename, content_type="text/markdown")
    await listener.ok("POST", "/interactions", data=form)


async def press(ada: Ada, listener: Person, message: dict[str, Any], label: str) -> None:
    """Press a button under what only Ada sees."""
    buttons = [button for row in message["components"] for button in row["components"]]
    data = {"component_type": 2, "custom_id": next(one["custom_id"] for one in buttons if one["label"] == label)}
    about = {"message_id": message["id"], "message_flags": message["flags"], "application_id": ada.bot_id}
    status = await listener.interact(PRESS, int(ada.channel), int(ada.seed["guild"]["id"]), data, **about)
    assert status < 300


async def told(listener: Person, part: str) -> dict[str, Any]:
    """A private answer with these words."""
    return await listener.heard("MESSAGE_UPDATE", lambda message: part in message.get("content", ""))


async def test_a_document_is_given_found_and_posted(ada: Ada, listener: Person, engine: ScriptedEngine) -> None:
    given = [{"name": "add", "type": SUB_COMMAND, "options": [{"name": "file", "type": FILE, "value": "0"}]}]
    await run(ada, listener, "knowledge", given, **{"rules.md": RULES})
    await told(listener, "**rules.md** is added in 2 pieces")
    said = await ada.say("the gate squeaks when it closes")
    engine.enqueue(reply("The gate closes at nine [1].\nThe gate squeaks [2]."), reply("NOT FOUND"))
    asked = {"name": "question", "type": TEXT, "value": "when does the gate close?"}
    await run(ada, listener, "find", [asked])
    found = await told(listener, "The gate closes at nine.")
    assert "*rules.md*" in found["content"] and f"/{said})" in found["content"]
    assert found["flags"] & 64
    await press(ada, listener, found, "Post here")
    shared = await listener.heard("MESSAGE_CREATE", lambda message: "shares:" in message["content"])
    assert "The gate closes at nine." in shared["content"] and not shared.get("flags", 0) & 64
    await run(ada, listener, "find", [asked | {"value": "does the gate close on Sunday?"}])
    assert "I did not find it" in (await told(listener, "I did not find it"))["content"]
