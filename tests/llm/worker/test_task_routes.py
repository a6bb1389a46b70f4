"""The task routes over a real socket: shapes, the official client, the bot's client, bad input, many at once."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from llm.config import LLMSettings, TaskModelSettings, WorkerSettings
from llm.errors import EngineUnavailable, RequestRefused, SettingsRefused
from llm.tasks.languages import Detection
from llm.tasks.translate import Translation
from llm.tasks.translate_engines import Seq2SeqEngine
from llm.tasks_client import TasksClient
from tests.llm.worker.running import READY_S, Worker, running, until
from tests.llm.worker.tiny import make_ner, make_nli, make_topics, make_toxicity
from tests.llm.worker.tiny_seq2seq import make_nllb

TEXT = "👩‍💻 Ada Lovelace lives in London and Paris, Berlin 日本 microsoft"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TaskModelSettings:
    folder = tmp_path_factory.mktemp("tasks")
    return TaskModelSettings(
        entities=str(make_ner(folder / "ner")),
        classify=str(make_topics(folder / "topics")),
        zero_shot=str(make_nli(folder / "nli")),
        moderations=str(make_toxicity(folder / "toxicity")),
        embeddings="embedded/embeddings",
        seq2seq=str(make_nllb(folder / "nllb")),
        moderation_threshold=0.4,
    )


@pytest.fixture(scope="module")
def worker(settings: TaskModelSettings) -> Iterator[Worker]:
    """Task models only."""
    with running(WorkerSettings(model="none", device="cpu"), tasks=settings) as worker:
        yield worker


@pytest.fixture
def client(worker: Worker) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{worker.url}/v1", api_key="unused", max_retries=0)


@pytest.fixture
async def tasks(worker: Worker) -> AsyncIterator[TasksClient]:
    async with TasksClient(LLMSettings(), f"{worker.url}/v1") as client:
        yield client


def post(worker: Worker, route: str, **body: object) -> Any:  # noqa: ANN401 - JSON
    response = worker.client.post(f"/v1/{route}", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def refused(worker: Worker, route: str, **body: object) -> dict[str, Any]:
    response = worker.client.post(f"/v1/{route}", json=body)
    assert response.status_code in (400, 404), response.text
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "code", "param"}
    return error


def test_every_model_is_listed_once_and_counted(worker: Worker, settings: TaskModelSettings) -> None:
    models = worker.client.get("/v1/models").json()["data"]
    names = [settings.entities, settings.classify, settings.zero_shot, settings.moderations, settings.embeddings]
    assert [model["id"] for model in models] == [*names, settings.seq2seq]
    assert {model["owned_by"] for model in models} == {"steward"}
    assert [model["max_model_len"] for model in models] == [48, 48, 48, 48, 256, 40]
    assert [model["id"] for model in models if "languages" in model] == [settings.seq2seq]
    figures = worker.client.get("/metrics").text
    assert f'steward_task_model_bytes{{model="{settings.embeddings}"}}' in figures
    assert worker.serving.tasks is not None and worker.serving.tasks.bytes > 90_000_000


def test_entities(worker: Worker, settings: TaskModelSettings) -> None:
    data = post(worker, "entities", model=settings.entities, input=[TEXT, "", TEXT[:20]])["data"]
    assert [entry["index"] for entry in data] == [0, 1, 2]
    assert data[1]["entities"] == []
    assert data[0]["entities"]
    for entity in data[0]["entities"]:
        assert set(entity) == {"start", "end", "type", "text", "score"}
        assert TEXT[entity["start"] : entity["end"]] == entity["text"]
        assert entity["type"] in ("PER", "LOC") and 0 < entity["score"] <= 1


def test_classify(worker: Worker, settings: TaskModelSettings) -> None:
    (fixed,) = post(worker, "classify", input="ada")["data"]
    assert set(fixed["scores"]) == {"games", "music", "food"}
    (toxic,) = post(worker, "classify", model=settings.moderations, input=["ada"])["data"]
    assert sum(toxic["scores"].values()) == pytest.approx(1, abs=1e-5)
    (open_ended,) = post(worker, "classify", input=["ada"], labels=["love", "paris"])["data"]
    assert list(open_ended["scores"]) == ["love", "paris"]
    assert sum(open_ended["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_seq2seq(worker: Worker) -> None:
    languages = {"source_language": "eng_Latn", "target_language": "fra_Latn"}
    data = post(worker, "seq2seq", input=["Hello", "word " * 50, ""], max_tokens=4, num_beams=2, **languages)["data"]
    assert [entry["truncated"] for entry in data] == [False, True, False]
    assert [set(entry) for entry in data] == 3 * [{"index", "text", "truncated"}]
    assert data[2]["text"] == ""


def test_the_official_clients_embeddings(client: openai.OpenAI, worker: Worker) -> None:
    answer = client.embeddings.create(model="embedded/embeddings", input=["a cat", "a dog"])  # base64 by itself
    assert [len(entry.embedding) for entry in answer.data] == [384, 384]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 8
    floats = post(worker, "embeddings", model="embedded/embeddings", input="a cat", encoding_format="float")
    assert floats["object"] == "list" and floats["model"] == "embedded/embeddings"
    assert floats["data"][0]["embedding"] == pytest.approx(answer.data[0].embedding, abs=1e-5)
    raw = post(worker, "embeddings", input="a cat", encoding_format="base64")["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(raw), "<f4") == pytest.approx(answer.data[0].embedding, abs=1e-5)
    with pytest.raises(openai.BadRequestError) as no:
        client.embeddings.create(model="embedded/embeddings", input="a cat", dimensions=64)
    assert no.value.param == "dimensions"


def test_the_official_clients_moderations(client: openai.OpenAI, settings: TaskModelSettings) -> None:
    answer = client.moderations.create(input=[f"{word} is in paris" for word in ("ada", "love", "berlin", "micro")])
    assert answer.id.startswith("modr-") and answer.model == settings.moderations
    for result in answer.results:
        scores = result.category_scores.to_dict()
        assert set(scores) == {"hate", "offensive"}, "the harmless label is no category"
        flags = {name: float(str(score)) >= 0.4 for name, score in scores.items()}
        assert result.categories.to_dict() == flags
        assert result.flagged == any(flags.values())
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(model="omni-moderation-latest", input="x")


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [
        ("entities", {}, "input"),
        ("entities", {"input": []}, "input"),
        ("entities", {"input": ["x"] * 2049}, "input"),
        ("entities", {"input": [1, 2]}, "input"),
        ("entities", {"input": ["x"], "model": "other"}, "model"),
        ("entities", {"input": ["x"], "aggregation": "max"}, "aggregation"),
        ("classify", {"input": ["x"], "labels": []}, "labels"),
        ("classify", {"input": ["x"], "labels": [""]}, "labels[0]"),
        ("classify", {"input": ["x"], "labels": ["a", "a"]}, "labels"),
        ("classify", {"input": ["x"], "labels": ["a"], "model": "embedded/embeddings"}, "model"),
        ("embeddings", {"input": [[1, 2, 3]]}, "input"),
        ("embeddings", {"input": ["x", " "]}, "input[1]"),
        ("embeddings", {"input": "x", "encoding_format": "int8"}, "encoding_format"),
        ("moderations", {"input": [{"type": "text", "text": "x"}]}, "input"),
        ("seq2seq", {"input": "x"}, "source_language"),
        ("seq2seq", {"input": "x", "source_language": "eng_Latn", "target_language": "fr"}, "target_language"),
        ("seq2seq", {"input": "x", "max_tokens": 3, "min_tokens": 4}, "min_tokens"),
        ("seq2seq", {"input": "x", "num_beams": 9}, "num_beams"),
        ("decide", {"state": "x", "questions": {"a": {"type": "noul"}}}, "model"),
    ],
)
def test_bad_input_is_named(worker: Worker, route: str, body: dict[str, object], param: str) -> None:
    error = refused(worker, route, **body)
    assert error["param"] == param and error["message"]


def test_half_a_character_is_no_text(worker: Worker) -> None:
    body = b'{"input": ["fine", "\\ud83d"]}'
    answer = worker.client.post("/v1/entities", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input[1]")


def test_a_wrong_language_is_answered_with_all_that_are_known(worker: Worker) -> None:
    error = refused(worker, "seq2seq", input="x", source_language="eng_Latn", target_language="Klingon")
    assert "'Klingon'" in error["message"] and "fra_Latn" in error["message"] and "zul_Latn" in error["message"]


async def test_many_at_once_answer_as_one_alone(worker: Worker, tasks: TasksClient) -> None:
    texts = [f"ada {'lives in paris ' * (place % 7)}and berlin" for place in range(40)]
    alone = [(await tasks.classify([text]))[0] for text in texts[:7]]
    together = await asyncio.gather(*(tasks.classify([text]) for text in texts))
    for expected, (scores,) in zip(alone * 6, together, strict=False):
        assert scores == pytest.approx(expected, abs=1e-4)


async def test_the_bots_client(tasks: TasksClient) -> None:
    (found, nothing) = await tasks.entities([TEXT, ""])
    assert found and nothing == [] and TEXT[found[0].start : found[0].end] == found[0].text
    (scores,) = await tasks.classify(["ada"], labels=["love", "paris"])
    assert set(scores) == {"love", "paris"}
    (written,) = await tasks.seq2seq(["Hi"], source_language="eng_Latn", target_language="fra_Latn", max_tokens=3)
    assert not written.truncated
    vectors = await tasks.embed([f"text number {place}" for place in range(300)])  # two requests
    assert vectors.rows.shape == (300, 384) and vectors.rows.dtype == np.float32 and vectors.model
    assert np.linalg.norm(vectors.rows, axis=1) == pytest.approx(np.ones(300), abs=1e-5)
    assert (await tasks.embed([])).rows.shape == (0, 0) and await tasks.entities([]) == []
    (moderation,) = await tasks.moderate(["ada"])
    assert moderation.flagged == any(score >= 0.4 for score in moderation.scores.values())


async def test_a_translation_by_an_encoder_decoder_model(tasks: TasksClient) -> None:
    """Over HTTP, by the languages that the worker lists; what the tiny model writes means nothing."""
    known = await tasks.languages()
    assert known is not None and known.must_be_told and "fra_Latn" in known.targets
    translation = Translation([Seq2SeqEngine(tasks)], Detection())
    (done, long) = await translation.translate(["Hi <@1>, see `x`", "word " * 50], "fr", source="en")
    assert done.text and done.text.count("<@1>") == 1 and done.text.count("`x`") == 1 and not done.truncated
    assert long.truncated, "the model reads 40 tokens"


async def test_the_bots_client_learns_what_went_wrong(tasks: TasksClient) -> None:
    with pytest.raises(RequestRefused) as language:
        await tasks.seq2seq(["Hi"], source_language="eng_Latn", target_language="fr")
    assert language.value.param == "target_language"
    with pytest.raises(SettingsRefused):
        await tasks.decide("a state", {"spam": {"type": "noul", "instructions": "Is it spam?"}})
    async with TasksClient(LLMSettings(), "http://127.0.0.1:9/v1") as nobody:
        with pytest.raises(EngineUnavailable):
            await nobody.entities(["x"])


def test_a_client_that_leaves_takes_its_work_along(worker: Worker) -> None:
    with pytest.raises(httpx.ReadTimeout):
        worker.client.post("/v1/embeddings", json={"input": ["word " * 200] * 500}, timeout=0.3)
    assert post(worker, "embeddings", input="still there")["usage"]["total_tokens"] > 0


def test_tasks_that_are_off_say_how_to_switch_them_on() -> None:
    off = TaskModelSettings(embeddings="none", entities="none", classify="none")
    with running(WorkerSettings(model="none"), tasks=off) as worker:
        for route, key in (("entities", "entities"), ("embeddings", "embeddings"), ("moderations", "moderations")):
            error = refused(worker, route, input="x")
            assert error["code"] == "model_not_found" and f"[tasks] {key}" in error["message"]
        assert worker.client.get("/v1/models").json()["data"] == []


def test_a_wrong_name_ends_the_worker_at_start(tmp_path: Path) -> None:
    tasks = TaskModelSettings(entities=str(tmp_path))
    with running(WorkerSettings(model="none"), wait=False, tasks=tasks) as worker:
        until(lambda: bool(worker.fatal), READY_S)
        assert worker.fatal[0][0] == 2 and "[tasks] entities" in worker.fatal[0][1]
        assert worker.client.get("/health").json()["status"] == "dead"
