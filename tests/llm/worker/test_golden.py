"""Greedy answers over HTTP are `generate`'s own, token for token: streamed or not, alone or among sixteen others."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from llm.worker.engine import Job, SamplingParams
from tests.llm.worker.running import Worker

PROMPTS = [
    "Once upon a time",
    "Lily and Tom went to the park.",
    "The dog was sad because",
    'Mom said, "Let us go!"',
    "A big, red ball",
    "One day, a bird named Ben",
    "The sun was hot and the little cat wanted to drink some water, but there was no water in the house.",
    "Ünïcödé and 👍 emoji",
]
TOKENS = 48


@cache
def reference(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), AutoTokenizer.from_pretrained(folder)


@cache
def generated(folder: Path, prompt: str, tokens: int = TOKENS) -> str:
    """What `model.generate` says to the rendered prompt."""
    model, tokenizer = reference(folder)
    rendered = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = model.generate(**rendered, max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    text: str = tokenizer.decode(out[0][rendered["input_ids"].shape[1] :], skip_special_tokens=True)
    return text


def streamed(worker: Worker, prompt: str, **fields: object) -> str:
    body = worker.body(prompt, temperature=0, max_tokens=TOKENS, stream=True, **fields)
    with worker.client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])


def plain(worker: Worker, prompt: str) -> str:
    return worker.text(say=prompt, temperature=0, max_tokens=TOKENS)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_alone(stories: Worker, stories_folder: Path, prompt: str) -> None:
    expected = generated(stories_folder, prompt)
    assert plain(stories, prompt) == expected
    assert streamed(stories, prompt) == expected


def test_among_sixteen_others_streamed_and_not(stories: Worker, stories_folder: Path) -> None:
    asked = [PROMPTS[number % len(PROMPTS)] for number in range(17)]
    with ThreadPoolExecutor(17) as pool:
        answers = [
            pool.submit(streamed if number % 2 else plain, stories, prompt) for number, prompt in enumerate(asked)
        ]
    assert [answer.result() for answer in answers] == [generated(stories_folder, prompt) for prompt in asked]


def test_among_others_that_draw_at_random(stories: Worker, stories_folder: Path) -> None:
    def noise(number: int) -> str:
        return stories.text(say=PROMPTS[number % 8], temperature=1.5, top_p=0.8, top_k=10 + number, max_tokens=TOKENS)

    with ThreadPoolExecutor(12) as pool:
        others = [pool.submit(noise, number) for number in range(8)]
        answers = [pool.submit(plain, stories, prompt) for prompt in PROMPTS[:4]]
    assert [answer.result() for answer in answers] == [generated(stories_folder, prompt) for prompt in PROMPTS[:4]]
    assert all(isinstance(other.result(), str) for other in others)


async def test_the_published_text(stories_folder: Path) -> None:
    """From the bare beginning-of-text token, which no chat template gives, on an engine of its own."""
    import asyncio

    from llm.worker.batching import BatchingEngine, BatchingSettings
    from llm.worker.loader import load

    loaded = load(str(stories_folder), "none", "cpu", lambda reason, progress: None)
    sizes = BatchingSettings(512, 32, 4, cache_blocks=20, silence_s=30)
    engine = BatchingEngine(loaded.model, loaded.eos_ids, sizes, asyncio.get_running_loop(), lambda cause: None)
    try:
        job = Job("golden", [1], 199, SamplingParams(temperature=0))
        ids = [token async for piece in engine.submit(job) for token in piece.ids]
    finally:
        assert engine.close()
    golden = (stories_folder / "greedy.txt").read_text()
    assert golden.startswith(loaded.decode(ids)) and len(loaded.decode(ids)) > 300


def test_a_long_prompt_is_computed_in_pieces_and_reused(stories: Worker, stories_folder: Path) -> None:
    story = " ".join(PROMPTS[:7]) * 2
    expected = generated(stories_folder, story)
    answers = [stories.ask(say=story, temperature=0, max_tokens=TOKENS).json() for _ in range(2)]
    assert [answer["choices"][0]["message"]["content"] for answer in answers] == [expected, expected]
    usage = answers[1]["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] >= usage["prompt_tokens"] - 64


def test_stop_strings_end_the_text_before_them(stories: Worker, stories_folder: Path) -> None:
    whole = generated(stories_folder, PROMPTS[0])
    for stop in (whole[10:14], whole[5:25]):
        answer = stories.ask(say=PROMPTS[0], temperature=0, max_tokens=TOKENS, stop=["never there", stop]).json()
        assert answer["choices"][0]["message"]["content"] == whole[: whole.index(stop)]
        assert answer["choices"][0]["finish_reason"] == "stop"
        assert streamed(stories, PROMPTS[0], stop=stop) == whole[: whole.index(stop)]


def test_finish_reason_and_usage_say_why_and_how_much(stories: Worker) -> None:
    answer = stories.ask(temperature=0, max_tokens=7).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 7
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + 7


def test_a_character_is_never_cut(bytes_worker: Worker) -> None:
    """Random bytes: most of them are no text at all, and whatever is shown must be whole."""
    body = bytes_worker.body("héllo 👍", temperature=1.0, max_tokens=300, stream=True)
    with bytes_worker.client.stream("POST", "/v1/chat/completions", json=body) as response:
        raw = b"".join(response.iter_bytes())
    assert "\ufffd" not in raw.decode("utf-8")
    assert "<|" not in bytes_worker.text(say="hi", temperature=1.0, max_tokens=100)
