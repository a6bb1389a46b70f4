"""How much memory the KV cache takes, and how it shrinks when that was too much. Pure: it asks no machine.

On a GPU transformers sizes the cache itself: SHARE_OF_GPU of what `torch.cuda.mem_get_info()` calls free, less masks,
activations and inputs of a full step; the rest is the margin. On a CPU it is a modest share of what is free.
"""

from __future__ import annotations

from dataclasses import dataclass

CPU_CACHE_BYTES = 512 * 2**20  # a demonstration model must leave room for everything else on the machine
SHARE_OF_FREE = 0.25  # of the memory that is free, never more than this unless the owner says so
SHARE_FOR_OWNER = 0.9  # and not even the owner gets the last tenth of it: that is where the kernel begins to kill
SHARE_OF_GPU = 0.8  # of what is free beside the weights; the rest is for logits, fragments and the driver
MASK_BYTES = 4  # per pair of (token in a step, token in the cache): the dense attention mask of the sdpa path

LEAST_STEP = 64  # tokens; the smallest step that a lack of memory leads to
LEAST_SHARE = 0.25  # of its first size: the smallest KV cache that a lack of memory leads to


@dataclass(frozen=True, slots=True)
class Sizes:
    """What can be made smaller: tokens of one step, tokens of KV cache (None: what the GPU has room for)."""

    step_tokens: int
    cache_tokens: int | None

    def smaller(self, first_cache: int) -> Sizes | None:
        """After an out-of-memory error: half the step and three quarters of the cache.

        None at the floor: LEAST_STEP tokens, and LEAST_SHARE of the first cache, in tokens."""
        cache = self.cache_tokens
        if cache is not None:
            cache = min(cache, max(cache * 3 // 4, int(first_cache * LEAST_SHARE)))
        less = Sizes(min(self.step_tokens, max(LEAST_STEP, self.step_tokens // 2)), cache)
        return less if less != self else None


def cache_budget(free_bytes: int, cache_mib: int | None) -> int:
    """Bytes for the KV cache on a CPU: what the owner said, as far as it is there, else a modest share of it."""
    if cache_mib is not None:
        return min(cache_mib * 2**20, int(free_bytes * SHARE_FOR_OWNER))
    return int(min(CPU_CACHE_BYTES, free_bytes * SHARE_OF_FREE))


def cache_blocks(
    budget: int, kv_bytes_per_token: int, context: int, max_running: int, page_size: int, max_batch_tokens: int
) -> int:
    """Pages of the KV cache that fit the budget; no more than all running requests could ever fill.

    Beside the cache goes what `gathered.py` keeps a second time, or the mask where it does not apply."""
    per_token = kv_bytes_per_token + max(kv_bytes_per_token, MASK_BYTES * max_batch_tokens)
    most = (context + page_size) * max_running
    return min(budget // per_token, most) // page_size + 1
