"""Attention over a continuous batch on a CPU: one product per request, instead of one over everybody's keys.

transformers' own path multiplies every query with the keys of the whole batch and masks nearly all of it away, so a
step's cost grows with the square of the crowd. The numbers that come out are the same. It knows borders, no requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.generation.continuous_batching.cache import PagedAttentionCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

FULL_ATTENTION_ONLY = {"full_attention"}  # a sliding window reads other keys than the borders say


def install() -> None:
    """Put it behind the name `sdpa`, the only one that the manager accepts; where it does not apply it steps aside."""
    ALL_ATTENTION_FUNCTIONS.register("sdpa", attention)


def attention(
    module: torch.nn.Module,
    query: torch.Tensor,  # [1, heads, tokens of the step, width]
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    cache: PagedAttentionCache | None = None,
    **kwargs: object,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in each layer. Returns [1, tokens of the step, heads, width]."""
    if attention_mask is None or cache is None or not _applies(query, cache, kwargs):
        answer: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, cache=cache, **kwargs
        )
        return answer
    key, value = cache.update(key_states=key, value_states=value, layer_idx=module.layer_idx, kwargs=kwargs)
    out = torch.zeros_like(query)
    spans = zip(_spans(kwargs["cu_seq_lens_q"]), _spans(kwargs["cu_seq_lens_k"]), strict=True)
    for (first, last), (oldest, newest) in spans:
        if last > first:
            mask = attention_mask[..., first:last, oldest:newest] if last - first > 1 else None
            keys, values = key[:, :, oldest:newest], value[:, :, oldest:newest]
            out[:, :, first:last] = _one_request(query[:, :, first:last], keys, values, mask, scaling)
    return out.transpose(1, 2), None


def _applies(query: torch.Tensor, cache: PagedAttentionCache, kwargs: dict[str, object]) -> bool:
    plain = all(kwargs.get(name) is None for name in ("softcap", "position_bias", "block_table"))
    paged = isinstance(cache, PagedAttentionCache) and set(cache.cache_allocators) == FULL_ATTENTION_ONLY
    return plain and paged and query.device.type == "cpu"


def _spans(borders: object) -> Iterator[tuple[int, int]]:
    """From the running sums of lengths to each request's (begin, end)."""
    if not isinstance(borders, torch.Tensor):
        raise TypeError(f"borders are a tensor, not {type(borders).__name__}")
    return pairwise(borders.tolist())


def _one_request(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, scaling: float | None
) -> torch.Tensor:
    """One request's attention; a single new token sees all its keys and needs no mask."""
    _, heads, tokens, width = query.shape
    groups = heads // key.shape[1]
    if tokens == 1:  # the heads that share a key are as good as more tokens: nothing is copied
        packed = query.reshape(1, heads // groups, groups, width)
        return scaled_dot_product_attention(packed, key, value, scale=scaling).reshape(1, heads, 1, width)
    if mask is not None and tokens == key.shape[2]:
        return scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling, enable_gqa=groups > 1)
    return scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scaling, enable_gqa=groups > 1)
