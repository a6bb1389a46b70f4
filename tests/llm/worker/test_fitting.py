"""What `auto` takes for how much memory, and what is refused with which numbers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, PreTrainedModel

from llm.worker.errors import LoadError
from llm.worker.fitting import FLOAT32_SHARE, GIB, ROOM_TOKENS, choose, choose_dtype, possible_fits
from llm.worker.footprint import empty_model
from llm.worker.machine import Memory

EIGHT_BILLION = LlamaConfig(
    hidden_size=4096,
    intermediate_size=14336,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=8,
    vocab_size=128256,
    max_position_embeddings=131072,
    dtype="bfloat16",
)
SHAPE = empty_model(EIGHT_BILLION)


def memory(gib: float) -> Memory:
    return Memory(int(gib * GIB), int(gib * GIB), "a test")


def chosen(gib: float, device: str = "cuda", shape: PreTrainedModel = SHAPE) -> str:
    here = memory(gib)
    return choose("auto", possible_fits(shape, 131072, device, here), here)[0].quantization


@pytest.mark.parametrize(("gib", "quantization"), [(80, "none"), (24, "none"), (16, "int8"), (11, "nf4")])
def test_auto_takes_the_most_exact_that_fits(gib: float, quantization: str) -> None:
    assert chosen(gib) == quantization


def test_auto_on_a_cpu_does_not_quantize_what_fits() -> None:
    assert chosen(64, "cpu") == "none"
    assert chosen(20, "cpu") == "none"  # in bfloat16
    assert chosen(13, "cpu") == "int8"


def test_nothing_fits_and_the_numbers_say_so() -> None:
    with pytest.raises(
        LoadError, match=r"none needs 15\.96 GiB, int8 needs 9\.\d+ GiB, nf4 needs .* GiB free"
    ) as refused:
        chosen(4)
    assert "\n" not in str(refused.value)


def test_the_reason_names_what_was_passed_over() -> None:
    here = memory(16)
    _, why = choose("auto", possible_fits(SHAPE, 131072, "cuda", here), here)
    assert "none needs" in why and "8,192 tokens" in why and "a test" in why


def test_what_the_owner_chose_is_refused_only_when_its_weights_have_no_room() -> None:
    here = memory(12)
    fits = possible_fits(SHAPE, 131072, "cuda", here)
    assert choose("nf4", fits, here)[0].quantization == "nf4"
    assert choose("int8", fits, here)[0].quantization == "int8"  # little room for conversations, but some
    with pytest.raises(LoadError, match=r"weights take 14\.96 GiB"):
        choose("none", fits, here)


def test_a_model_that_comes_quantized_is_not_quantized_again() -> None:
    stored = LlamaConfig(**{**EIGHT_BILLION.to_dict(), "quantization_config": {"quant_method": "gptq", "bits": 4}})
    here = memory(12)
    fits = possible_fits(empty_model(stored), 131072, "cuda", here)
    assert [each.quantization for each in fits] == ["none"]
    assert choose("auto", fits, here)[0].weights < 6 * GIB
    with pytest.raises(LoadError, match="quantized already"):
        choose("int8", fits, here)


def test_a_width_that_the_cpu_kernel_cannot_compute() -> None:
    odd = empty_model(LlamaConfig(hidden_size=96, intermediate_size=172, num_hidden_layers=1, num_attention_heads=4))
    on_cpu, on_gpu = (possible_fits(odd, 2048, device, memory(8))[2] for device in ("cpu", "cuda"))
    assert "multiples of 64" in on_cpu.obstacle and not on_cpu.fits and on_cpu.longest == 0
    assert on_gpu.fits


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 200), st.sampled_from(["cpu", "cuda"]))
def test_the_longest_context_has_room_and_a_longer_one_has_not(gib: float, device: str) -> None:
    for each in possible_fits(SHAPE, 131072, device, memory(gib)):
        if each.longest:
            assert each.weights + each.longest * each.kv_per_token <= each.allowed
        if each.longest < each.context:
            assert each.weights + (each.longest + 1) * each.kv_per_token > each.allowed
        assert each.fits == (each.longest >= min(ROOM_TOKENS, each.context))


def test_a_cpu_computes_in_float32_while_that_takes_half_of_the_memory() -> None:
    enough = int(SHAPE.num_parameters() * 4 / FLOAT32_SHARE) + 1
    assert choose_dtype(EIGHT_BILLION, SHAPE.num_parameters(), "cpu", Memory(enough, enough, "")) == torch.float32
    assert choose_dtype(EIGHT_BILLION, SHAPE.num_parameters(), "cpu", memory(16)) == torch.bfloat16
    assert choose_dtype(EIGHT_BILLION, SHAPE.num_parameters(), "cuda", memory(900)) == torch.bfloat16
