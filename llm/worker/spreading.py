"""A model whose layers lie on several GPUs, and its one KV cache: keys and values travel to the cache and back.

transformers 5.23 keeps the cache of continuous batching on the first GPU and writes to it from wherever a layer lies,
which fails on another GPU. That layer's keys and values are few; what it reads back grows with the conversations.
Knows no queue and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.generation.continuous_batching.cache import PagedAttentionCache

Update = Callable[[torch.Tensor, torch.Tensor, int, dict[str, Any]], tuple[torch.Tensor, torch.Tensor]]
KEPT_WHERE_THE_LAYER_IS = ("cu_seq_lens_k", "max_length_k")  # `update` chooses the layer's own among them


def is_spread(model: PreTrainedModel) -> bool:
    """Whether accelerate put the layers on more than one device."""
    return len(set(getattr(model, "hf_device_map", {}).values())) > 1


def reach_across(cache: PagedAttentionCache, home: torch.device) -> None:
    """Let layers on other devices use the cache, which lies on `home`."""
    update: Update = cache.update

    def travelling(
        key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, kwargs: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        there = key_states.device
        if there == home:
            return update(key_states, value_states, layer_idx, kwargs)
        at_home = kwargs | {name: _moved(kwargs[name], home) for name in ("read_index", "write_index")}
        keys, values = update(key_states.to(home), value_states.to(home), layer_idx, at_home)
        kwargs.update({name: at_home[name] for name in KEPT_WHERE_THE_LAYER_IS})
        return keys.to(there), values.to(there)

    cache.update = travelling


def _moved(indices: list[torch.Tensor], home: torch.device) -> list[torch.Tensor]:
    return [each.to(home) for each in indices]
