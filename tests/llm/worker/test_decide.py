"""Typed questions to the chat model: the answers are transformers' own, and streams go on around them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.decision import DecisionConfig
from transformers.pipelines import DecisionPipeline

from llm.config import LLMSettings, WorkerSettings
from llm.errors import ContextTooLong
from llm.tasks_client import TasksClient
from llm.worker.errors import ApiError
from llm.worker.judge import Abandoned, LogitJudge
from tests.llm.worker.running import Worker, running

STATE = {"channel": "general", "message": "WIN a FREE phone, click here! " * 20}
QUESTIONS: dict[str, dict[str, Any]] = {
    "spam": {"type": "noul", "instructions": "Is this message spam?"},
    "tone": {"type": "choice", "instructions": "What is the tone?", "criteria": {"calm": None, "pushy": "Presses"}},
    "urgency": {"type": "score", "instructions": "How urgent?", "criteria": ["Can wait", "Today", "Now"]},
}


@pytest.fixture(scope="module")
def worker(bytes_folder: Path) -> Iterator[Worker]:
    with running(WorkerSettings(model=str(bytes_folder), device="cpu", max_running=4)) as worker:
        yield worker


@pytest.fixture(scope="module")
def judge(bytes_folder: Path) -> LogitJudge:
    model = AutoModelForCausalLM.from_pretrained(bytes_folder).eval()
    return LogitJudge(model, AutoTokenizer.from_pretrained(bytes_folder))


@contextmanager
def nothing_runs() -> Iterator[None]:
    yield


def decided(worker: Worker, **body: object) -> dict[str, Any]:
    response = worker.client.post("/v1/decide", json={"state": STATE, "questions": QUESTIONS, **body})
    assert response.status_code == 200, response.text
    answers: dict[str, Any] = response.json()["answers"]
    return answers


def test_the_answers_are_transformers_own(worker: Worker, bytes_folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(bytes_folder).eval()
    config = DecisionConfig(labels={"noul": ["A", "B"]})  # Yes and No are several tokens here
    theirs = DecisionPipeline(
        model=model, tokenizer=AutoTokenizer.from_pretrained(bytes_folder), decision_config=config, device="cpu"
    )({"state": STATE, "questions": QUESTIONS})
    ours = decided(worker)
    assert set(ours) == set(theirs) == set(QUESTIONS)
    assert ours["tone"]["probabilities"] == pytest.approx(theirs["tone"]["probabilities"], abs=1e-4)
    assert ours["urgency"]["probabilities"] == pytest.approx(theirs["urgency"]["probabilities"], abs=1e-4)
    assert ours["urgency"]["score"] == pytest.approx(theirs["urgency"]["score"], abs=1e-3)
    assert ours["spam"]["probabilities"]["true"] == pytest.approx(theirs["spam"]["noul"], abs=1e-4)
    assert sum(ours["spam"]["probabilities"].values()) == pytest.approx(1)


def test_streams_go_on_around_it_and_say_the_same(worker: Worker) -> None:
    undisturbed = worker.text(say="tell me", max_tokens=200, temperature=0)
    alone = decided(worker)
    with ThreadPoolExecutor(3) as pool:
        streams = [pool.submit(worker.text, say="tell me", max_tokens=200, temperature=0) for _ in range(2)]
        meanwhile = [decided(worker) for _ in range(2)]
        assert [stream.result() for stream in streams] == [undisturbed] * 2
    for answers in meanwhile:
        assert answers["tone"]["probabilities"] == pytest.approx(alone["tone"]["probabilities"], abs=1e-4)


def test_what_is_too_long_or_wrong_is_refused_and_nothing_breaks(worker: Worker) -> None:
    def refusal(**body: object) -> dict[str, Any]:
        response = worker.client.post("/v1/decide", json={"state": "x", "questions": QUESTIONS, **body})
        assert response.status_code in (400, 404), response.text
        error: dict[str, Any] = response.json()["error"]
        return error

    long = refusal(state="x" * 5000)
    assert (long["code"], long["param"]) == ("context_length_exceeded", "state") and "2048" in long["message"]
    assert refusal(questions={})["param"] == "questions"
    assert refusal(questions={"a": {"type": "guess"}})["param"] == "questions.a.type"
    assert refusal(questions={"a": {"type": "choice"}})["param"] == "questions"
    many = {"type": "choice", "criteria": {f"option {place}": None for place in range(27)}}
    assert "at most 26 options" in refusal(questions={"a": many})["message"]
    assert refusal(model="other")["param"] == "model"
    assert decided(worker)
    assert worker.queue()["running"] == 0


def test_marks_of_the_question_typed_by_a_member_are_text(worker: Worker) -> None:
    assert decided(worker, state="<|mark|> <|split|> <|user|> <|end|>")
    answer = worker.ask(say="<|mark|><|split|>", max_tokens=3, temperature=0)  # three bytes may be half a character
    assert answer.json()["usage"]["completion_tokens"] == 3


async def test_the_bots_client(worker: Worker) -> None:
    async with TasksClient(LLMSettings(), f"{worker.url}/v1") as client:
        answers = await client.decide(STATE, QUESTIONS)
        assert set(answers["tone"]) == {"calm", "pushy"} and set(answers["spam"]) == {"true", "false"}
        with pytest.raises(ContextTooLong):
            await client.decide("x" * 5000, QUESTIONS)


def test_a_question_whose_state_is_computed_already_costs_its_own_words_only(judge: LogitJudge) -> None:
    asked = judge.prepare(STATE, QUESTIONS)
    together = judge.answer(asked, nothing_runs, threading.Event())
    for one in asked:
        (alone,) = judge.answer([one], nothing_runs, threading.Event()).values()
        assert together[one.name]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)


def test_each_pause_is_one_small_step_and_ends_when_nobody_waits(judge: LogitJudge) -> None:
    pauses: list[int] = []
    gone = threading.Event()

    @contextmanager
    def counted() -> Iterator[None]:
        pauses.append(1)
        if len(pauses) == 2:
            gone.set()
        yield

    asked = judge.prepare("y" * 1500, {"a": {"type": "noul"}})
    with pytest.raises(Abandoned):
        judge.answer(asked, counted, gone)
    assert len(pauses) == 2
    with pytest.raises(ApiError):
        judge.prepare("x", {"a": {"type": "choice", "criteria": {}}})
