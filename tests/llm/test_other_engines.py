"""LLMClient towards engines that are not ours: addresses, lists, fields, errors and streams as they really are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from llm.address import api_address
from llm.client import LLMClient
from llm.config import LLMSettings
from llm.dialect import Dialect
from llm.errors import (
    ContextTooLong,
    EngineBusy,
    EngineTimeout,
    EngineUnavailable,
    LLMError,
    RequestRefused,
    SettingsRefused,
    StreamBroken,
)
from llm.types import ModelInfo, Sampling, Usage
from tests.fakes import Raw, ScriptedEngine, failure, raw, reply
from tests.llm.asking import QUESTION, SAMPLING, client_with


@pytest.fixture(autouse=True)
def _another(engine: ScriptedEngine) -> None:
    engine.owned_by, engine.has_tokenize, engine.health = "somebody", False, None


def events(*chunks: Mapping[str, Any] | str) -> Raw:
    """A stream of these chunks; text is sent as it is."""
    return raw("".join(c if isinstance(c, str) else f"data: {json.dumps(c)}\n\n" for c in chunks))


def said(text: str | None, **more: object) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}, **more}]}


# Where it is


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", None),
    ],
)
def test_a_mere_server_means_its_v1(given: str, asked: str | None) -> None:
    assert api_address(given) == (asked or given.rstrip("/"))


async def test_an_address_without_v1_works(engine: ScriptedEngine) -> None:
    engine.enqueue(reply("Green."))
    async with LLMClient(LLMSettings(), engine.base_url.removesuffix("/v1")) as client:
        assert (await client.chat(QUESTION, SAMPLING)).text == "Green."


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000/v1", "ftp://a/v1", "http://", "https://me:secret@a/v1", "http://a/v1?k=1"]
)
def test_an_address_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        LLMSettings(base_url=url)


async def test_the_environment_of_other_programs_is_left_alone(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://elsewhere.invalid")
    engine.enqueue(reply("Green."))
    async with client_with(engine) as client:
        await client.chat(QUESTION, SAMPLING)
    sent = engine.requests[0].headers
    assert "openai-organization" not in sent and "openai-project" not in sent
    assert sent["authorization"] == "Bearer none"


async def test_a_kept_connection_that_was_closed_at_the_other_end_is_no_failure() -> None:
    models = json.dumps({"data": [{"id": "a", "owned_by": "library"}]})
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(models)}\r\n\r\n{models}"
    connections = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())
        await reader.readuntil(b"\r\n\r\n")  # the second request finds the connection closed
        writer.close()

    async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with LLMClient(LLMSettings(), f"http://127.0.0.1:{port}") as client:
            assert await client.models() == await client.models() == ["a"]
    assert connections == 2


# What it serves


def listing(*models: Mapping[str, Any]) -> Raw:
    return raw({"object": "list", "data": [{"object": "model", "owned_by": "library", **model} for model in models]})


async def test_the_configured_model_of_many_is_chosen(engine: ScriptedEngine) -> None:
    engine.listing = listing({"id": "a"}, {"id": "b", "context_length": 9000}, {"id": "c"})
    async with client_with(engine, model="b") as client:
        assert await client.model() == ModelInfo("b", 9000, "library")
        assert await client.models() == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["max_model_len", "context_length", "context_window", "max_context_length"])
async def test_the_context_is_read_where_engines_state_it(engine: ScriptedEngine, name: str) -> None:
    engine.listing = listing({"id": "a", name: 32768})
    async with client_with(engine) as client:
        assert (await client.model()).max_model_len == 32768
    async with client_with(engine, context_tokens=8192) as client:  # the owner's word: not more than this
        assert (await client.model()).max_model_len == 8192


@pytest.mark.parametrize(
    "answer",
    [raw({"detail": "Not Found"}, 404), raw("Internal Server Error", 500), listing()],
    ids=["404", "500", "none"],
)
async def test_a_named_model_needs_no_list(engine: ScriptedEngine, answer: Raw) -> None:
    engine.listing = answer
    engine.enqueue(reply("Green."))
    async with client_with(engine, model="tgi", context_tokens=2000) as client:
        assert (await client.health()).status == "ready"
        assert await client.model() == ModelInfo("tgi", 2000, "")
        assert (await client.chat(QUESTION, SAMPLING)).text == "Green."


@pytest.mark.parametrize(
    ("answer", "expected", "says"),
    [
        (raw({"detail": "Not Found"}, 404), SettingsRefused, "Not Found"),
        (listing(), EngineUnavailable, r"\[llm\] model"),
        (raw("<html><title>My blog</title></html>"), SettingsRefused, "base_url"),
        (raw({"hello": "world"}), SettingsRefused, "base_url"),
    ],
    ids=["404", "none", "page", "json"],
)
async def test_without_a_list_and_a_name_it_says_what_to_do(
    engine: ScriptedEngine, client: LLMClient, answer: Raw, expected: type[LLMError], says: str
) -> None:
    engine.listing = answer
    with pytest.raises(expected, match=says):
        await client.model()


async def test_a_key_that_is_not_taken_is_told_from_an_engine_that_is_not_there(engine: ScriptedEngine) -> None:
    engine.token = "right"
    async with LLMClient(LLMSettings(), engine.base_url, "wrong") as client:
        health = await client.health()
    assert (health.status, "wrong token" in health.reason) == ("refused", True)


# What it is sent


async def test_nothing_about_people_and_standard_fields_only(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply("Green."))
    await client.chat(QUESTION, Sampling(64, 0.5, 0.9, 40, ("END",)), priority="background", user="1/2")
    body = engine.requests[0].body
    assert set(body) == {"model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p", "stop"}
    assert body["stream_options"] == {"include_usage": True}
    assert all(set(message) == {"role", "content"} for message in body["messages"])


UNKNOWN_FIELDS = [
    (raw({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}, 422),
     "stream_options"),
    (raw({"error": "unknown field stream_options", "error_type": "validation"}, 400), "stream_options"),
    (
        failure(
            400,
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported.",
            code="unsupported_value",
            param="temperature",
        ),
        "temperature",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "field"), UNKNOWN_FIELDS, ids=["pydantic", "text", "openai"])
async def test_a_field_that_it_does_not_know_is_left_out_from_then_on(
    engine: ScriptedEngine, client: LLMClient, refusal: Raw, field: str
) -> None:
    engine.enqueue(refusal, reply("Green."), reply("Blue."))
    sampling = Sampling(64, temperature=0.0)
    assert (await client.chat(QUESTION, sampling)).text == "Green."
    assert (await client.chat(QUESTION, sampling)).text == "Blue."
    assert [field in request.body for request in engine.requests] == [True, False, False]


async def test_newer_models_are_told_the_length_by_its_newer_name(engine: ScriptedEngine, client: LLMClient) -> None:
    refusal = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    engine.enqueue(failure(400, refusal, code="unsupported_parameter", param="max_tokens"), reply("Green."))
    await client.chat(QUESTION, SAMPLING)
    assert engine.requests[1].body["max_completion_tokens"] == SAMPLING.max_tokens
    assert "max_tokens" not in engine.requests[1].body


@pytest.mark.parametrize(
    "refusal",
    [
        RequestRefused("stop is not supported", "stop"),
        RequestRefused("temperature must be at most 1", "temperature"),
        RequestRefused("unsupported content"),
        ContextTooLong("max_tokens is not supported: context length", "max_tokens"),
    ],
)
def test_other_refusals_are_not_asked_again(refusal: RequestRefused) -> None:
    assert Dialect().after(refusal) is None


def test_no_refusal_is_asked_again_for_ever() -> None:
    dialect: Dialect | None = Dialect()
    refusal = RequestRefused("max_tokens, stream_options, temperature and top_p are not supported")
    count = 0
    while dialect is not None:
        dialect, count = dialect.after(refusal), count + 1
    assert count == 3


async def test_our_own_worker_is_taken_at_its_word(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.owned_by = "steward"
    engine.enqueue(failure(400, "temperature is not supported", param="temperature"))
    with pytest.raises(RequestRefused):
        await client.chat(QUESTION, Sampling(temperature=0.5))
    assert engine.unused == 0


# What it refuses

TGI_LONG = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens"
REFUSALS = [
    (raw({"error": 'model "llama9" not found, try pulling it first'}, 404), SettingsRefused, "llama9"),
    (raw({"error": {"message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}}, 404),
     SettingsRefused, "does not exist"),
    (raw({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401), SettingsRefused, "key"),
    (raw({"error": {"message": "Insufficient credits", "code": 402}}, 402), SettingsRefused, "credits"),
    (raw({"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}, 429),
     SettingsRefused, "quota"),
    (raw({"error": {"message": "Your input was flagged", "code": 403}}, 403), RequestRefused, "flagged"),
    (raw({"error": "Model is overloaded", "error_type": "overloaded"}, 429), EngineBusy, "overloaded"),
    (raw({"error": "server busy, please try again.  maximum pending requests exceeded"}, 503), EngineBusy, "busy"),
    (raw("Request dropped due to backpressure (num_queued_requests=100)", 503), EngineBusy, "backpressure"),
    (raw({"error": TGI_LONG, "error_type": "validation"}, 422), ContextTooLong, "max_new_tokens"),
    (raw({"error": {"code": 400, "message": "too big", "type": "exceed_context_size_error"}}, 400),
     ContextTooLong, "big"),
    (raw("<html>\n<head><title>413 Request Entity Too Large</title></head></html>", 413), ContextTooLong, "413"),
    (raw({"object": "error", "message": "Prompt contains 40000 tokens, maximum context length 32768"}, 400),
     ContextTooLong, "40000"),
    (raw({"detail": "Unexpected fields in the request: {'x'}"}, 422), RequestRefused, "Unexpected fields"),
    (raw({"detail": [{"loc": ["body", "messages"], "msg": "Field required", "input": "a secret"}]}, 422),
     RequestRefused, "messages: Field required"),
    (raw("<html>\n<head><title>502 Bad Gateway</title></head></html>", 502), EngineUnavailable, "502 Bad Gateway"),
    (raw("<html>oops</html>", 500), EngineUnavailable, "HTTP 500"),
    (raw("", 500), EngineUnavailable, "HTTP 500"),
    (raw({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, 503),
     EngineUnavailable, "Loading model"),
    (raw("upstream request timeout", 504), EngineTimeout, "timeout"),
    (events({"error": "CUDA error: device-side assert"}), EngineUnavailable, "device-side"),
    (events({"error": {"message": "Incomplete generation", "http_status_code": 422}}), EngineUnavailable, "Incomplete"),
    (events({"object": "error", "message": "internal error", "code": 500}), EngineUnavailable, "internal error"),
    (events({"error": {"message": "Rate limit exceeded", "code": 429}}), EngineBusy, "Rate limit"),
    (events('data: "hello"\n\n'), EngineUnavailable, "not a chat completion chunk"),
    (events("data: {broken\n\n"), EngineUnavailable, "not a chat completion chunk"),
    (events("data: [DONE]\n\n"), EngineUnavailable, "finish reason"),
]  # fmt: skip


async def test_errors_of_other_shapes(engine: ScriptedEngine, client: LLMClient) -> None:
    for answer, expected, says in REFUSALS:
        engine.enqueue(answer)
        with pytest.raises(LLMError) as caught:
            await client.chat(QUESTION, SAMPLING)
        assert type(caught.value) is expected, answer
        assert says in str(caught.value) and "secret" not in str(caught.value), answer


async def test_retry_after_may_be_a_date(engine: ScriptedEngine, client: LLMClient) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    for header, least, most in (
        (soon, 0, 90),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
        ("-5", 0, 0),
        ("1e3", 1000, 1000),
    ):
        engine.enqueue(failure(429, headers={"Retry-After": header}))
        with pytest.raises(EngineBusy) as caught:
            await client.chat(QUESTION, SAMPLING)
        assert caught.value.retry_after_s is not None and least <= caught.value.retry_after_s <= most


async def test_retry_after_may_be_nonsense(engine: ScriptedEngine, client: LLMClient) -> None:
    for header in ("nan", "inf", "soon"):
        engine.enqueue(failure(429, headers={"Retry-After": header}))
        with pytest.raises(EngineBusy) as caught:
            await client.chat(QUESTION, SAMPLING)
        assert caught.value.retry_after_s is None


# How it streams


async def test_keep_alive_comments_are_no_text(engine: ScriptedEngine, client: LLMClient) -> None:
    wait = ": OPENROUTER PROCESSING\n\n"
    engine.enqueue(events(wait, wait, said("Green"), wait, said(".", finish_reason="stop"), "data: [DONE]\n\n"))
    assert (await client.chat(QUESTION, SAMPLING)).text == "Green."


async def test_usage_in_the_last_chunk_in_every_chunk_or_nowhere(engine: ScriptedEngine, client: LLMClient) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    end = said(None, finish_reason="length")
    engine.enqueue(
        events(said("Green"), {**end, "usage": usage}),
        events({**said("Green"), "usage": {**usage, "completion_tokens": 0}}, {**end, "usage": usage}),
        events(said("Green"), end),
        events(said("Green"), end, {"choices": None, "usage": {}}),
    )
    for expected in (Usage(9, 1), Usage(9, 1), None, None):
        answer = await client.chat(QUESTION, SAMPLING)
        assert (answer.text, answer.finish_reason, answer.usage) == ("Green", "length", expected)


async def test_chunks_without_choices_or_delta_are_passed_over(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(
        events({"choices": []}, {"choices": [{}]}, said("Green."), {"choices": [{"finish_reason": "eos_token"}]})
    )
    answer = await client.chat(QUESTION, SAMPLING)
    assert (answer.text, answer.finish_reason) == ("Green.", "stop")


async def test_an_error_after_text_breaks_the_answer(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(events(said("so far"), {"error": "the GPU fell off the bus", "error_type": "generation"}))
    with pytest.raises(StreamBroken, match="fell off the bus"):
        await client.chat(QUESTION, SAMPLING)


# What is estimated there


async def test_the_estimate_is_corrected_by_usage_and_stays_an_estimate(
    engine: ScriptedEngine, client: LLMClient
) -> None:
    before = await client.count_tokens(QUESTION)
    engine.enqueue(reply("Green."))
    answer = await client.chat(QUESTION, SAMPLING)
    after = await client.count_tokens(QUESTION)
    assert answer.usage is not None
    assert before.count > after.count >= answer.usage.prompt_tokens
    assert not before.exact and not after.exact


async def test_what_the_owner_allows_holds_for_what_tokenize_states(engine: ScriptedEngine) -> None:
    engine.has_tokenize, engine.max_model_len = True, 100_000
    async with client_with(engine, context_tokens=8192) as client:
        counted = await client.count_tokens(QUESTION)
    assert (counted.exact, counted.max_model_len) == (True, 8192)
