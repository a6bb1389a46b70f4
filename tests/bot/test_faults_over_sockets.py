"""The bot while Discord misbehaves: storms of 429, slow and failing requests, gateway sockets that drop, restarts.

Whatever goes wrong, each question has one answer in the end: nothing is doubled, nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from bot.conversation.answer import STOPPED, STOPPED_AT_ONCE
from bot.conversation.pace import Pace
from bot.conversation.rendering import small
from bot.conversation.running import Why
from llm.config import LLMSettings
from storage.database import Database
from storage.history import History
from tests.bot.sockets import DEADLINE_S, Ada, Backstage, Json, Steward, ada_at, eventually, steward_at
from tests.fakes import ScriptedEngine, reply

EDIT = "/channels/{channel_id}/messages/{message_id}"
POST = "/channels/{channel_id}/messages"
BRISK = Pace(edit_interval_s=0.1, quiet_s=0.1)
"""Each test has a channel of its own and edits less than five times in it."""
FIRST, WHOLE = "First sentence.", "First sentence. And the end."


@pytest.fixture
async def steward(
    playground: str, engine: ScriptedEngine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Steward]:
    limits = LLMSettings(first_token_timeout_s=DEADLINE_S, token_timeout_s=DEADLINE_S)
    async with steward_at(playground, engine.base_url, database, limits, monkeypatch, pace=BRISK) as there:
        yield there


@pytest.fixture
async def ada(playground: str, steward: Steward) -> AsyncIterator[Ada]:
    """Ada in a channel of her own for each test, so that no rate limit of another test is left in it."""
    async with ada_at(playground) as person:
        (person.channel,) = await person.opens("quiet")
        yield person


def held(engine: ScriptedEngine, answers: int = 1) -> asyncio.Event:
    """So many answers that wait after their first sentence; set the event for their end."""
    rest = asyncio.Event()
    engine.enqueue(*(reply(pieces=[f"{FIRST} ", rest, "And the end."]) for _ in range(answers)))
    return rest


async def streaming(ada: Ada, channels: list[str]) -> dict[str, str]:
    """A question in each channel, of which each has the first sentence of its answer: channel → question."""
    questions = {channel: await ada.ask("hello", channel=channel) for channel in channels}
    for channel, question in questions.items():
        await ada.reads(question, FIRST, channel)
    return questions


@pytest.mark.parametrize("everywhere", [False, True], ids=["one route", "everything"])
async def test_a_storm_of_429_during_parallel_streams(
    ada: Ada, engine: ScriptedEngine, backstage: Backstage, *, everywhere: bool
) -> None:
    rest = held(engine, 3)
    questions = await streaming(ada, await ada.opens("one", "two", "three"))
    route = {} if everywhere else {"route": EDIT}
    await backstage.fault("storm", kind="refuse", method="PATCH", times=6, seconds=0.05, everywhere=everywhere, **route)
    rest.set()
    for channel, question in questions.items():
        shown = await ada.reads(question, WHOLE, channel)
        assert len(shown["components"][0]["components"]) == 1
    assert await backstage.struck("storm") == 6


async def test_a_first_post_that_is_refused_comes_once(ada: Ada, engine: ScriptedEngine, backstage: Backstage) -> None:
    engine.enqueue(reply("Hello."))
    await backstage.fault("storm", kind="refuse", method="POST", route=POST, times=3, seconds=0.05)
    await ada.reads(await ada.ask("hello"), "Hello.")
    assert await backstage.struck("storm") == 3


@pytest.mark.parametrize("kind", ["fail", "lose"])
async def test_a_first_post_that_fails_comes_once(
    ada: Ada, engine: ScriptedEngine, backstage: Backstage, kind: str
) -> None:
    """`lose`: Discord has posted it, but its answer is an error."""
    engine.enqueue(reply("Hello."))
    await backstage.fault("down", kind=kind, method="POST", route=POST, status=503)
    question = await ada.ask("hello")
    shown = await with_button(ada, question, ada.channel, "Regenerate")
    assert (shown["content"], await backstage.struck("down")) == ("Hello.", 1)


async def test_edits_that_fail_at_times(ada: Ada, engine: ScriptedEngine, backstage: Backstage) -> None:
    rest = held(engine)
    questions = await streaming(ada, [ada.channel])
    await backstage.fault("down", kind="fail", method="PATCH", route=EDIT, status=503, times=2)
    rest.set()
    await ada.reads(questions[ada.channel], WHOLE)
    assert await backstage.struck("down") == 2


async def test_an_edit_that_is_done_but_answered_by_an_error(
    ada: Ada, engine: ScriptedEngine, backstage: Backstage
) -> None:
    """After a 502 discord.py itself tries again, a second later."""
    rest = held(engine)
    questions = await streaming(ada, [ada.channel])
    await backstage.fault("down", kind="lose", method="PATCH", route=EDIT, status=502)
    rest.set()
    await ada.reads(questions[ada.channel], WHOLE)


async def test_slow_edits_are_few_and_the_last_one_is_right(
    ada: Ada, engine: ScriptedEngine, backstage: Backstage
) -> None:
    """Each edit takes longer than ten words: no two are in flight, and what is shown at the end is all of it."""
    words = [asyncio.Event() for _ in range(30)]
    pieces = [piece for number, word in enumerate(words) for piece in (word, f"word{number}. ")]
    engine.enqueue(reply(pieces=[f"{FIRST} ", *pieces]))
    questions = await streaming(ada, [ada.channel])
    await backstage.fault("slow", kind="slow", method="PATCH", route=EDIT, seconds=0.7, times=None)
    before = await backstage.asked(f"PATCH {EDIT}")
    for word in words:
        word.set()
        await asyncio.sleep(0.03)
    await ada.reads(questions[ada.channel], " ".join([FIRST, *(f"word{number}." for number in range(30))]))
    assert await backstage.asked(f"PATCH {EDIT}") - before <= 3


async def test_a_gateway_that_drops_in_mid_stream_is_resumed(
    ada: Ada, steward: Steward, engine: ScriptedEngine, backstage: Backstage
) -> None:
    rest = held(engine)
    questions = await streaming(ada, [ada.channel])
    session = steward.client.ws.session_id
    await backstage.fault("drop", kind="drop", times=2)
    engine.enqueue(reply("Once."))
    (other,) = await ada.opens("other")
    meanwhile = await ada.ask("meanwhile", channel=other)
    rest.set()
    await ada.reads(questions[ada.channel], WHOLE)
    await ada.reads(meanwhile, "Once.", other)
    assert (await backstage.struck("drop"), steward.client.ws.session_id) == (2, session)
    assert len(engine.requests) == 2


async def test_what_is_asked_while_the_session_is_lost_is_answered_once(
    ada: Ada, steward: Steward, engine: ScriptedEngine, backstage: Backstage
) -> None:
    """Discord does not send again what was said between two sessions; the stream goes on meanwhile."""
    rest = held(engine)
    questions = await streaming(ada, [ada.channel])
    steward.may_identify.clear()
    await backstage.fault("gone", kind="invalidate")

    async def is_gone() -> bool:
        return await backstage.struck("gone") == 1

    await eventually(is_gone)
    engine.enqueue(reply("Found it."), reply("Back again."))
    missed = await ada.ask("does anybody hear me?")
    rest.set()
    await ada.reads(questions[ada.channel], WHOLE)
    assert await ada.replies(missed) == []
    steward.may_identify.set()
    await ada.reads(missed, "Found it.")
    await ada.reads(await ada.ask("and now?"), "Back again.")
    assert len(engine.requests) == 3


async def test_a_question_that_is_edited_while_the_gateway_is_away(
    ada: Ada, engine: ScriptedEngine, backstage: Backstage
) -> None:
    held(engine)
    questions = await streaming(ada, [ada.channel])
    engine.enqueue(reply("Another answer."))
    await backstage.fault("drop", kind="drop")
    path = f"/channels/{ada.channel}/messages/{questions[ada.channel]}"
    await ada.call("PATCH", path, {"content": f"<@{ada.bot_id}> something else"})
    await ada.reads(questions[ada.channel], "Another answer.")
    assert engine.requests[1].texts[-1] == "Ada: something else"


async def test_a_question_that_is_edited_while_the_last_edit_of_its_answer_is_on_its_way(
    ada: Ada, engine: ScriptedEngine, backstage: Backstage
) -> None:
    rest = held(engine)
    questions = await streaming(ada, [ada.channel])
    await backstage.fault("slow", kind="slow", method="PATCH", route=EDIT, seconds=1.0)
    rest.set()

    async def is_under_way() -> bool:
        return await backstage.struck("slow") == 1

    await eventually(is_under_way)
    engine.enqueue(reply("Another answer."))
    path = f"/channels/{ada.channel}/messages/{questions[ada.channel]}"
    await ada.call("PATCH", path, {"content": f"<@{ada.bot_id}> something else"})
    await ada.reads(questions[ada.channel], "Another answer.")


async def test_a_channel_that_is_deleted_in_mid_stream_frees_the_engine(
    ada: Ada, engine: ScriptedEngine, database: Database
) -> None:
    rest = held(engine)
    questions = await streaming(ada, [ada.channel])
    await ada.call("DELETE", f"/channels/{ada.channel}")
    await asyncio.wait_for(engine.requests[0].disconnected.wait(), DEADLINE_S)
    rest.set()

    async def is_forgotten() -> bool:
        return not (await History(database).chain(int(questions[ada.channel]))).messages

    await eventually(is_forgotten)


async def test_many_questions_that_are_deleted_at_once_in_mid_stream(ada: Ada, engine: ScriptedEngine) -> None:
    held(engine, 2)
    questions = [await ada.ask(text) for text in ("one", "two")]
    for question in questions:
        await ada.reads(question, FIRST)
    await ada.call("POST", f"/channels/{ada.channel}/messages/bulk-delete", {"messages": questions})
    for question, request in zip(questions, engine.requests, strict=True):
        await eventually(partial(ada.sees, question, "since the question was deleted"))
        await asyncio.wait_for(request.disconnected.wait(), DEADLINE_S)


async def test_an_engine_that_dies_under_several_streams(ada: Ada, engine: ScriptedEngine) -> None:
    held(engine, 2)
    questions = await streaming(ada, await ada.opens("one", "two"))
    await engine.stop()
    await engine.start()
    engine.enqueue(reply("Here again."), reply("Here again."))
    for channel, question in questions.items():
        shown = await with_button(ada, question, channel, "Retry")
        assert shown["content"].startswith(FIRST) and "stopped in the middle" in shown["content"]
        await ada.press(shown, "Retry")
        await ada.reads(question, "Here again.", channel)


async def test_steward_restarts_in_the_middle_of_a_conversation(
    ada: Ada, steward: Steward, engine: ScriptedEngine
) -> None:
    """What had ended goes on; what had not can be tried again by the buttons that stand under it."""
    engine.enqueue(reply("Green, then."))
    first = await ada.reads(await ada.ask("my colour is green"), "Green, then.")
    held(engine)
    (other,) = await ada.opens("other")
    broken = (await streaming(ada, [other]))[other]
    engine.enqueue(reply(pieces=[asyncio.Event()]))
    (silent,) = await ada.opens("silent")
    unheard = await ada.ask("does anybody hear me?", channel=silent)
    await engine.received(3)
    await steward.goes()
    await ada.reads(broken, f"{FIRST}\n{small(STOPPED[Why.CLOSING])}", other)
    await ada.reads(unheard, STOPPED_AT_ONCE[Why.CLOSING], silent)
    await steward.comes()
    engine.enqueue(reply("Green."), when=lambda request: "which" in request.texts[-1])
    question = await ada.ask("which colour is mine?", reply_to=first["id"])
    await ada.reads(question, "Green.")
    assert engine.requests[-1].texts[-3:] == ["Ada: my colour is green", "Green, then.", "Ada: which colour is mine?"]

    engine.enqueue(reply(WHOLE))
    await ada.press(await with_button(ada, broken, other, "Retry"), "Retry")
    await ada.reads(broken, WHOLE, other)


async def test_an_answer_that_goes_over_to_another_message_can_go_on_again(ada: Ada, engine: ScriptedEngine) -> None:
    """Steward's own next message replies to the one before; nobody has said anything to either."""
    rest = asyncio.Event()
    engine.enqueue(
        reply("word " * 300, finish_reason="length"),
        reply(pieces=["more " * 300, rest, "end"], finish_reason="length"),
    )
    question = await ada.ask("hello")
    await eventually(partial(ada.sees, question, "Continue"))
    (first,) = await ada.replies(question)
    await ada.press(first, "Continue")
    await eventually(partial(ada.sees, first["id"], "more"))
    rest.set()
    await eventually(partial(ada.sees, first["id"], "Continue"))


async def test_who_replies_while_another_answer_is_made_goes_on_from_the_one_they_saw(
    ada: Ada, engine: ScriptedEngine
) -> None:
    engine.enqueue(reply("One."), reply(pieces=[hold := asyncio.Event(), "Two."]), reply("Yes."))
    question = await ada.ask("hello")
    one = await ada.reads(question, "One.")
    await ada.press(await with_button(ada, question, ada.channel, "Regenerate"), "Regenerate")
    await engine.received(2)
    later = await ada.ask("really?", reply_to=one["id"])
    await asyncio.wait_for(engine.requests[1].disconnected.wait(), DEADLINE_S)
    hold.set()
    await ada.reads(later, "Yes.")
    await ada.reads(question, "One.")
    assert engine.requests[2].texts[1:] == ["Ada: hello", "One.", "Ada: really?"]


async def with_button(ada: Ada, question: str, channel: str, label: str) -> Json:
    """The one reply to a question, once there is such a button under it."""
    found: list[Json] = []

    async def is_there() -> bool:
        found[:] = await ada.replies(question, channel)
        return label in str(found)

    await eventually(is_there)
    assert len(found) == 1
    return found[0]
