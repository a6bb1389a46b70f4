"""Models of real shapes whose random weights are drawn where they are computed with, in bfloat16 or nf4.

Layer by layer and straight on the GPU: 16 GB never pass through the computer's own memory, and a layer is quantized as
soon as it is drawn, as it is when a checkpoint is read. It knows no engine; it counts the bytes that a step must read.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import LlamaForCausalLM, PreTrainedModel
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from benchmarks.models import SHAPES, Shape

REAL_SHAPES = {
    "tiny": SHAPES["tiny"],
    "1b": Shape(vocabulary=128_256, width=2048, inner=8192, layers=16, heads=32, key_heads=8),
    "8b": Shape(vocabulary=128_256, width=4096, inner=14_336, layers=32, heads=32, key_heads=8, tied=False),
}  # Llama 3.2 1B and Llama 3.1 8B
SPREAD = 0.02  # standard deviation of the weights, as Llamas are initialized


def draw(shape: Shape, device: torch.device, nf4: bool) -> PreTrainedModel:
    """A model of that shape on `device`, in bfloat16 or with its layers in nf4 (double quantization)."""
    torch.manual_seed(0)
    config = shape.config()
    config.dtype = torch.bfloat16
    with torch.device("meta"):
        model = LlamaForCausalLM(config).to(torch.bfloat16).eval()
    if nf4:
        _quantize_layers(model, device)
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.is_meta:
                setattr(module, name, nn.Parameter(_weights(parameter.shape, device), requires_grad=False))
    with device:
        model.model.rotary_emb = LlamaRotaryEmbedding(config)
    model.tie_weights()
    return model


def _weights(size: torch.Size, device: torch.device) -> torch.Tensor:
    if len(size) == 1:  # norms
        return torch.ones(size, dtype=torch.bfloat16, device=device)
    return torch.randn(size, dtype=torch.bfloat16, device=device).mul_(SPREAD)


def _quantize_layers(model: PreTrainedModel, device: torch.device) -> None:
    """All linear layers but the output, as transformers does by default."""
    for parent in list(model.model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Linear):
                setattr(parent, name, _nf4(child, device))


def _nf4(layer: nn.Linear, device: torch.device) -> nn.Module:
    from bitsandbytes.nn import Linear4bit, Params4bit

    made: Any = Linear4bit(
        layer.in_features, layer.out_features, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4", device="meta"
    )
    weights = _weights(layer.weight.shape, device)
    kept = Params4bit(weights, requires_grad=False, compress_statistics=True, quant_type="nf4", module=made)
    made.weight = kept.to(device)
    quantized: nn.Module = made
    return quantized


def weight_bytes(model: PreTrainedModel) -> int:
    """What one step reads of the weights: everything but the input embedding, of which it looks up some rows."""
    looked_up, output = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    read = {id(weight): weight for weight in model.parameters() if weight is not looked_up or weight is output}
    return sum(weight.numel() * weight.element_size() + _scale_bytes(weight) for weight in read.values())


def _scale_bytes(weight: torch.Tensor) -> int:
    """The block scales beside a quantized weight, and the scales of those."""
    state = getattr(weight, "quant_state", None)
    if state is None:
        return 0
    inner = state.state2.absmax.nbytes if state.nested else 0
    return int(state.absmax.nbytes + inner)


def cache_bytes(shape: Shape) -> int:
    """KV cache of one token, in bfloat16."""
    return 2 * shape.layers * shape.key_heads * (shape.width // shape.heads) * 2
