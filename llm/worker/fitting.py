"""Which ways of loading a model fit the memory that is there, and which of them `auto` takes. It loads nothing.

"Fits" means: the weights, and a KV cache of ROOM_TOKENS for all conversations together, in the share of the free memory
that the worker allows itself (memory.py); the rest is for activations, fragments and the driver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from llm.config import Quantization
from llm.worker.errors import LoadError
from llm.worker.footprint import Loaded, key_values, quantized_layers, stored_bytes, weight_bytes
from llm.worker.machine import Memory
from llm.worker.memory import SHARE_FOR_OWNER, SHARE_OF_GPU

ROOM_TOKENS = 8192  # KV cache that must have room beside the weights; the model's longest context if that is shorter
NF4_WIDTH = 64  # the CPU kernel of nf4 computes in groups of so many inputs
FLOAT32_SHARE = 0.5  # of the free RAM: up to here a CPU computes in float32, because half precision is slow there
MOST_EXACT_FIRST: tuple[Loaded, ...] = ("none", "int8", "nf4")
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Fit:
    """One way of loading a model on one device; sizes in bytes. `obstacle` says why it cannot be, where it cannot."""

    quantization: Loaded
    dtype: torch.dtype
    weights: int
    kv_per_token: int
    context: int  # the longest that the model was made for, in tokens
    allowed: int  # of the free memory, for weights and KV cache
    obstacle: str = ""

    @property
    def needed(self) -> int:
        """Weights, and the KV cache that must have room beside them."""
        return self.weights + min(ROOM_TOKENS, self.context) * self.kv_per_token

    @property
    def fits(self) -> bool:
        return not self.obstacle and self.needed <= self.allowed

    @property
    def longest(self) -> int:
        """Tokens of the longest conversation for which weights and KV cache have room; 0 where not even they have."""
        room = max(0, self.allowed - self.weights)
        return 0 if self.obstacle else min(self.context, room // self.kv_per_token)


def possible_fits(
    shape: PreTrainedModel, context: int, device: str, memory: Memory, gguf: str | None = None
) -> list[Fit]:
    """Every way of loading the model, the most exact first; one only where it comes quantized, as a GGUF file does.

    transformers unpacks a GGUF file while it reads it: it takes as much as a model that never was quantized."""
    config = shape.config
    dtype = choose_dtype(config, shape.num_parameters(), device, memory)
    allowed = int(memory.free * (SHARE_OF_GPU if device == "cuda" else SHARE_FOR_OWNER))
    kv = key_values(config, dtype).per_token
    stored = quantization_of(config)
    if gguf is not None:
        return [Fit("none", dtype, weight_bytes(shape, dtype, "none"), kv, context, allowed)]
    if stored is not None:
        return [Fit("none", dtype, stored_bytes(shape, dtype, stored), kv, context, allowed)]
    return [
        Fit(each, dtype, weight_bytes(shape, dtype, each), kv, context, allowed, _obstacle(each, shape, device))
        for each in MOST_EXACT_FIRST
    ]


def choose(wanted: Quantization, fits: list[Fit], memory: Memory) -> tuple[Fit, str]:
    """How to load, and why in words: `auto` takes the most exact way that fits. Raises LoadError, with the numbers."""
    if wanted == "auto":
        best = next((each for each in fits if each.fits), None)
        if best is not None:
            return best, _reason(best, fits, memory)
        raise LoadError(f"the model does not fit here: {_each_need(fits)}; {_have(fits[0], memory)}")
    fit = next((each for each in fits if each.quantization == wanted), None)
    if fit is None:
        raise LoadError(f"the model is quantized already; {wanted} cannot be put on top of it: use auto or none")
    if fit.obstacle:
        raise LoadError(fit.obstacle)
    if fit.weights > fit.allowed:
        raise LoadError(f"the model does not fit here: its weights take {gib(fit.weights)}; {_have(fit, memory)}")
    return fit, "the owner chose it"


def choose_dtype(config: PreTrainedConfig, parameters: int, device: str, memory: Memory) -> torch.dtype:
    """The checkpoint's own on a GPU; on a CPU float32, where that takes half of the free memory at most."""
    if device == "cpu" and parameters * torch.float32.itemsize <= memory.free * FLOAT32_SHARE:
        return torch.float32
    stored = config.get_text_config().dtype or config.dtype or torch.float32
    return stored if isinstance(stored, torch.dtype) else getattr(torch, str(stored))


def quantization_of(config: PreTrainedConfig) -> dict[str, Any] | None:
    """The model's own quantization_config, where it comes quantized."""
    stored = getattr(config, "quantization_config", None)
    return dict(stored if isinstance(stored, dict) else stored.to_dict()) if stored is not None else None


def gib(size: int) -> str:
    """Bytes for people."""
    return f"{size / GIB:.2f} GiB" if size >= GIB else f"{size / 2**20:.1f} MiB"


def _obstacle(quantization: Loaded, shape: PreTrainedModel, device: str) -> str:
    if quantization != "nf4" or device != "cpu":
        return ""
    for name, (inputs, _) in quantized_layers(shape).items():
        if inputs % NF4_WIDTH:
            return (
                f"nf4 on a CPU needs layer widths that are multiples of {NF4_WIDTH}; "
                f"{name} is {inputs} wide: use int8 or none"
            )
    return ""


def _reason(chosen: Fit, fits: list[Fit], memory: Memory) -> str:
    passed = [each for each in fits[: fits.index(chosen)]]
    why = f"{gib(chosen.needed)} with room for {min(ROOM_TOKENS, chosen.context):,} tokens; {_have(chosen, memory)}"
    return f"{_each_need(passed)}; it needs {why}" if passed else f"needs {why}"


def _each_need(fits: list[Fit]) -> str:
    return ", ".join(
        f"{each.quantization} is not possible" if each.obstacle else f"{each.quantization} needs {gib(each.needed)}"
        for each in fits
    )


def _have(fit: Fit, memory: Memory) -> str:
    return f"{gib(fit.allowed)} of {gib(memory.free)} free may be used ({memory.where})"
