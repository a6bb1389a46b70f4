"""A mirror over the playground's sockets: set up by a command, words carried under their writer's name, edits and
deletions after them; and a flag under a message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from llm.config import LLMSettings
from storage.database import Database
from storage.settings import GuildSettings, Place, Scope
from tests.bot.mirrored import BONJOUR, EAU, HELLO, WATER, knows
from tests.bot.sockets import Ada, ada_at, eventually, steward_at
from tests.fakes import ScriptedEngine
from tests.playground.people import Person

COMMAND, SUB_COMMAND, TEXT, CHANNEL = 2, 1, 3, 7


@pytest.fixture
async def ada(
    playground: str, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ada]:
    knows(engine, times=2)
    limits = LLMSettings(first_token_timeout_s=5.0)
    async with steward_at(playground, engine.base_url, database, limits, monkeypatch), ada_at(playground) as person:
        yield person


async def start(ada: Ada, playground: str, one: str, other: str) -> None:
    """Give /mirror start, and wait until it is answered."""
    guild = int(ada.seed["guild"]["id"])
    index: Any = await ada.call("GET", f"/guilds/{guild}/application-command-index")
    command = next(found for found in index["application_commands"] if found["name"] == "mirror")
    given = [
        {"name": "channel", "type": CHANNEL, "value": one},
        {"name": "language", "type": TEXT, "value": "en"},
        {"name": "other", "type": CHANNEL, "value": other},
        {"name": "other_language", "type": TEXT, "value": "fr"},
    ]
    options = [{"name": "start", "type": SUB_COMMAND, "options": given}]
    data = {"id": command["id"], "name": "mirror", "type": 1, "version": command["version"], "options": options}
    async with aiohttp.ClientSession() as http:
        person = Person(http, playground, ada.seed["people"][0])
        await person.listen()
        status = await person.interact(COMMAND, int(one), guild, data, application_id=command["application_id"])
        assert status < 300
        await person.heard("MESSAGE_UPDATE", lambda message: "mirrored now" in message.get("content", ""))
        await person.leave()


async def copies(ada: Ada, channel: str) -> list[dict[str, Any]]:
    """What webhooks said there, the latest first."""
    found = await ada.call("GET", f"/channels/{channel}/messages?limit=50")
    return [one for one in found if one.get("webhook_id")]


async def test_a_mirror_carries_words_edits_and_deletions(ada: Ada, playground: str) -> None:
    here, there = await ada.opens("english", "french")
    await start(ada, playground, here, there)
    said = await ada.say(HELLO, channel=here)

    async def reads(expected: list[str]) -> bool:
        return [one["content"] for one in await copies(ada, there)] == expected

    await eventually(lambda: reads([BONJOUR]))
    (copy,) = await copies(ada, there)
    assert (copy["author"]["username"], copy["mentions"]) == ("Ada", [])
    assert copy["author"]["avatar"] is not None
    await ada.call("PATCH", f"/channels/{here}/messages/{said}", {"content": WATER})
    await eventually(lambda: reads([EAU]))
    answer = await ada.say(BONJOUR, reply_to=copy["id"], channel=there)
    await eventually(lambda: _answered(ada, here, said))
    await ada.call("DELETE", f"/channels/{here}/messages/{said}")
    await eventually(lambda: reads([]))
    await ada.call("DELETE", f"/channels/{there}/messages/{answer}")


async def _answered(ada: Ada, channel: str, said: str) -> bool:
    return any(said in one["content"] and HELLO in one["content"] for one in await copies(ada, channel))


async def test_a_flag_translates_a_message(ada: Ada, database: Database) -> None:
    (channel,) = await ada.opens("flags")
    guild = int(ada.seed["guild"]["id"])
    await GuildSettings(database).put(Place(guild, Scope.CHANNEL, int(channel)), "flags", "reply", by=1)
    said = await ada.say(HELLO, channel=channel)
    await ada.call("PUT", f"/channels/{channel}/messages/{said}/reactions/%F0%9F%87%AB%F0%9F%87%B7/@me")
    await ada.reads(said, BONJOUR, channel)
