"""Bad input: an error in OpenAI's shape that names the field, the right status, and a worker that goes on serving."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.llm.worker.running import Worker

BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"temperature": -0.1}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": "1"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"top_p": 0}, "top_p"),
    ({"top_p": 1.1}, "top_p"),
    ({"top_k": -2}, "top_k"),
    ({"top_k": 1.5}, "top_k"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": 1_000_000}, "max_tokens"),
    ({"max_completion_tokens": 1_000_000}, "max_completion_tokens"),
    ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens"),
    ({"stop": ""}, "stop"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ({"stop": 3}, "stop"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"stream": True, "stream_options": {"nonsense": 1}}, "stream_options.nonsense"),
    ({"priority": "now"}, "priority"),
    ({"user": 3}, "user"),
    ({"messages": []}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": "x", "name": "Ada"}]}, "messages[0].name"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0].content"),
    ({"n": 2}, "n"),
    ({"seed": 1}, "seed"),
    ({"logprobs": True}, "logprobs"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"frequency_penalty": 0.5}, "frequency_penalty"),
    ({"presence_penalty": 0.5}, "presence_penalty"),
    ({"repetition_penalty": 1.1}, "repetition_penalty"),
    ({"tools": [{"type": "function"}]}, "tools"),
    ({"logit_bias": {"5": 1}}, "logit_bias"),
    ({"adapter": "mine"}, "adapter"),
]


def error_of(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "code", "param"}
    assert body["error"]["message"]
    error: dict[str, Any] = body["error"]
    return error


def post_raw(worker: Worker, raw: str) -> httpx.Response:
    return worker.client.post("/v1/chat/completions", content=raw, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(("fields", "param"), BAD_FIELDS, ids=lambda value: str(value)[:40])
def test_a_bad_field_is_named(bytes_worker: Worker, fields: dict[str, Any], param: str) -> None:
    response = bytes_worker.client.post("/v1/chat/completions", json={**bytes_worker.body(), **fields})
    assert response.status_code == 400
    assert error_of(response)["param"] == param


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1, "seed": None, "logprobs": False, "frequency_penalty": 0, "presence_penalty": 0.0, "tools": []},
        {"response_format": {"type": "text"}, "stop": None, "temperature": None, "user": None, "stream": None},
        {"temperature": 0, "top_k": 1_000_000},
        {"temperature": 1, "top_k": 0, "top_p": 1},
        {"temperature": 0.001, "top_k": -1},
        {"temperature": 2, "top_p": 1e-9},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
    ],
    ids=str,
)
def test_defaults_and_extremes_are_answered(bytes_worker: Worker, fields: dict[str, Any]) -> None:
    body = {**bytes_worker.body(), "max_tokens": 3, **fields}
    assert bytes_worker.client.post("/v1/chat/completions", json=body).status_code == 200


def test_numbers_that_are_none(bytes_worker: Worker) -> None:
    raw = json.dumps(bytes_worker.body(temperature=float("nan")))
    response = post_raw(bytes_worker, raw)
    assert response.status_code == 400
    assert error_of(response)["param"] == "temperature"


@pytest.mark.parametrize("raw", ["{", "[]", "null", "", '"text"', "[" * 100_000])
def test_wrong_json(bytes_worker: Worker, raw: str) -> None:
    response = post_raw(bytes_worker, raw)
    assert response.status_code == 400
    error_of(response)


def test_half_a_surrogate_pair_in_the_text(bytes_worker: Worker) -> None:
    raw = json.dumps(bytes_worker.body("\ud800", max_tokens=2))
    response = post_raw(bytes_worker, raw)
    assert response.status_code == 400
    error_of(response)


def test_a_body_without_end(bytes_worker: Worker) -> None:
    response = post_raw(bytes_worker, " " * (9 * 2**20))
    assert response.status_code == 413
    error_of(response)


def test_unknown_model(bytes_worker: Worker) -> None:
    response = bytes_worker.client.post("/v1/chat/completions", json={**bytes_worker.body(), "model": "gpt-7"})
    assert response.status_code == 404
    assert error_of(response)["code"] == "model_not_found"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/v1/chat/completions", 405)])
def test_unknown_routes(bytes_worker: Worker, method: str, path: str, status: int) -> None:
    response = bytes_worker.client.request(method, path)
    assert response.status_code == status
    error_of(response)


def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(bytes_worker: Worker) -> None:
    response = bytes_worker.ask(say="x" * 5000)
    error = error_of(response)
    assert response.status_code == 400
    assert error["code"] == "context_length_exceeded"
    assert "50" in error["message"] and "2048" in error["message"]


def test_too_long_an_answer_is_refused_with_the_largest_that_fits(bytes_worker: Worker) -> None:
    room = (
        2048
        - bytes_worker.client.post("/tokenize", json={"messages": bytes_worker.body("hi")["messages"]}).json()["count"]
    )
    refused = bytes_worker.ask(say="hi", max_tokens=room + 1)
    assert refused.status_code == 400
    assert str(room) in error_of(refused)["message"]


@pytest.mark.parametrize("switches", [{"enable_thinking": True}, {"messages": "x"}, {"no_such_variable": 1}])
def test_variables_that_the_template_does_not_have(bytes_worker: Worker, switches: dict[str, Any]) -> None:
    response = bytes_worker.ask(chat_template_kwargs=switches)
    error = error_of(response)
    assert (response.status_code, error["param"]) == (400, "chat_template_kwargs")
    assert next(iter(switches)) in error["message"]


def test_not_to_think_is_no_wish_that_could_be_refused(bytes_worker: Worker) -> None:
    assert bytes_worker.ask(max_tokens=1, chat_template_kwargs={"enable_thinking": False}).status_code == 200


def test_an_error_of_a_streamed_request_is_no_stream(bytes_worker: Worker) -> None:
    response = bytes_worker.ask(stream=True, max_tokens=1_000_000)
    assert response.status_code == 400
    error_of(response)


@pytest.mark.parametrize("body", [{}, {"prompt": "a", "messages": [{"role": "user", "content": "a"}]}, {"prompt": 3}])
def test_tokenize_refuses(bytes_worker: Worker, body: dict[str, Any]) -> None:
    response = bytes_worker.client.post("/tokenize", json=body)
    assert response.status_code == 400
    error_of(response)


def test_after_all_this_it_still_serves(bytes_worker: Worker) -> None:
    assert bytes_worker.client.get("/health").json()["status"] == "ready"
    assert bytes_worker.ask(max_tokens=2).status_code == 200
    assert bytes_worker.queue()["running"] == 0
