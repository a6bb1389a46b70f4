"""A lean layer gives what the layer gives, costs no memory, and stays away from layers of another kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from llm.worker.lean import LeanLayer, Product, make_lean

SHAPE = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
}
IDS = torch.tensor([[5, 9, 200, 31, 7, 7, 150]])


def llama(**fields: object) -> PreTrainedModel:
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(**SHAPE | fields)).eval()


def with_biases() -> PreTrainedModel:
    model = llama(attention_bias=True, mlp_bias=True)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    return model


def mistral() -> PreTrainedModel:
    torch.manual_seed(1)
    return MistralForCausalLM(MistralConfig(**SHAPE, sliding_window=None)).eval()


def qwen2() -> PreTrainedModel:
    torch.manual_seed(1)
    return Qwen2ForCausalLM(Qwen2Config(**SHAPE)).eval()


def scaled_rotation() -> PreTrainedModel:
    return llama(rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 10_000.0})


@torch.no_grad()
@pytest.mark.parametrize("make", [llama, with_biases, mistral, qwen2, scaled_rotation])
def test_it_gives_the_same(make: Callable[[], PreTrainedModel]) -> None:
    model = make()
    expected = model(IDS, use_cache=False).logits
    assert make_lean(model) == 2
    assert all(isinstance(vars(layer)["forward"], LeanLayer) for layer in model.model.layers)
    torch.testing.assert_close(model(IDS, use_cache=False).logits, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_generate_over_the_same_model_notices_nothing() -> None:
    model = llama()
    plain = model.generate(IDS, max_new_tokens=20, do_sample=False)
    assert make_lean(model) == 2
    assert torch.equal(model.generate(IDS, max_new_tokens=20, do_sample=False), plain)
    pair = model(IDS.repeat(2, 1), use_cache=False).logits
    torch.testing.assert_close(pair[0], pair[1])


def test_with_gradients_it_is_the_plain_layer() -> None:
    model = llama()
    assert make_lean(model) == 2
    model(IDS, labels=IDS).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_weights_are_there_once_and_keep_their_values() -> None:
    model = llama()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert make_lean(model) == 2
    attention = model.model.layers[0].self_attn
    memory = {each.weight.untyped_storage().data_ptr() for each in (attention.q_proj, attention.k_proj)}
    assert len(memory) == 1
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_twice_is_once() -> None:
    model = llama()
    assert make_lean(model) == 2
    first = model.model.layers[0].forward
    assert make_lean(model) == 2 and model.model.layers[0].forward is first


def gemma2() -> PreTrainedModel:
    return Gemma2ForCausalLM(Gemma2Config(**SHAPE, head_dim=16)).eval()


def qwen3() -> PreTrainedModel:
    """It has norms inside the attention."""
    return Qwen3ForCausalLM(Qwen3Config(**SHAPE, head_dim=16)).eval()


def granite() -> PreTrainedModel:
    """It consists of the same parts as a Llama, and scales what it adds: only the trial tells."""
    return GraniteForCausalLM(GraniteConfig(**SHAPE, residual_multiplier=0.5)).eval()


def in_half_precision() -> PreTrainedModel:
    return llama().bfloat16()


def in_training() -> PreTrainedModel:
    return llama().train()


def quantized() -> PreTrainedModel:
    class Quantized(torch.nn.Linear):
        pass

    model = llama()
    for layer in model.model.layers:
        layer.mlp.up_proj = Quantized(64, 96, bias=False)
    return model


@pytest.mark.parametrize("make", [gemma2, qwen3, granite, in_half_precision, in_training, quantized])
def test_other_layers_are_left_alone(make: Callable[[], PreTrainedModel]) -> None:
    model = make()
    assert make_lean(model) == 0
    assert not any("forward" in vars(layer) for layer in model.model.layers)


def test_one_product_of_many_adds_what_each_adds() -> None:
    torch.manual_seed(1)
    parts = [torch.nn.Linear(8, 4), torch.nn.Linear(8, 6, bias=False), torch.nn.Linear(8, 2)]
    rows, before = torch.randn(3, 8), torch.randn(3, 12)
    expected = torch.cat([part(rows) for part in parts], 1)
    product = Product(*parts)
    torch.testing.assert_close(product(rows), expected)
    torch.testing.assert_close(product.onto(before, rows), before + expected)
