"""LLMClient against the scripted engine, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest

from llm.client import LLMClient
from llm.config import LLMSettings
from llm.errors import (
    EmptyConversation,
    EngineUnavailable,
    RequestRefused,
)
from llm.types import ChatEvent, ChatMessage, ChatReply, EngineHealth, ModelInfo, QueuePosition, Sampling, Usage
from tests.fakes import (
    ScriptedEngine,
    count_tokens,
    reply,
)
from tests.llm.asking import PROMPT, QUESTION, SAMPLING, client_with

# Answers


async def test_a_stream_ends_with_finish_reason_and_usage(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply("You like green.", cached_tokens=4))
    events = [event async for event in client.stream_chat(QUESTION, SAMPLING)]
    assert [event.text for event in events] == ["You", " like", " green.", ""]
    assert [event.finish_reason for event in events[:-1]] == [None] * 3
    assert events[-1] == ChatEvent(finish_reason="stop", usage=Usage(count_tokens(PROMPT), 3, 4))


async def test_the_first_text_arrives_while_the_engine_still_writes(engine: ScriptedEngine, client: LLMClient) -> None:
    gate = asyncio.Event()
    engine.enqueue(reply(pieces=["first", gate, "second"]))
    async with aclosing(client.stream_chat(QUESTION, SAMPLING)) as events:
        assert (await anext(events)).text == "first"
        gate.set()
        assert (await anext(events)).text == "second"


async def test_a_whole_answer(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply("You like green.", finish_reason="length"))
    answer = await client.chat(QUESTION, SAMPLING)
    assert answer == ChatReply("You like green.", "length", Usage(count_tokens(PROMPT), 3))


async def test_queue_positions_come_before_the_text(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply("Green.", queue=[2, 0]))
    events = [event async for event in client.stream_chat(QUESTION, SAMPLING)]
    assert [event.queue for event in events[:2]] == [QueuePosition(2, 2.0), QueuePosition(0, 0.0)]
    assert events[2].text == "Green."


@pytest.mark.parametrize("reason", ["content_filter", "tool_calls", "something new"])
async def test_foreign_finish_reasons_mean_stop(engine: ScriptedEngine, client: LLMClient, reason: str) -> None:
    engine.enqueue(reply("Green.", finish_reason=reason))
    assert (await client.chat(QUESTION, SAMPLING)).finish_reason == "stop"


async def test_many_conversations_at_once_keep_their_own_answers(engine: ScriptedEngine, client: LLMClient) -> None:
    def asks(number: int) -> Callable[..., bool]:
        return lambda request: request.texts[-1] == f"number {number}."

    numbers = range(20)
    for number in reversed(numbers):
        engine.enqueue(reply(f"answer {number}"), when=asks(number))
    answers = await asyncio.gather(
        *(client.chat([ChatMessage("user", f"number {number}.")], SAMPLING) for number in numbers)
    )
    assert [answer.text for answer in answers] == [f"answer {number}" for number in numbers]


# What is sent


async def test_our_own_worker_gets_everything(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply("Green."))
    sampling = Sampling(max_tokens=9, temperature=0.0, top_p=0.5, top_k=7, stop=("\n", "END"))
    await client.chat(QUESTION, sampling, priority="background", user="1/2")
    assert engine.requests[0].body == {
        "model": "scripted",
        "messages": PROMPT,
        "max_tokens": 9,
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 7,
        "stop": ["\n", "END"],
        "priority": "background",
        "user": "1/2",
        "stream": True,
        "stream_options": {"include_usage": True, "include_queue": True},
    }


async def test_what_is_left_to_the_engine_is_not_sent(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply("Green."))
    await client.chat(QUESTION, SAMPLING)
    body = engine.requests[0].body
    assert body.keys().isdisjoint({"temperature", "top_p", "top_k", "stop", "user"})
    assert body["priority"] == "command"


async def test_another_engine_gets_standard_fields_only(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.owned_by = "vllm"
    engine.enqueue(reply("Green."))
    await client.chat(QUESTION, Sampling(max_tokens=9, temperature=0.5, top_k=7), priority="background", user="1/2")
    assert engine.requests[0].body == {
        "model": "scripted",
        "messages": PROMPT,
        "max_tokens": 9,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_the_token_is_sent(engine: ScriptedEngine) -> None:
    engine.token = "secret"
    engine.enqueue(reply("Green."))
    async with LLMClient(LLMSettings(), engine.base_url, token="secret") as client:
        assert (await client.chat(QUESTION, SAMPLING)).text == "Green."


async def test_a_wrong_token_is_a_refusal(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.token = "secret"
    with pytest.raises(RequestRefused, match="wrong token"):
        await client.model()


async def test_an_empty_conversation_is_refused_before_anything_is_sent(
    engine: ScriptedEngine, client: LLMClient
) -> None:
    with pytest.raises(EmptyConversation):
        await client.chat([], SAMPLING)
    with pytest.raises(EmptyConversation):
        await client.count_tokens([])
    assert engine.requests == []


# Counting


async def test_our_worker_counts_exactly(engine: ScriptedEngine, client: LLMClient) -> None:
    counted = await client.count_tokens(QUESTION)
    assert (counted.count, counted.max_model_len, counted.exact) == (count_tokens(PROMPT), 2048, True)
    assert engine.tokenized == [{"messages": PROMPT}]


async def test_another_engine_that_counts_is_asked(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.owned_by = "vllm"
    assert (await client.count_tokens(QUESTION)).exact


async def test_without_tokenize_the_estimate_is_an_upper_one_and_learns(
    engine: ScriptedEngine, client: LLMClient
) -> None:
    engine.owned_by, engine.has_tokenize = "vllm", False
    engine.enqueue(reply("Green."))
    first = await client.count_tokens(QUESTION)
    await client.chat(QUESTION, SAMPLING)
    learned = await client.count_tokens(QUESTION)
    assert not first.exact and not learned.exact
    assert first.count > learned.count >= count_tokens(PROMPT)
    assert learned.max_model_len == 2048


async def test_an_engine_that_does_not_state_its_context(engine: ScriptedEngine) -> None:
    engine.owned_by, engine.has_tokenize, engine.max_model_len = "hosted", False, None
    async with client_with(engine, context_tokens=1000) as client:
        assert (await client.count_tokens(QUESTION)).max_model_len == 1000


# The model and the engine's health


async def test_the_model_is_asked_for_once(engine: ScriptedEngine, client: LLMClient) -> None:
    assert await client.model() == ModelInfo("scripted", 2048, "steward")
    engine.model = "another"
    assert (await client.model()).id == "scripted"


async def test_a_configured_model_that_our_worker_does_not_serve(engine: ScriptedEngine) -> None:
    async with client_with(engine, model="missing") as client:
        with pytest.raises(RequestRefused, match="serves scripted, not missing"):
            await client.model()


async def test_another_engine_may_serve_more_than_it_lists(engine: ScriptedEngine) -> None:
    engine.owned_by = "hosted"
    async with client_with(engine, model="unlisted", context_tokens=9000) as client:
        assert await client.model() == ModelInfo("unlisted", 9000, "")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"status": "ready", "reason": "", "progress": None}, EngineHealth("ready")),
        (
            {"status": "loading", "reason": "reading weights", "progress": 0.5},
            EngineHealth("loading", "reading weights", 0.5),
        ),
        ({"status": "dead", "reason": "out of memory", "progress": None}, EngineHealth("dead", "out of memory")),
        (None, EngineHealth("ready")),  # no such route, but it lists its models
    ],
)
async def test_health(
    engine: ScriptedEngine, client: LLMClient, said: dict[str, object] | None, expected: EngineHealth
) -> None:
    engine.health = said
    assert await client.health() == expected


async def test_health_of_an_engine_that_is_not_there(engine: ScriptedEngine, client: LLMClient) -> None:
    await engine.stop()
    health = await client.health()
    assert (health.status, bool(health.reason)) == ("unreachable", True)


async def test_an_engine_that_is_not_there_is_unavailable(engine: ScriptedEngine, client: LLMClient) -> None:
    await engine.stop()
    with pytest.raises(EngineUnavailable, match="connection"):
        await client.count_tokens(QUESTION)
