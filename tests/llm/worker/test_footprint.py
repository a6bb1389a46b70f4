"""What is computed from the config against what the loaded model really takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from llm.worker.errors import LoadError
from llm.worker.footprint import Loaded, empty_model, key_values, stored_bytes, weight_bytes
from llm.worker.loader import load
from llm.worker.names import locate
from tests.llm.worker.running import make_llama

TOLERANCE = 0.02


def tensors_of(model: PreTrainedModel) -> Iterator[torch.Tensor]:
    """Every tensor that the model holds, with what bitsandbytes keeps beside its weights."""
    yield from model.buffers()
    for parameter in model.parameters():
        yield parameter.data
        yield from (value for value in vars(parameter).values() if isinstance(value, torch.Tensor))
        state = getattr(parameter, "quant_state", None)
        while state is not None:
            yield from (value for value in vars(state).values() if isinstance(value, torch.Tensor))
            state = state.state2


def bytes_held(model: PreTrainedModel) -> int:
    storages = (tensor.untyped_storage() for tensor in tensors_of(model))
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


@pytest.fixture(scope="module")
def random_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return make_llama(tmp_path_factory.mktemp("random"), width=256)


@pytest.mark.parametrize("quantization", ["none", "int8", "nf4"])
@pytest.mark.parametrize("model", ["embedded", "stories", "random"])
def test_the_estimate_is_what_is_loaded(
    model: str, quantization: Loaded, stories_folder: Path, random_llama: Path
) -> None:
    folder = {"embedded": locate("embedded")[0], "stories": str(stories_folder), "random": str(random_llama)}[model]
    if model == "stories" and quantization == "nf4":
        pytest.skip("its layers are 172 wide: the CPU kernel of nf4 cannot compute them")
    loaded = load(folder, quantization, "cpu", lambda reason, progress: None).model
    shape = empty_model(AutoConfig.from_pretrained(folder))
    estimate = weight_bytes(shape, loaded.dtype, quantization)
    assert estimate == pytest.approx(bytes_held(loaded), rel=TOLERANCE)


def config(kind: str = "llama", **fields: object) -> PreTrainedConfig:
    return AutoConfig.for_model(
        kind, **{"num_hidden_layers": 4, "hidden_size": 512, "num_attention_heads": 8, "vocab_size": 64, **fields}
    )


@pytest.mark.parametrize(
    ("model", "per_token"),
    [
        (config(num_key_value_heads=8), 4 * 2 * 8 * 64),
        (config(num_key_value_heads=2), 4 * 2 * 2 * 64),
        (config(num_key_value_heads=1), 4 * 2 * 1 * 64),
        (config("gemma", num_key_value_heads=1, head_dim=256), 4 * 2 * 256),
        (config("qwen3", num_key_value_heads=2, head_dim=128), 4 * 2 * 2 * 128),
        (config("gpt_bigcode", multi_query=True), 4 * 2 * 64),
        (config("gpt2"), 4 * 2 * 512),
    ],
)
def test_keys_and_values_of_one_token(model: PreTrainedConfig, per_token: int) -> None:
    assert key_values(model, torch.bfloat16).per_token == 2 * per_token
    assert key_values(model, torch.float32).per_token == 4 * per_token
    assert key_values(model, torch.float32).note == ""


def test_keys_and_values_are_what_the_model_really_caches() -> None:
    small = {"hidden_size": 64, "intermediate_size": 64}
    for each in (config(num_key_value_heads=2, **small), config("gemma", num_key_value_heads=1, head_dim=32, **small)):
        model = AutoModelForCausalLM.from_config(each, dtype=torch.float32).eval()
        with torch.inference_mode():
            cache = model(torch.ones(1, 10, dtype=torch.long)).past_key_values
        held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
        assert key_values(each, torch.float32).per_token * 10 == held


def test_latent_attention_counts_what_transformers_caches() -> None:
    latent = config(
        "deepseek_v3",
        hidden_size=64,
        intermediate_size=64,
        moe_intermediate_size=16,
        n_routed_experts=2,
        n_group=1,
        topk_group=1,
        num_experts_per_tok=1,
        first_k_dense_replace=4,
        kv_lora_rank=32,
        q_lora_rank=16,
        qk_nope_head_dim=16,
        qk_rope_head_dim=8,
        v_head_dim=16,
    )
    model = AutoModelForCausalLM.from_config(latent, dtype=torch.float32).eval()
    with torch.inference_mode():
        cache = model(torch.ones(1, 10, dtype=torch.long)).past_key_values
    held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    counted = key_values(latent, torch.float32)
    assert counted.per_token * 10 == held
    assert "latent" in counted.note


def test_a_window_is_said() -> None:
    mixed = config("gemma2", num_key_value_heads=2, head_dim=64, sliding_window=1024)
    assert "2 of 4 layers keep the last 1,024 tokens only" in key_values(mixed, torch.bfloat16).note
    assert "4 of 4" in key_values(config("mistral", sliding_window=256), torch.bfloat16).note
    assert key_values(config("mistral", sliding_window=None), torch.bfloat16).note == ""


def test_experts_stay_unquantized_where_bitsandbytes_cannot_reach_them() -> None:
    """transformers holds the experts of a mixture in one tensor each, which is no linear layer."""
    sizes = {"num_local_experts": 8, "intermediate_size": 1024, "num_key_value_heads": 2}
    shape = empty_model(config("mixtral", **sizes))
    whole, quantized = (weight_bytes(shape, torch.bfloat16, each) for each in ("none", "nf4"))  # type: ignore[arg-type]
    assert quantized > 0.9 * whole


def test_a_model_that_comes_quantized() -> None:
    shape = empty_model(config(intermediate_size=1024, vocab_size=8))
    whole = weight_bytes(shape, torch.bfloat16, "none")
    assert stored_bytes(shape, torch.bfloat16, {"quant_method": "gptq", "bits": 4}) < 0.3 * whole
    assert 0.45 * whole < stored_bytes(shape, torch.bfloat16, {"quant_method": "fp8"}) < 0.6 * whole
    with pytest.raises(LoadError, match="how many bits"):
        stored_bytes(shape, torch.bfloat16, {"quant_method": "exotic"})


def test_real_shapes() -> None:
    """Llama 3.1 8B: 8.03 billion parameters, 128 KiB of keys and values a token; nf4 leaves room in 8 GB."""
    llama = config(
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        vocab_size=128256,
        tie_word_embeddings=False,
    )
    shape = empty_model(llama)
    assert shape.num_parameters() == 8_030_261_248
    assert key_values(llama, torch.bfloat16).per_token == 128 * 1024
    none, int8, nf4 = (weight_bytes(shape, torch.bfloat16, each) / 1e9 for each in ("none", "int8", "nf4"))  # type: ignore[arg-type]
    assert (round(none, 1), round(int8, 1), round(nf4, 1)) == (16.1, 9.1, 5.7)
