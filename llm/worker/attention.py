"""Attention over a continuous batch on a CPU: one product for all who decode, one for each prompt.

transformers' own path multiplies every query with the keys of the whole batch, masks nearly all of it away, and reads
every key from its page in every layer of every step. The numbers that come out are the same. It knows no requests.

Relied upon (transformers 5.23, each with a test): the name `sdpa` can be registered anew; the cache asks
`extend_read_and_write_indices` what to read and passes it on as `read_index`; the manager builds its dense mask in
`inputs_and_outputs.attention_mask`, a 4-dimensional one passes through the model untouched; `cache_allocators`,
`layer_to_allocator`, and of an allocator `block_table`, `block_physical_stride`, `get_write_indices`, `update`,
`get_cache_for_block_table`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers.generation.continuous_batching.cache import PagedAttentionCache
from transformers.generation.continuous_batching.continuous_api import ContinuousBatchProcessor
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from llm.worker.gathered import Gathered, Group, Row

FULL = "full_attention"  # a sliding window reads other keys than the borders say
READER = "steward_reader"  # the attribute of a cache that is read by pages
SHARE_GATHERED = 1.0  # of the cache's size, for what is kept gathered beside it


def install(model: PreTrainedModel, processor: ContinuousBatchProcessor) -> bool:
    """Read this processor's cache by pages; False, and nothing is changed, where that does not apply."""
    cache = processor.cache
    softcapped = getattr(model.config.get_text_config(), "attn_logit_softcapping", None) is not None
    plain = model.config._attn_implementation == "sdpa" and set(cache.cache_allocators) == {FULL} and not softcapped
    if model.device.type != "cpu" or not plain:
        return False
    reader = Reader(cache)
    setattr(cache, READER, reader)
    cache.extend_read_and_write_indices = reader.extend
    # A mask of one number in the place of the dense one: it is sliced and filled as ever, and costs nothing.
    processor.inputs_and_outputs.attention_mask = {FULL: torch.zeros(1, 1, 1, 1, dtype=model.dtype)}
    ALL_ATTENTION_FUNCTIONS.register("sdpa", attention)
    return True


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
    reader = getattr(cache, READER, None)
    if reader is None:
        answer: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, cache=cache, **kwargs
        )
        return answer
    return reader.attend(cast(int, module.layer_idx), query, key, value, scaling, kwargs), None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a prompt: its tokens in the step, all tokens up to its end, their pages (None: it has no past)."""

    first: int
    last: int
    length: int
    pages: torch.Tensor | None
    mask: torch.Tensor | None  # [tokens, length], True where a token may look


@dataclass(frozen=True, slots=True)
class Step:
    """One forward pass, the same in every layer; `borders` is the tensor by which it is known."""

    borders: torch.Tensor
    chunks: list[Chunk]
    groups: list[Group]


class Reader:
    """Reads one cache by pages. Used in the loop's thread only."""

    def __init__(self, cache: PagedAttentionCache) -> None:
        self._allocator = cache.cache_allocators[FULL]
        self._page_size = int(self._allocator.tokens_per_page)
        self._pages_per_block = int(self._allocator.block_physical_stride) // self._page_size
        pages, _ = self._allocator.get_cache_for_block_table(self._allocator.layer_indices[0])
        self._places = {layer: place for place, layer in enumerate(self._allocator.layer_indices)}
        limit = int(cache.num_blocks * self._page_size * SHARE_GATHERED)
        self._gathered = Gathered(pages, len(self._places), self._page_size, limit)
        self._step: Step | None = None
        self._nothing = torch.empty(0, dtype=torch.int64)

    def extend(
        self,
        request_id: str,
        past_length: int,
        query_length: int,
        read_index: list[list[int]] | None,
        write_index: list[list[int]],
    ) -> None:
        """Pages instead of places to read from; the cache's own list has a number for every token of everybody."""
        write_index[0].extend(self._allocator.get_write_indices(request_id, past_length, query_length))
        if read_index is not None:
            blocks = self._allocator.block_table[request_id][: self._page_count(past_length + query_length)]
            read_index[0].extend(block * self._pages_per_block for block in blocks)

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
        kwargs: dict[str, Any],
    ) -> torch.Tensor:
        """Write the step's keys and values, then attend; shapes as in `attention`."""
        step = self._step
        if step is None or step.borders is not kwargs["cu_seq_lens_q"]:
            step = self._step = self._plan(kwargs)
        keys, values = key[0].transpose(0, 1), value[0].transpose(0, 1)  # [tokens, heads, width]
        self._allocator.update(keys, values, layer, self._nothing, kwargs["write_index"][0])
        out = torch.empty_like(query[0].transpose(0, 1), memory_format=torch.contiguous_format)
        for chunk in step.chunks:
            out[chunk.first : chunk.last] = self._one_chunk(layer, chunk, query, key, value, scaling)
        for group in step.groups:
            self._one_group(layer, group, query, keys, values, scaling, out)
        return out[None]

    def _page_count(self, tokens: int) -> int:
        return -(-tokens // self._page_size)

    def _plan(self, kwargs: dict[str, Any]) -> Step:
        borders = kwargs["cu_seq_lens_q"]
        lengths = kwargs["cu_seq_lens_k"][FULL].diff().tolist()
        ends = borders.tolist()
        pages: list[int] = kwargs["read_index"][0].tolist()
        chunks: list[Chunk] = []
        rows: list[Row] = []
        for first, last, length in zip(ends, ends[1:], lengths, strict=False):
            own, pages = pages[: self._page_count(length)], pages[self._page_count(length) :]
            if own and last - first == 1:
                rows.append(Row(first, length, tuple(own)))
            elif last > first:
                chunks.append(_chunk(first, last, length, own))
        groups, excess = self._gathered.plan(rows)
        chunks += [_chunk(row.place, row.place + 1, row.length, row.pages) for row in excess]
        return Step(borders, chunks, groups)

    def _one_chunk(
        self,
        layer: int,
        chunk: Chunk,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        scaling: float | None,
    ) -> torch.Tensor:
        """Returns [tokens, heads, width]."""
        here = slice(chunk.first, chunk.last)
        shared = query.shape[1] != key.shape[1]
        if chunk.pages is None:
            one, many, said = query[:, :, here], key[:, :, here].contiguous(), value[:, :, here].contiguous()
            out = scaled_dot_product_attention(one, many, said, is_causal=True, scale=scaling, enable_gqa=shared)
        else:
            stores = self._allocator.get_cache_for_block_table(layer)
            many, said = (_gather(store, chunk.pages, chunk.length)[None] for store in stores)
            out = scaled_dot_product_attention(
                query[:, :, here], many, said, attn_mask=chunk.mask, scale=scaling, enable_gqa=shared
            )
        return out[0].transpose(0, 1)

    def _one_group(
        self,
        layer: int,
        group: Group,
        query: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        scaling: float | None,
        out: torch.Tensor,
    ) -> None:
        """Writes its rows of `out`, [tokens, heads, width]."""
        count = len(group.places)
        everybody = group.in_order and count == len(out)
        slabs = self._gathered.tensors(group.slab, self._places[layer])
        sides = zip(slabs, self._allocator.get_cache_for_block_table(layer), (keys, values), strict=True)
        seen: list[torch.Tensor] = []
        for slab, store, new in sides:
            for row, tokens, pages in group.moved:
                slab[row, :, :tokens] = _gather(store, pages, tokens)
                slab[row, :, tokens:] = 0  # masked, but it is multiplied all the same: it must be a number
            width = slab.shape[-1]
            own = new if everybody else new.index_select(0, group.places)
            slab.view(-1, width).index_copy_(0, group.targets, own.reshape(-1, width))
            seen.append(slab[:count].view(-1, group.slab.room, width))
        # The heads that share a key are as good as more tokens: nothing is copied.
        asked = query[0].transpose(0, 1)
        asked = asked if everybody else asked.index_select(0, group.places)
        packed = asked.reshape(len(seen[0]), -1, asked.shape[2])
        found = _looked_up(packed, seen[0], seen[1], group.mask, scaling).view(asked.shape)
        if everybody:
            out.copy_(found)
        else:
            out.index_copy_(0, group.places, found)


def _looked_up(
    asked: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, scaling: float | None
) -> torch.Tensor:
    """[rows, queries, width] over keys and values of [rows, room, width].

    The whole room at once, without a gap between the rows, is twice as fast as each row's own length; in half
    precision the fused product is more exact than two."""
    if asked.dtype != torch.float32:
        return scaled_dot_product_attention(asked, keys, values, attn_mask=mask, scale=scaling)
    scale = asked.shape[-1] ** -0.5 if scaling is None else scaling
    return torch.bmm(torch.baddbmm(mask, asked, keys.transpose(1, 2), alpha=scale).softmax(-1), values)


def _chunk(first: int, last: int, length: int, pages: Sequence[int]) -> Chunk:
    past = length - (last - first)
    if not past:
        return Chunk(first, last, length, None, None)
    mask = None if last - first == 1 else torch.ones(last - first, length, dtype=torch.bool).tril(past)
    return Chunk(first, last, length, torch.tensor(pages), mask)


def _gather(store: torch.Tensor, pages: torch.Tensor, tokens: int) -> torch.Tensor:
    """From [pages, tokens, heads, width] to [heads, tokens, width] of one request."""
    return store.index_select(0, pages).flatten(0, 1)[:tokens].transpose(0, 1)
