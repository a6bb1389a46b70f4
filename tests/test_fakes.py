"""The scripted engine keeps its word: what other tests lean on is tested here with a bare HTTP client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes import ScriptedEngine, count_tokens, die_midway, failure, failure_inside_stream, hang, reply

ASK = {"model": "scripted", "messages": [{"role": "user", "content": "Ada: hello there"}]}
STREAM = {**ASK, "stream": True, "stream_options": {"include_usage": True, "include_queue": True}}


@pytest.fixture
async def http(engine: ScriptedEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=engine.base_url.removesuffix("/v1"), timeout=10) as client:
        yield client


def chunks(text: str) -> list[dict[str, object]]:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


def said(text: str) -> str:
    return "".join(
        choice["delta"].get("content", "")
        for chunk in chunks(text)
        for choice in chunk.get("choices", [])  # type: ignore[attr-defined]
    )


async def test_a_plain_answer_with_usage(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(reply("Hello Ada.", finish_reason="length", cached_tokens=3))
    body = (await http.post("/v1/chat/completions", json=ASK)).json()
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "Hello Ada."}
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["prompt_tokens"] == count_tokens(ASK["messages"]) == 7  # type: ignore[arg-type]
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 3}
    assert engine.requests[0].body == ASK
    assert engine.unused == 0


@pytest.mark.parametrize("text", ["Hello", " leading and trailing ", "two\nlines\n", "   ", ""])
async def test_a_streamed_answer_keeps_every_character(
    engine: ScriptedEngine, http: httpx.AsyncClient, text: str
) -> None:
    engine.enqueue(reply(text))
    answer = await http.post("/v1/chat/completions", json=STREAM)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert said(answer.text) == text
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_the_end_of_a_stream_is_shaped_like_openais(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(reply("Yes.", queue=[2, 0]))
    first, second, role, text, finish, usage = chunks((await http.post("/v1/chat/completions", json=STREAM)).text)
    assert [first["queue"], second["queue"]] == [{"position": 2, "eta_s": 2.0}, {"position": 0, "eta_s": 0.0}]
    assert first["choices"] == usage["choices"] == []
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}  # type: ignore[index]
    assert text["choices"][0]["finish_reason"] is None  # type: ignore[index]
    assert finish["choices"][0]["finish_reason"] == "stop"  # type: ignore[index]
    assert usage["usage"]["completion_tokens"] == 1  # type: ignore[index]


async def test_queue_and_usage_only_where_asked_for(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(reply("Yes.", queue=[2]))
    answer = await http.post("/v1/chat/completions", json={**ASK, "stream": True})
    assert not any("queue" in chunk or "usage" in chunk for chunk in chunks(answer.text))


async def test_a_failure_with_headers_and_then_the_end_of_the_script(
    engine: ScriptedEngine, http: httpx.AsyncClient
) -> None:
    engine.enqueue(failure(429, "queue full", code="queue_full", headers={"Retry-After": "7"}))
    refused = await http.post("/v1/chat/completions", json=ASK)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
    assert refused.json()["error"]["code"] == "queue_full"
    ran_out = await http.post("/v1/chat/completions", json=ASK)
    assert ran_out.status_code == 500
    assert "script ran out" in ran_out.json()["error"]["message"]


async def test_an_event_among_the_pieces_holds_the_stream(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    gate = asyncio.Event()
    engine.enqueue(reply(pieces=["before", gate, "after"]))
    async with http.stream("POST", "/v1/chat/completions", json=STREAM) as response:
        seen = ""
        async for text in response.aiter_text():
            seen += text
            if "before" in seen and not gate.is_set():
                assert "after" not in seen
                gate.set()
    assert said(seen) == "beforeafter"
    assert not engine.requests[0].disconnected.is_set()


async def test_an_error_object_inside_a_stream(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(failure_inside_stream("so far", message="the loop died", code="engine_dead"))
    text = (await http.post("/v1/chat/completions", json=STREAM)).text
    assert said(text) == "so far"
    assert chunks(text)[-1]["error"]["code"] == "engine_dead"  # type: ignore[index]


async def test_dying_midway_breaks_the_connection(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(die_midway("one", "two"))
    seen = ""
    with pytest.raises(httpx.RemoteProtocolError):
        async with http.stream("POST", "/v1/chat/completions", json=STREAM) as response:
            async for text in response.aiter_text():
                seen += text
    assert said(seen) == "onetwo"


async def test_leaving_a_hanging_answer_is_noticed(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(hang("hm"))
    async with http.stream("POST", "/v1/chat/completions", json=STREAM) as response:
        async for text in response.aiter_text():
            if "hm" in text:
                break
    await engine.requests[0].disconnected.wait()


async def test_answers_can_choose_their_request(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(reply("for Grace"), when=lambda request: "Grace" in request.texts[-1])
    engine.enqueue(reply("for anybody"))
    assert (await http.post("/v1/chat/completions", json=ASK)).json()["choices"][0]["message"][
        "content"
    ] == "for anybody"
    assert engine.unused == 1
    assert (await engine.received(1)).texts == ["Ada: hello there"]


async def test_models_tokenize_and_health(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    (model,) = (await http.get("/v1/models")).json()["data"]
    assert (model["id"], model["owned_by"], model["max_model_len"]) == ("scripted", "steward", 2048)
    counted = (await http.post("/tokenize", json={"messages": ASK["messages"]})).json()
    assert (counted["count"], len(counted["tokens"]), counted["max_model_len"]) == (7, 7, 2048)
    assert (await http.get("/health")).json()["status"] == "ready"


async def test_routes_can_be_switched_off(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.has_tokenize, engine.max_model_len, engine.health = False, None, None
    assert (await http.post("/tokenize", json={"messages": []})).status_code == 404
    assert (await http.get("/health")).status_code == 404
    assert "max_model_len" not in (await http.get("/v1/models")).json()["data"][0]
    engine.health = {"status": "loading", "reason": "reading weights", "progress": 0.5}
    assert (await http.get("/health")).status_code == 503


async def test_a_token_is_asked_for(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.token = "secret"
    engine.enqueue(reply("in"))
    assert (await http.post("/v1/chat/completions", json=ASK)).status_code == 401
    right = {"Authorization": "Bearer secret"}
    assert (await http.post("/v1/chat/completions", json=ASK, headers=right)).status_code == 200


async def test_it_can_go_away_in_the_middle_and_come_back(engine: ScriptedEngine, http: httpx.AsyncClient) -> None:
    engine.enqueue(hang("so far"), reply("again"))
    with pytest.raises(httpx.HTTPError):
        async with http.stream("POST", "/v1/chat/completions", json=STREAM) as response:
            async for text in response.aiter_text():
                if "so far" in text:
                    await engine.stop()
    with pytest.raises(httpx.ConnectError):
        await http.get("/v1/models")
    address = engine.base_url
    await engine.start()
    assert engine.base_url == address
    assert (await http.post("/v1/chat/completions", json=ASK)).status_code == 200
