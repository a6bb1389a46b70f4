"""How much KV cache a CPU worker takes. Pure: it counts bytes and asks no machine."""

from __future__ import annotations

CPU_CACHE_BYTES = 512 * 2**20  # a demonstration model must leave room for everything else on the machine
SHARE_OF_FREE = 0.25  # of the memory that is free, never more than this
MASK_BYTES = 4  # per pair of (token in a step, token in the cache): the dense attention mask of the sdpa path


def cache_budget(free_bytes: int, cache_mib: int | None) -> int:
    """Bytes for the KV cache on a CPU: what the owner said, else a modest share of what is free."""
    if cache_mib is not None:
        return cache_mib * 2**20
    return int(min(CPU_CACHE_BYTES, free_bytes * SHARE_OF_FREE))


def cache_blocks(
    budget: int, kv_bytes_per_token: int, context: int, max_running: int, page_size: int, max_batch_tokens: int
) -> int:
    """Pages of the KV cache that fit the budget, mask included; no more than all running requests could ever fill."""
    per_token = kv_bytes_per_token + MASK_BYTES * max_batch_tokens
    most = (context + page_size) * max_running
    return min(budget // per_token, most) // page_size + 1
