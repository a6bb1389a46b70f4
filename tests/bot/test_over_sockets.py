"""What only real time shows: the bot on the playground's sockets, with an engine that hangs, falls silent or dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from bot.conversation.answer import STOPPED
from bot.conversation.long_answers import FILE_NAME, IN_FILE
from bot.conversation.rendering import small
from bot.conversation.running import Why
from bot.conversation.turn import RESTARTING
from bot.errors import explain
from llm.config import LLMSettings
from llm.errors import EngineTimeout
from storage.database import Database
from storage.history import History
from tests.bot.papers import pdf, picture
from tests.bot.sockets import DEADLINE_S, Ada, ada_at, eventually, steward_at
from tests.bot.test_faults_over_sockets import BRISK, with_button
from tests.bot.test_running_summaries import is_summary
from tests.fakes import ScriptedEngine, die_midway, hang, reply
from tests.waiting import until


@pytest.fixture
async def ada(
    playground: str, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ada]:
    """Ada, while the bot is connected; first token within 1 s, silence of 0.5 s at most."""
    limits = LLMSettings(first_token_timeout_s=1.0, token_timeout_s=0.5)
    async with steward_at(playground, engine.base_url, database, limits, monkeypatch), ada_at(playground) as person:
        yield person


async def test_an_engine_that_never_begins(ada: Ada, engine: ScriptedEngine) -> None:
    engine.enqueue(hang())
    question = await ada.ask("hello")
    await ada.reads(question, explain(EngineTimeout()).sentence)
    await asyncio.wait_for(engine.requests[0].disconnected.wait(), DEADLINE_S)


async def test_an_engine_that_falls_silent(ada: Ada, engine: ScriptedEngine) -> None:
    engine.enqueue(hang("Half an answer. "))
    question = await ada.ask("hello")
    await ada.reads(question, f"Half an answer.\n-# {explain(EngineTimeout()).sentence}")


async def test_the_answer_grows_before_the_reader(ada: Ada, engine: ScriptedEngine, database: Database) -> None:
    engine.enqueue(reply(pieces=["First sentence. ", rest := asyncio.Event(), "Second one."]))
    question = await ada.ask("hello")
    first = await ada.reads(question, "First sentence.")
    rest.set()
    last = await ada.reads(question, "First sentence. Second one.")
    assert last["id"] == first["id"] and last["mentions"] == []

    async def is_stored() -> bool:
        rows = (await History(database).chain(int(last["id"]))).messages
        return rows[-1].content == "First sentence. Second one."

    await eventually(is_stored)


async def test_a_reply_that_is_deleted_frees_the_engine(ada: Ada, engine: ScriptedEngine) -> None:
    engine.enqueue(reply(pieces=["First sentence. ", more := asyncio.Event(), "Second. ", asyncio.Event()]))
    question = await ada.ask("hello")
    shown = await ada.reads(question, "First sentence.")
    async with httpx.AsyncClient(base_url=ada.http.base_url, headers={"Authorization": "Bot playground"}) as steward:
        (await steward.delete(f"/channels/{ada.channel}/messages/{shown['id']}")).raise_for_status()
    more.set()
    await asyncio.wait_for(engine.requests[0].disconnected.wait(), DEADLINE_S)
    assert await ada.replies(question) == []


async def test_an_engine_that_restarts_in_between(ada: Ada, engine: ScriptedEngine) -> None:
    engine.enqueue(die_midway("The first half. "))
    question = await ada.ask("hello")
    await eventually(partial(ada.sees, question, "stopped in the middle"))
    await engine.stop()
    question = await ada.ask("and now?")
    await ada.reads(question, small(RESTARTING))
    engine.enqueue(reply("Here I am again."))
    await engine.start()
    await ada.reads(question, "Here I am again.")


async def test_many_slow_answers_do_not_hold_up_a_quick_one(ada: Ada, engine: ScriptedEngine) -> None:
    release = asyncio.Event()
    engine.enqueue(
        *[reply(pieces=[f"Slow {number}. ", release, "End."]) for number in range(2)],
        when=lambda request: "slow" in request.texts[-1],
    )
    engine.enqueue(reply("Quick."), when=lambda request: "quick" in request.texts[-1])
    slow = [await ada.ask(f"slow {number}") for number in range(2)]
    await engine.received(2)
    await ada.reads(await ada.ask("quick"), "Quick.")
    release.set()
    for question in slow:
        await eventually(partial(ada.sees, question, "End."))


async def test_a_long_answer_comes_as_a_file(ada: Ada, engine: ScriptedEngine, database: Database) -> None:
    text = " ".join(f"word{number}" for number in range(900))
    engine.enqueue(reply(f"{text} end."))
    question = await ada.ask("hello")
    await eventually(partial(ada.sees, question, "word0 "))
    (first,) = await ada.replies(question)
    await eventually(partial(ada.sees, first["id"], FILE_NAME))
    (last,) = await ada.replies(first["id"])
    assert IN_FILE in last["content"]
    assert (await ada.http.get(last["attachments"][0]["url"])).text == f"{text} end.\n"

    async def is_stored() -> bool:
        rows = (await History(database).chain(int(last["id"]))).messages
        return "".join(row.content for row in rows[1:]) == f"{text} end."

    await eventually(is_stored)


async def test_pdf_files_and_pictures_are_read(ada: Ada, engine: ScriptedEngine) -> None:
    engine.sees, engine.max_model_len = True, 8192
    engine.enqueue(reply("Bees."))
    question = await ada.attach("what is this?", ("bees.pdf", pdf("Bees dance.")), ("bee.png", picture()))
    await ada.reads(question, "Bees.")
    text, shown = engine.requests[0].body["messages"][-1]["content"]
    assert "]\nBees dance.\n[end of file]" in text["text"] and shown["type"] == "image_url"


async def test_a_question_that_is_deleted_and_not_posted_again_ends_its_answer(
    ada: Ada, engine: ScriptedEngine
) -> None:
    engine.enqueue(reply(pieces=["First sentence. ", asyncio.Event()]))
    question = await ada.ask("hello")
    await ada.reads(question, "First sentence.")
    (await ada.http.delete(f"/channels/{ada.channel}/messages/{question}")).raise_for_status()
    await eventually(partial(ada.sees, question, STOPPED[Why.DELETED]))
    await asyncio.wait_for(engine.requests[0].disconnected.wait(), DEADLINE_S)


async def test_no_answer_waits_for_a_summary_in_the_making(
    playground: str, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is given up for a long while: who waited for the summary would wait for ever."""
    limits = LLMSettings(first_token_timeout_s=600, token_timeout_s=600)
    engine.max_model_len = 320
    engine.enqueue(reply(pieces=[hold := asyncio.Event(), "Notes."]), when=is_summary)
    there = steward_at(playground, engine.base_url, database, limits, monkeypatch, pace=BRISK)
    async with there, ada_at(playground) as ada:
        (ada.channel,) = await ada.opens("summaries")
        last: str | None = None
        for number in range(5):
            if number == 3:
                await until(lambda: any(map(is_summary, engine.requests)), DEADLINE_S)
            engine.enqueue(reply("Yes."), when=lambda request: not is_summary(request))
            question = await ada.ask("word " * 90, reply_to=last)
            last = str((await with_button(ada, question, ada.channel, "Regenerate"))["id"])
        (made,) = filter(is_summary, engine.requests)
        assert not made.disconnected.is_set()
        hold.set()
