"""LLMClient when the engine refuses, falls silent, dies, or is left alone, over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from llm.client import LLMClient
from llm.errors import (
    ContextTooLong,
    EngineBusy,
    EngineTimeout,
    EngineUnavailable,
    LLMError,
    RequestRefused,
    StreamBroken,
)
from tests.fakes import (
    Answer,
    ScriptedEngine,
    die_midway,
    failure,
    failure_inside_stream,
    hang,
    reply,
)
from tests.llm.asking import QUESTION, SAMPLING, client_with

IMPATIENT = 0.3
"""Seconds: a deadline that a hanging engine certainly misses."""


async def until_it_fails(client: LLMClient) -> tuple[str, LLMError]:
    """The text that came, and the error that ended it."""
    text = ""
    try:
        async for event in client.stream_chat(QUESTION, SAMPLING):
            text += event.text
    except LLMError as error:
        return text, error
    raise AssertionError(f"it did not fail, it said: {text}")


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (failure(503, "the model is loading", code="loading"), EngineUnavailable, "the model is loading"),
        (failure(500, "the loop died"), EngineUnavailable, "the loop died"),
        (failure(429, "queue full"), EngineBusy, "queue full"),
        (failure(503, "no turn came", code="queue_timeout"), EngineBusy, "no turn came"),
        (failure(504, "deadline"), EngineTimeout, "deadline"),
        (failure(400, "too long", code="context_length_exceeded"), ContextTooLong, "too long"),
        (failure(400, "This model's maximum context length is 8"), ContextTooLong, "maximum context length"),
        (failure(400, "top_k must be positive", param="top_k"), RequestRefused, "top_k must be positive"),
        (failure(400, ""), RequestRefused, "HTTP 400"),
        (failure_inside_stream(message="the loop died"), EngineUnavailable, "the loop died"),
        (failure_inside_stream(message="full", code="queue_full"), EngineBusy, "full"),
        (failure_inside_stream(message="late", code="timeout"), EngineTimeout, "late"),
        (failure_inside_stream(message="no", kind="invalid_request_error"), RequestRefused, "no"),
        (failure_inside_stream(message="long", code="context_length_exceeded"), ContextTooLong, "long"),
        (die_midway(), EngineUnavailable, "connection"),
    ],
)
async def test_failures_before_the_answer(
    engine: ScriptedEngine, client: LLMClient, answer: Answer, expected: type[LLMError], says: str
) -> None:
    engine.enqueue(answer)
    text, error = await until_it_fails(client)
    assert (text, type(error)) == ("", expected)
    assert says in str(error)


async def test_busy_says_when_to_come_back(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(failure(429, headers={"Retry-After": "7"}), failure(429, headers={"Retry-After": "tomorrow"}))
    for expected in (7.0, None):
        with pytest.raises(EngineBusy) as caught:
            await client.chat(QUESTION, SAMPLING)
        assert caught.value.retry_after_s == expected


async def test_a_refusal_names_the_field(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(failure(400, "seed cannot be honoured", param="seed"))
    with pytest.raises(RequestRefused) as caught:
        await client.chat(QUESTION, SAMPLING)
    assert caught.value.param == "seed"


@pytest.mark.parametrize(
    "answer",
    [
        die_midway("so", " far"),
        failure_inside_stream("so", " far", message="the loop died"),
    ],
)
async def test_an_engine_that_dies_midway_leaves_what_it_said(
    engine: ScriptedEngine, client: LLMClient, answer: Answer
) -> None:
    engine.enqueue(answer)
    text, error = await until_it_fails(client)
    assert (text, type(error)) == ("so far", StreamBroken)


async def test_a_killed_engine_is_found_again_with_its_new_model(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(hang("so far"), reply("back"))
    with pytest.raises(StreamBroken):
        async for _ in client.stream_chat(QUESTION, SAMPLING):
            await engine.stop()
    with pytest.raises(EngineUnavailable):
        await client.chat(QUESTION, SAMPLING)
    engine.model = "another"
    await engine.start()
    assert (await client.chat(QUESTION, SAMPLING)).text == "back"
    assert (await client.model()).id == "another"


async def test_an_engine_that_never_begins(engine: ScriptedEngine) -> None:
    engine.enqueue(hang())
    async with client_with(engine, first_token_timeout_s=IMPATIENT) as client:
        text, error = await until_it_fails(client)
    assert (text, type(error)) == ("", EngineTimeout)
    await engine.requests[0].disconnected.wait()


async def test_an_engine_that_falls_silent(engine: ScriptedEngine) -> None:
    engine.enqueue(hang("so far"))
    async with client_with(engine, token_timeout_s=IMPATIENT) as client:
        text, error = await until_it_fails(client)
    assert (text, type(error)) == ("so far", EngineTimeout)
    await engine.requests[0].disconnected.wait()


async def test_waiting_in_the_queue_counts_as_not_begun(engine: ScriptedEngine) -> None:
    engine.enqueue(reply(pieces=[asyncio.Event()], queue=[1]))
    async with client_with(engine, first_token_timeout_s=IMPATIENT) as client:
        with pytest.raises(EngineTimeout):
            await client.chat(QUESTION, SAMPLING)


async def test_closing_the_stream_ends_the_request(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(hang("so far"))
    async with aclosing(client.stream_chat(QUESTION, SAMPLING)) as events:
        assert (await anext(events)).text == "so far"
    await engine.requests[0].disconnected.wait()


@pytest.mark.parametrize("pieces", [(), ("so far",)])
async def test_cancelling_the_task_ends_the_request(
    engine: ScriptedEngine, client: LLMClient, pieces: tuple[str, ...]
) -> None:
    engine.enqueue(hang(*pieces))
    asking = asyncio.create_task(client.chat(QUESTION, SAMPLING))
    request = await engine.received(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await request.disconnected.wait()
