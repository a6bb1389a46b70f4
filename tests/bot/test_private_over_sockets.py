"""A private conversation over sockets: it just goes on, several messages are one question, a mention starts afresh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from llm.config import LLMSettings
from storage.database import Database
from tests.bot.sockets import DEADLINE_S, Ada, ada_at, eventually, steward_at
from tests.fakes import ScriptedEngine, reply


@pytest.fixture
async def ada(
    playground: str, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ada]:
    """Ada, who writes in private."""
    limits = LLMSettings(first_token_timeout_s=DEADLINE_S, token_timeout_s=DEADLINE_S)
    async with steward_at(playground, engine.base_url, database, limits, monkeypatch), ada_at(playground) as person:
        person.channel = (await person.call("POST", "/users/@me/channels", {"recipient_id": person.bot_id}))["id"]
        yield person


async def shows(ada: Ada, *expected: str) -> bool:
    """Whether these are Steward's last messages."""
    found = await ada.call("GET", f"/channels/{ada.channel}/messages?limit=100")
    said = [one["content"] for one in reversed(found) if one["author"]["id"] == ada.bot_id]
    return said[-len(expected) :] == list(expected)


async def test_what_is_said_after_the_first_word_is_the_next_question_and_a_mention_starts_afresh(
    ada: Ada, engine: ScriptedEngine
) -> None:
    engine.enqueue(reply(pieces=["One. ", hold := asyncio.Event(), "End."]), reply("Two."), reply("Afresh."))
    for text in (f"<@{ada.bot_id}> first", "second", f"<@{ada.bot_id}> third", "fourth"):  # others spoke there before
        await ada.say(text)
        await eventually(partial(shows, ada, "One."))
    hold.set()
    await eventually(partial(shows, ada, "One. End.", "Two.", "Afresh."))
    assert engine.requests[1].texts[1:] == ["Ada: first", "One. End.", "Ada: second"]
    assert engine.requests[2].texts[1:] == ["Ada: third\nAda: fourth"]
    engine.enqueue(reply("On."))
    await ada.say("fifth")
    await eventually(partial(shows, ada, "On."))
    assert engine.requests[3].texts[1:] == ["Ada: third\nAda: fourth", "Afresh.", "Ada: fifth"]
