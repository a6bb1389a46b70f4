"""A GGUF file is served as the model from which it was written."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from llm.config import WorkerSettings
from llm.worker.errors import LoadError
from llm.worker.loader import load
from tests.llm.worker.running import make_llama, running

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    return make_llama(tmp_path_factory.mktemp("original"), width=64)


@pytest.fixture(scope="module")
def file(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(original, tmp_path_factory.mktemp("gguf") / "small.gguf")


def write_gguf(folder: Path, path: Path) -> Path:
    """What llama.cpp's converter writes for a Llama, in float32."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("small")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = set(tokenizer.get_added_vocab())
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in special else normal for token in tokens])
    writer.add_token_scores([0.0] * len(tokens))  # no merges: every byte is a token
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    _add_tensors(writer, model)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tensors(writer: gguf.GGUFWriter, model: LlamaForCausalLM) -> None:
    heads = {"q_proj": model.config.num_attention_heads, "k_proj": model.config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        module = name.removesuffix(".weight")
        if module.startswith("model.layers."):
            _, _, layer, inner = module.split(".", 3)
            target = f"blk.{layer}.{NAMES[inner]}"
        else:
            target = NAMES[module]
        count = heads.get(module.rpartition(".")[2])
        if count is not None:  # llama.cpp rotates neighbouring pairs
            tensor = tensor.view(count, 2, -1, tensor.shape[-1]).transpose(1, 2).reshape(tensor.shape)
        writer.add_tensor(f"{target}.weight", tensor.float().numpy())


def test_it_computes_what_the_original_computes(original: Path, file: Path) -> None:
    prompt = torch.arange(30).unsqueeze(0)
    loaded = load(str(file), "auto", "cpu", lambda *_: None)
    with torch.inference_mode():
        expected = AutoModelForCausalLM.from_pretrained(original)(prompt).logits
        assert torch.allclose(loaded.model(prompt).logits, expected, atol=1e-4)
    assert (loaded.context, loaded.quantization, loaded.model.dtype) == (512, "none", torch.float32)


def test_it_answers(file: Path) -> None:
    with running(WorkerSettings(model=str(file), device="cpu")) as worker:
        assert worker.text(say="hello", max_tokens=8, temperature=0) is not None
        assert worker.client.post("/tokenize", json={"prompt": "hé"}).json()["count"] == 3


def test_it_is_not_quantized_on_top(file: Path) -> None:
    with pytest.raises(LoadError, match="quantized already; nf4 cannot be put on top"):
        load(str(file), "nf4", "cpu", lambda *_: None)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"not what it says")
    with pytest.raises(LoadError) as refused:
        load(str(tmp_path / "broken.gguf"), "auto", "cpu", lambda *_: None)
    assert "\n" not in str(refused.value)
