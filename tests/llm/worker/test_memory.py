"""How much KV cache a CPU worker takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm.worker.memory import CPU_CACHE_BYTES, LEAST_STEP, MASK_BYTES, Sizes, cache_blocks, cache_budget

MIB = 2**20


def test_the_owner_decides_as_far_as_there_is_memory() -> None:
    assert cache_budget(free_bytes=400 * MIB, cache_mib=300) == 300 * MIB
    assert cache_budget(free_bytes=200 * MIB, cache_mib=300) == 180 * MIB


def test_a_lack_of_memory_leads_to_a_floor_and_no_further() -> None:
    steps, now = [], Sizes(512, 4096).smaller(4096)
    while now is not None:
        steps.append((now.step_tokens, now.cache_tokens))
        now = now.smaller(4096)
    assert steps == [(256, 3072), (128, 2304), (64, 1728), (64, 1296), (64, 1024)]
    assert Sizes(LEAST_STEP // 2, None).smaller(0) is None
    assert Sizes(200, None).smaller(0) == Sizes(100, None)


def test_otherwise_it_is_modest() -> None:
    assert cache_budget(free_bytes=2**40, cache_mib=None) == CPU_CACHE_BYTES
    assert cache_budget(free_bytes=400 * MIB, cache_mib=None) == 100 * MIB


def test_a_small_model_takes_no_more_than_it_can_use() -> None:
    assert cache_blocks(CPU_CACHE_BYTES, 1, context=512, max_running=4, page_size=32, max_batch_tokens=64) == 4 * 17 + 1


@given(
    st.integers(MIB, 2**30), st.integers(64, 2**18), st.sampled_from([16, 32, 256]), st.sampled_from([64, 512, 4096])
)
def test_cache_and_mask_fit_the_budget(budget: int, kv_bytes: int, page: int, batch: int) -> None:
    blocks = cache_blocks(budget, kv_bytes, context=4096, max_running=32, page_size=page, max_batch_tokens=batch)
    assert (blocks - 1) * page * (kv_bytes + MASK_BYTES * batch) <= budget
