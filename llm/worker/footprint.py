"""What a model takes in memory, from its config alone: weights by quantization, keys and values by token.

Layers are made on torch's meta device, as accelerate's `init_empty_weights` does: they have shapes and no memory.
It reads no weights and asks no machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert
from transformers.quantizers.quantizers_utils import should_convert_module

from llm.worker.errors import LoadError

Loaded = Literal["none", "int8", "nf4"]
NF4_BLOCK = 64  # weights that share one scale
NF4_NESTED_BLOCK = 256  # scales that share one scale of their own: double quantization
NF4_TABLES = 4 * (16 + 256 + 1)  # per layer: the 16 values of nf4, the 256 of its scales, and their offset
GROUP = 128  # weights that share one scale in models that were quantized elsewhere, when they do not say
ENGINE_LAYERS = ("full_attention", "sliding_attention")  # what transformers' continuous batching can cache


@dataclass(frozen=True, slots=True)
class KeyValues:
    """Bytes of keys and values for one token, in all layers; `note` says what was assumed, and is empty if nothing."""

    per_token: int
    note: str = ""


def empty_model(config: PreTrainedConfig, trust_remote_code: bool = False) -> PreTrainedModel:
    """The model's layers without memory. Raises ValueError for a config that is no language model's."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)


def weight_bytes(shape: PreTrainedModel, dtype: torch.dtype, quantization: Loaded) -> int:
    """Bytes of the loaded weights; `dtype` is that of all that bitsandbytes leaves alone: embeddings, output, norms."""
    linear = {} if quantization == "none" else quantized_layers(shape)
    total: int = sum(buffer.nbytes for buffer in shape.buffers())
    for name, parameter in shape.named_parameters():
        layer = linear.get(name.removesuffix(".weight")) if name.endswith(".weight") else None
        total += parameter.numel() * dtype.itemsize if layer is None else _packed_bytes(layer, quantization)
    return total


def stored_bytes(shape: PreTrainedModel, dtype: torch.dtype, stored: dict[str, Any]) -> int:
    """Bytes of a model that comes quantized; `stored` is its own quantization_config. LoadError if it names no bits."""
    bits = _stored_bits(stored)
    group = int(stored.get("group_size") or GROUP)
    packed = sum(inputs * outputs for inputs, outputs in quantized_layers(shape).values())
    plain = weight_bytes(shape, dtype, "none") - packed * dtype.itemsize
    scales = math.ceil(packed / max(group, 1)) * (2 + bits / 8)  # a half-precision scale and a zero point per group
    return plain + math.ceil(packed * bits / 8 + scales)


def quantized_layers(shape: PreTrainedModel) -> dict[str, tuple[int, int]]:
    """Name → (inputs, outputs) of the layers that bitsandbytes replaces: linear ones, but never the output layer."""
    kept = [*get_keys_to_not_convert(shape), *(shape._keep_in_fp32_modules or ())]
    return {
        name: size
        for name, module in shape.named_modules()
        if (size := _linear_size(module)) is not None and should_convert_module(name, kept)
    }


def why_not_batched(config: PreTrainedConfig) -> str:
    """Why transformers' continuous batching has no cache for such layers; empty where it has one."""
    text = config.get_text_config()
    if getattr(text, "kv_lora_rank", None):
        return "its multi-head latent attention cannot be batched by transformers yet; vLLM serves such models"
    others = sorted(set(getattr(text, "layer_types", None) or ()) - set(ENGINE_LAYERS))
    return f"its layers of type {', '.join(others)} cannot be batched by transformers yet" if others else ""


def key_values(config: PreTrainedConfig, dtype: torch.dtype) -> KeyValues:
    """What the engine caches for one token: for each layer a key and a value of every key-value head."""
    text = config.get_text_config()
    layers = int(text.num_hidden_layers)
    if getattr(text, "kv_lora_rank", None):
        return KeyValues(layers * _latent_width(text) * dtype.itemsize, _LATENT_NOTE)
    width = 2 * _key_value_heads(text) * _head_width(text)
    return KeyValues(layers * width * dtype.itemsize, _window_note(text, layers))


_LATENT_NOTE = "multi-head latent attention: the latent and the rotated part of the key are counted, once for all heads"


def _latent_width(text: PreTrainedConfig) -> int:
    return int(text.kv_lora_rank + text.qk_rope_head_dim)


def _key_value_heads(text: PreTrainedConfig) -> int:
    heads = getattr(text, "num_key_value_heads", None) or getattr(text, "num_kv_heads", None)
    if heads is None and getattr(text, "multi_query", False):
        return 1
    return int(heads or text.num_attention_heads)


def _head_width(text: PreTrainedConfig) -> int:
    return int(getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads)


def _window_note(text: PreTrainedConfig, layers: int) -> str:
    types = getattr(text, "layer_types", None)
    others = sorted(set(types or ()) - set(ENGINE_LAYERS))
    if others:
        return f"layers of type {', '.join(others)} keep something else; they are counted as if they kept every token"
    window = getattr(text, "sliding_window", None)
    sliding = layers if types is None else types.count("sliding_attention")
    if not window or not sliding:
        return ""
    return (
        f"{sliding} of {layers} layers keep the last {window:,} tokens only; they are counted as if they kept every "
        "token, as the worker does when it admits a conversation"
    )


def _linear_size(module: nn.Module) -> tuple[int, int] | None:
    if type(module) is nn.Linear:
        return module.in_features, module.out_features
    return (int(module.nx), int(module.nf)) if isinstance(module, Conv1D) else None  # GPT-2's linear layer


def _packed_bytes(size: tuple[int, int], quantization: Loaded) -> int:
    inputs, outputs = size
    if quantization == "int8":
        return inputs * outputs + 4 * outputs  # one float32 scale per output
    blocks = math.ceil(inputs * outputs / NF4_BLOCK)
    return math.ceil(inputs * outputs / 2) + blocks + 4 * math.ceil(blocks / NF4_NESTED_BLOCK) + NF4_TABLES


def _stored_bits(stored: dict[str, Any]) -> float:
    method = str(stored.get("quant_method", "unknown"))
    if stored.get("load_in_4bit") or "mxfp4" in method:
        return 4
    if stored.get("load_in_8bit") or "fp8" in method:
        return 8
    bits = stored.get("bits") or stored.get("w_bit")
    if not isinstance(bits, int | float):
        raise LoadError(f"the model is quantized already ({method}), and its config does not say with how many bits")
    return bits
