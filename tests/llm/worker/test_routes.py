"""The routes beside chat, and the official client against all of them."""

from __future__ import annotations

import openai
import pytest

from llm.config import WorkerSettings
from tests.llm.worker.running import Worker, running


@pytest.fixture
def client(bytes_worker: Worker) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{bytes_worker.url}/v1", api_key="unused", max_retries=0)


def test_models(bytes_worker: Worker, client: openai.OpenAI) -> None:
    (model,) = client.models.list().data
    assert (model.id, model.owned_by) == (bytes_worker.model, "steward")
    assert model.model_dump()["max_model_len"] == 2048


def test_openai_plain(bytes_worker: Worker, client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model=bytes_worker.model,
        messages=[{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        max_completion_tokens=5,
        temperature=0,
        user="1/2",
    )
    assert completion.choices[0].finish_reason in ("length", "stop")
    assert completion.usage is not None and completion.usage.completion_tokens <= 5


def test_openai_streamed_equals_plain(bytes_worker: Worker, client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=bytes_worker.model,
        messages=[{"role": "user", "content": "hi"}],
        max_tokens=20,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == bytes_worker.text(say="hi", max_tokens=20, temperature=0)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] != []
    assert chunks[-1].usage is not None and chunks[-1].usage.prompt_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_openai_errors(bytes_worker: Worker, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=bytes_worker.model, messages=[{"role": "user", "content": "x"}], seed=1)
    assert refused.value.param == "seed"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="other", messages=[{"role": "user", "content": "x"}])


def test_openai_timeout_frees_the_request(bytes_worker: Worker) -> None:
    impatient = openai.OpenAI(base_url=f"{bytes_worker.url}/v1", api_key="unused", max_retries=0, timeout=0.05)
    with pytest.raises(openai.APITimeoutError):
        impatient.chat.completions.create(
            model=bytes_worker.model, messages=[{"role": "user", "content": "x"}], max_tokens=2000
        )


def test_tokenize_counts_what_chat_uses(bytes_worker: Worker) -> None:
    body = bytes_worker.body("héllo")
    counted = bytes_worker.client.post("/tokenize", json={"messages": body["messages"]}).json()
    assert counted["count"] == len(counted["tokens"]) and counted["max_model_len"] == 2048
    assert counted["count"] == bytes_worker.ask(say="héllo", max_tokens=1).json()["usage"]["prompt_tokens"]
    assert bytes_worker.client.post("/tokenize", json={"prompt": "abc"}).json()["count"] == 3
    several = bytes_worker.client.post("/tokenize", json={"prompt": ["abc", "", "ü"]}).json()
    assert ([len(tokens) for tokens in several["tokens"]], several["count"]) == ([3, 0, 2], 5)


def test_metrics_count(bytes_worker: Worker) -> None:
    bytes_worker.ask(max_tokens=2)
    figures = bytes_worker.client.get("/metrics").text
    for name in ("steward_answer_tokens_total", "steward_running", 'steward_waiting{priority="background"}'):
        assert name in figures


def test_a_worker_without_chat_model() -> None:
    with running(WorkerSettings(model="none")) as worker:
        assert worker.client.get("/v1/models").json()["data"] == []
        assert worker.queue()["running"] == 0
        assert worker.ask().status_code == 404
        assert worker.client.post("/tokenize", json={"prompt": "x"}).status_code == 404


def test_the_token_is_asked_for_everywhere_but_at_health() -> None:
    with running(WorkerSettings(model="none"), token="s3cret") as worker:
        assert worker.client.get("/v1/models").status_code == 200
        for given in ({"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}, {"Authorization": ""}):
            refused = worker.client.get("/v1/models", headers=given)
            assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
        assert worker.client.get("/nowhere", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert worker.client.get("/health", headers={"Authorization": ""}).status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_foreign_pages_are_refused(bytes_worker: Worker, headers: dict[str, str]) -> None:
    refused = bytes_worker.client.get("/v1/models", headers=headers)
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Host": "localhost:8700"}, {"Host": "[::1]:8700"}, {"Origin": "http://127.0.0.1:8080"}]
)
def test_local_pages_are_not(bytes_worker: Worker, headers: dict[str, str]) -> None:
    assert bytes_worker.client.get("/v1/models", headers=headers).status_code == 200
