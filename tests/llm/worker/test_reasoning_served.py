"""What a model thinks goes its own way through the worker, the openai client and ours; it is counted and never said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from llm.client import LLMClient
from llm.config import LLMSettings, WorkerSettings
from llm.types import ChatMessage, Sampling
from tests.llm.worker.running import Worker, make_reciter, running

SWITCHED = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>{% endfor %}"
    "{% if enable_thinking is not defined or enable_thinking %}{{ '<think>' }}{% else %}go{% endif %}"
)
ALWAYS = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>{% endfor %}go"
THOUGHT = ["<think>", " Let", " me", " see", " 👍", ".", "</think>", " Yes", ",", " tea", "!", "<|end|>"]
CHANNELS = [
    "<|channel|>", "analysis", "<|message|>", "Hm", ".", "<|end|>", "<|start|>", "assistant", "final", "Yes",
    "<|return|>",
]  # fmt: skip


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A model that opens its reasoning itself, with marks that are plain added tokens as in Qwen3."""
    folder = make_reciter(tmp_path_factory.mktemp("thinker"), THOUGHT, ALWAYS, special=["<|end|>"])
    with running(WorkerSettings(model=str(folder), device="cpu")) as worker:
        yield worker


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A model whose marks are special tokens, and whose template opens the reasoning unless it is told not to."""
    says = THOUGHT[1:]
    folder = make_reciter(tmp_path_factory.mktemp("marked"), says, SWITCHED, special=["</think>", "<|end|>"])
    with running(WorkerSettings(model=str(folder), device="cpu", thinking="auto")) as worker:
        yield worker


def answer(worker: Worker, **fields: object) -> tuple[dict[str, Any], dict[str, Any], str]:
    body = worker.ask(say="tea?", temperature=0, **fields).json()
    choice = body["choices"][0]
    return choice["message"], body["usage"], choice["finish_reason"]


def test_thought_and_answer_come_apart(thinker: Worker) -> None:
    message, usage, reason = answer(thinker)
    assert (message["content"], message["reasoning_content"], reason) == ("Yes, tea!", "Let me see 👍.", "stop")
    assert usage["completion_tokens"] == len(THOUGHT)
    assert usage["completion_tokens_details"] == {"reasoning_tokens": THOUGHT.index("</think>") + 1}


def test_streamed_in_deltas_of_their_own(thinker: Worker) -> None:
    client = openai.OpenAI(base_url=f"{thinker.url}/v1", api_key="none", max_retries=0)
    stream = client.chat.completions.create(
        model=thinker.model, messages=[{"role": "user", "content": "tea?"}], temperature=0, stream=True
    )
    deltas = [chunk.choices[0].delta for chunk in stream]
    reasoning = [(delta.model_extra or {}).get("reasoning_content") for delta in deltas]
    assert "".join(filter(None, reasoning)) == "Let me see 👍."
    assert "".join(delta.content or "" for delta in deltas) == "Yes, tea!"
    assert len([piece for piece in reasoning if piece]) > 1


def test_too_short_for_an_answer(thinker: Worker) -> None:
    message, usage, reason = answer(thinker, max_tokens=4)
    assert (message["content"], message["reasoning_content"], reason) == ("", "Let me see", "length")
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 4}


def test_a_stop_string_holds_for_the_answer_only(thinker: Worker) -> None:
    assert answer(thinker, stop=["see", ","])[0]["content"] == "Yes"


def test_what_a_client_sends_back_of_the_reasoning_enters_no_prompt(thinker: Worker) -> None:
    def counted(**fields: str) -> int:
        turns = [
            {"role": "user", "content": "tea?"},
            {"role": "assistant", **fields},
            {"role": "user", "content": "so?"},
        ]
        response = thinker.client.post("/tokenize", json={"messages": turns})
        assert response.status_code == 200, response.text
        count: int = response.json()["count"]
        return count

    plain = counted(content="Yes")
    assert counted(content="Yes", reasoning_content="Let me see.") == plain
    assert counted(content="<think>Let me see.</think>Yes") == plain


async def test_our_client_keeps_them_apart(thinker: Worker) -> None:
    async with LLMClient(LLMSettings(), f"{thinker.url}/v1") as client:
        question = [ChatMessage("user", "tea?", "Ada")]
        events = [event async for event in client.stream_chat(question, Sampling(max_tokens=50, temperature=0))]
        reply = await client.chat(question, Sampling(max_tokens=50, temperature=0))
    assert "".join(event.text for event in events) == reply.text == "Yes, tea!"
    assert "".join(event.reasoning for event in events) == "Let me see 👍."
    assert events[-1].usage is not None and events[-1].usage.reasoning_tokens == 7


def test_a_prompt_that_opens_the_reasoning(marked: Worker) -> None:
    message, usage, _ = answer(marked)
    assert (message["content"], message["reasoning_content"]) == ("Yes, tea!", "Let me see 👍.")
    assert usage["completion_tokens_details"]["reasoning_tokens"] == THOUGHT.index("</think>")


def test_a_request_may_switch_thinking_off(marked: Worker) -> None:
    """The reciter recites anyway, but as its answer; the mark is a special token and never shows."""
    message, usage, _ = answer(marked, chat_template_kwargs={"enable_thinking": False})
    assert message["content"] == " Let me see 👍. Yes, tea!"
    assert "reasoning_content" not in message
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0


@pytest.mark.parametrize(("thinking", "opened"), [("off", False), ("on", True), ("auto", True)])
def test_the_owner_chooses(tmp_path: Path, thinking: str, opened: bool) -> None:
    folder = make_reciter(tmp_path, THOUGHT[1:], SWITCHED, special=["</think>", "<|end|>"])
    with running(
        WorkerSettings.model_validate({"model": str(folder), "device": "cpu", "thinking": thinking})
    ) as worker:
        assert ("reasoning_content" in answer(worker)[0]) is opened


def test_channels_of_special_tokens(tmp_path: Path) -> None:
    """gpt-oss' form. Each word can come once only, so that this model leaves out what it would have to repeat."""
    special = [word for word in CHANNELS if word.startswith("<|")]
    template = "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}go"
    folder = make_reciter(tmp_path, CHANNELS, template, special=special)
    with running(WorkerSettings(model=str(folder), device="cpu")) as worker:
        body = json.dumps(worker.ask(say="tea?", temperature=0).json())
        assert answer(worker)[0]["reasoning_content"] == "Hm."
    assert "<|" not in json.loads(body)["choices"][0]["message"]["content"]
