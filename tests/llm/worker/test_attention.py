"""Attention by pages gives what `generate` gives, and what is relied upon in transformers is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, PreTrainedModel
from transformers.generation.continuous_batching import ContinuousBatchingManager
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from llm.worker import attention
from llm.worker.batching import BatchingEngine, BatchingSettings, build_manager
from llm.worker.engine import Job, SamplingParams

NEW = 40
# Prompts longer than one step, shorter ones, and some that begin alike, so that every branch is taken.
PROMPTS = [[(7 * place + number) % 200 for place in range(length)] for number, length in enumerate([300, 5, 90, 1])]
PROMPTS += [[*PROMPTS[0][:200], 1, 2, 3], PROMPTS[0][:256]]
SHAPE = {
    "vocab_size": 260,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": None,
    "eos_token_id": None,
}
SIZES = BatchingSettings(max_batch_tokens=128, page_size=16, max_running=8, cache_blocks=200, silence_s=60)


def llama() -> PreTrainedModel:
    torch.manual_seed(2)
    return LlamaForCausalLM(LlamaConfig(**SHAPE)).eval()


def mistral() -> PreTrainedModel:
    """A sliding window: other keys than the borders say, so transformers' own attention must do it."""
    torch.manual_seed(2)
    return MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=32)).eval()


def generated(model: PreTrainedModel, prompt: list[int]) -> list[int]:
    ids = torch.tensor([prompt])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False)
    told: list[int] = out[0, len(prompt) :].tolist()
    return told


async def answers(model: PreTrainedModel) -> list[list[int]]:
    engine = BatchingEngine(model, [], SIZES, asyncio.get_running_loop(), lambda cause: None)

    async def one(number: int) -> list[int]:
        job = Job(str(number), PROMPTS[number], NEW, SamplingParams(temperature=0))
        return [token async for piece in engine.submit(job) for token in piece.ids]

    try:
        first = await one(0)
        return [first, *await asyncio.gather(*(one(number) for number in range(1, len(PROMPTS))))]
    finally:
        await asyncio.to_thread(engine.close)


@pytest.mark.parametrize("make", [llama, mistral])
async def test_the_tokens_are_those_of_generate(make: Callable[[], PreTrainedModel]) -> None:
    model = make()
    expected = [generated(model, prompt) for prompt in PROMPTS]
    assert await answers(model) == expected


async def test_also_where_there_is_no_room_to_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows without room are read from their pages in every step."""
    monkeypatch.setattr(attention, "SHARE_GATHERED", 0.04)
    model = llama()
    expected = [generated(model, prompt) for prompt in PROMPTS]
    assert await answers(model) == expected


@contextmanager
def manager_of(model: PreTrainedModel) -> Iterator[ContinuousBatchingManager]:
    manager = build_manager(model, [], SIZES)
    yield manager
    manager.destroy()


def test_what_is_relied_upon_is_there() -> None:
    """Fails with the name of what an upgrade of transformers has taken away."""
    with manager_of(llama()) as manager:
        cache = manager.batch_processor.cache
        assert isinstance(getattr(cache, attention.READER), attention.Reader)
        assert set(cache.cache_allocators) == {attention.FULL}
        allocator = cache.cache_allocators[attention.FULL]
        assert allocator.layer_indices == [0, 1] and allocator.block_physical_stride == 2 * 2 * 16
        keys, values = allocator.get_cache_for_block_table(1)
        assert keys.shape == values.shape == (keys.shape[0], 16, 2, 16)
        mask = manager.batch_processor.inputs_and_outputs.attention_mask
        assert {name: tuple(tensor.shape) for name, tensor in mask.items()} == {attention.FULL: (1, 1, 1, 1)}
        assert ALL_ATTENTION_FUNCTIONS["sdpa"] is attention.attention


def test_half_precision_looks_up_what_single_precision_does() -> None:
    torch.manual_seed(3)
    asked, keys, values = torch.randn(4, 3, 8), torch.randn(4, 20, 8), torch.randn(4, 20, 8)
    mask = torch.zeros(4, 1, 20).index_fill_(2, torch.arange(15, 20), float("-inf"))
    expected = attention._looked_up(asked, keys, values, mask, None)
    short = attention._looked_up(*(each.bfloat16() for each in (asked, keys, values, mask)), scaling=None)
    torch.testing.assert_close(short.float(), expected, atol=0.03, rtol=0.03)
    torch.testing.assert_close(
        attention._looked_up(asked, keys[:, :15], values[:, :15], mask[..., :15], None), expected
    )


def test_a_sliding_window_is_left_to_transformers() -> None:
    with manager_of(mistral()) as manager:
        assert not hasattr(manager.batch_processor.cache, attention.READER)
        mask = manager.batch_processor.inputs_and_outputs.attention_mask
        assert all(tensor.shape[-2] == SIZES.max_batch_tokens for tensor in mask.values())


def test_other_models_of_the_process_notice_nothing() -> None:
    with manager_of(llama()):
        query, key, value = (torch.randn(1, 2, 5, 8) for _ in range(3))
        ours, _ = attention.attention(torch.nn.Module(), query, key, value, None)
        theirs, _ = sdpa_attention_forward(torch.nn.Module(), query, key, value, None)
        assert torch.equal(ours, theirs)
