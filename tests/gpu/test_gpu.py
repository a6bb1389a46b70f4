"""What only a CUDA GPU can show: the same words as `generate`, quantized models, too little memory, several GPUs.

Skipped where there is none. The model is the built-in one; nothing is downloaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM

from llm.config import Quantization
from llm.worker.engine import Job, SamplingParams
from llm.worker.loader import LoadedModel, load
from llm.worker.memory import Sizes
from llm.worker.names import locate
from tests.llm.worker.engines import USUAL, subject

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")

SAYINGS = ["Hello!", "Who are you?", "What can you do for a community?", "Tell me about the weekend."]
ANSWER = 24
SMALL_CARD = 2 * 2**30  # bytes that the process may have where a test needs a card that is too small


def loaded_as(quantization: Quantization) -> LoadedModel:
    return load("embedded", quantization, "cuda", lambda reason, progress: None)


def in_float32(loaded: LoadedModel) -> LoadedModel:
    """Float32 does not depend on who else is in the batch; half precision does."""
    return replace(loaded, model=loaded.model.float())


def jobs(loaded: LoadedModel) -> list[Job]:
    greedy = SamplingParams(temperature=0)
    prompts = [loaded.template.encode(saying) for saying in SAYINGS]
    return [Job(f"job{number}", prompt, ANSWER, greedy) for number, prompt in enumerate(prompts)]


async def answers(loaded: LoadedModel, sizes: Sizes = USUAL) -> list[list[int]]:
    """What the engine says to everybody at once."""
    async with subject(loaded, sizes) as case:

        async def said(job: Job) -> list[int]:
            return [token async for piece in case.engine.submit(job) for token in piece.ids]

        return await asyncio.gather(*(said(job) for job in jobs(loaded)))


def generated(loaded: LoadedModel) -> list[list[int]]:
    """What `generate` says to one after the other."""
    found = []
    for job in jobs(loaded):
        asked = torch.tensor([job.prompt], device=loaded.model.device)
        ends = sorted(loaded.eos_ids)
        out = loaded.model.generate(asked, max_new_tokens=ANSWER, do_sample=False, pad_token_id=0, eos_token_id=ends)
        found.append(out[0, len(job.prompt) :].tolist())
    return found


@pytest.fixture
def small_card() -> Iterator[int]:
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(SMALL_CARD / total)
    yield SMALL_CARD
    torch.cuda.set_per_process_memory_fraction(1.0)


async def test_many_at_once_say_what_generate_says() -> None:
    loaded = in_float32(loaded_as("none"))
    expected = generated(loaded)
    assert await answers(loaded) == expected


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
async def test_a_quantized_model_is_smaller_and_answers(quantization: Quantization) -> None:
    exact, quantized = loaded_as("none"), loaded_as(quantization)
    assert quantized.quantization == quantization
    assert quantized.model.get_memory_footprint() < exact.model.get_memory_footprint()
    assert all(await answers(quantized))


async def test_a_cache_that_does_not_fit_is_made_smaller(small_card: int) -> None:
    loaded = loaded_as("none")
    too_many = Sizes(USUAL.step_tokens, small_card * 6 // 5 // loaded.kv_bytes_per_token)
    async with subject(loaded, too_many) as case:
        assert case.count("out_of_memory_shrinks") >= 1
        assert case.engine.capacity < (too_many.cache_tokens or 0)
        pieces = [piece async for piece in case.engine.submit(jobs(loaded)[0])]
    assert pieces[-1].finished
    assert not case.deaths


def test_one_gpu_holds_all_of_a_model_that_fits() -> None:
    places = {parameter.device for parameter in loaded_as("none").model.parameters()}
    assert len(places) == 1
    assert places.pop().type == "cuda"


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
async def test_a_model_spread_over_two_gpus_says_the_same() -> None:
    whole = in_float32(loaded_as("none"))
    folder, _ = locate("embedded")
    spread = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, device_map="balanced")
    assert len({parameter.device for parameter in spread.parameters()}) > 1
    assert await answers(replace(whole, model=spread)) == generated(whole)
