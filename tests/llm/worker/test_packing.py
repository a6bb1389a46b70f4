"""The packed output layer gives what the plain one gives, and stays away from what it is not made for."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from llm.worker.packing import pack_head

PLENTY = 2**34


def llama(dtype: torch.dtype = torch.float32) -> LlamaForCausalLM:
    torch.manual_seed(1)
    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=1000, **shape)).to(dtype).eval()


@torch.no_grad()
def test_it_is_there_and_gives_the_same() -> None:
    model = llama()
    plain = [model.lm_head(torch.ones(1, rows, 64) / rows) for rows in (1, 16, 40)]
    assert pack_head(model, PLENTY) and "forward" in vars(model.lm_head)
    for rows, expected in zip((1, 16, 40), plain, strict=True):
        torch.testing.assert_close(model.lm_head(torch.ones(1, rows, 64) / rows), expected)


def test_packing_twice_packs_once() -> None:
    model = llama()
    assert pack_head(model, PLENTY)
    first = model.lm_head.forward
    assert pack_head(model, PLENTY) and model.lm_head.forward is first


def test_with_gradients_it_is_the_plain_product() -> None:
    model = llama()
    assert pack_head(model, PLENTY)
    model.lm_head(torch.ones(1, 2, 64)).sum().backward()
    assert model.lm_head.weight.grad is not None


@pytest.mark.parametrize(
    ("model", "free"), [(llama(torch.bfloat16), PLENTY), (llama(), 64_000), (llama().to("meta"), PLENTY)]
)
def test_it_stays_away(model: LlamaForCausalLM, free: int) -> None:
    assert not pack_head(model, free)
    assert "forward" not in vars(model.lm_head)


def test_a_layer_of_another_kind_is_left_alone() -> None:
    class Quantized(nn.Linear):
        pass

    model = llama()
    model.lm_head = Quantized(64, 1000)
    assert not pack_head(model, PLENTY)
