"""Tokens are drawn as often as transformers' own processors say: temperature, then top-k, then top-p."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState

from llm.worker import sampling
from llm.worker.sampling import Sampler, draw

WORDS = 600  # more than FEW, so that every way of drawing is taken
DRAWS = 20_000
RULES = [
    (1.0, 0, 1.0),
    (0.7, 50, 1.0),
    (1.3, 5, 0.5),
    (0.8, 0, 0.9),
    (1.0, 400, 0.95),
    (2.0, 0, 0.999),
    (1.0, 0, 0.0),
    (0.5, 1, 1.0),
]


def scores(seed: int = 3) -> torch.Tensor:
    """One row, from likely to hopeless."""
    return torch.randn(1, WORDS, generator=torch.Generator().manual_seed(seed)) * 2.5


def expected(row: torch.Tensor, temperature: float, top_k: int, top_p: float) -> torch.Tensor:
    warpers = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        warpers.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        warpers.append(TopPLogitsWarper(top_p))
    chances: torch.Tensor = warpers(torch.zeros(1, 1, dtype=torch.int64), row.clone()).softmax(-1)[0]
    return chances


def assert_drawn_as(counts: torch.Tensor, chances: torch.Tensor) -> None:
    """Chi-square with the rare words taken together; impossible words must not appear at all."""
    assert not counts[chances == 0].any()
    wanted = chances * counts.sum()
    often = wanted >= 20
    seen = torch.cat([counts[often], counts[~often].sum()[None]]).double()
    hoped = torch.cat([wanted[often], wanted[~often].sum()[None]]).double().clamp_min(1e-9)
    if hoped[-1] < 5:
        seen, hoped = seen[:-1], hoped[:-1]
    freedom = max(1, len(seen) - 1)
    statistic = float(((seen - hoped) ** 2 / hoped).sum())
    assert statistic < freedom + 5 * math.sqrt(2 * freedom)


def on_cpu(rows: torch.Tensor, temperature: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    return draw(rows, temperature, top_k, top_p)


def on_gpu(rows: torch.Tensor, temperature: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """The way without branches, which runs on any device."""
    return sampling._without_branches(rows, temperature, top_k, top_p).argmax(-1)


@pytest.mark.parametrize("way", [on_cpu, on_gpu])
@pytest.mark.parametrize("rule", RULES)
def test_tokens_are_drawn_as_often_as_they_should(
    rule: tuple[float, int, float], way: Callable[..., torch.Tensor]
) -> None:
    torch.manual_seed(11)
    temperature, top_k, top_p = (torch.tensor([value] * 2000) for value in rule)
    counts = torch.zeros(WORDS, dtype=torch.int64)
    for _ in range(DRAWS // 2000):
        counts += way(scores().expand(2000, -1), temperature.float(), top_k, top_p.float()).bincount(minlength=WORDS)
    assert_drawn_as(counts, expected(scores(), *rule))


def test_every_request_has_its_own_rules_and_greedy_ones_keep_their_scores() -> None:
    torch.manual_seed(5)
    asked = [*RULES, (0.0, 0, 1.0)]
    rows = torch.cat([scores(seed) for seed in range(len(asked))])
    counts = torch.zeros(len(asked), WORDS, dtype=torch.int64)
    arguments = stored(asked)
    for _ in range(2000):
        best = Sampler()(torch.zeros(len(asked)), rows.clone(), arguments).argmax(-1)
        counts[torch.arange(len(asked)), best] += 1
    for number, rule in enumerate(RULES):
        assert_drawn_as(counts[number], expected(rows[number : number + 1], *rule))
    assert counts[-1].argmax() == rows[-1].argmax() and counts[-1].max() == 2000


def test_greedy_takes_the_first_of_equals_as_generate_does() -> None:
    rows = torch.zeros(2, WORDS)
    rows[:, 7] = rows[:, 9] = 1.0
    assert Sampler()(torch.zeros(2), rows.clone(), stored([(0.0, 0, 1.0)] * 2)).argmax(-1).tolist() == [7, 7]
    assert on_gpu(rows, torch.zeros(2), torch.zeros(2, dtype=torch.int32), torch.ones(2)).tolist() == [7, 7]


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_model_does_not_end_the_loop(rule: tuple[float, int, float]) -> None:
    rows = torch.full((2, WORDS), float("nan"))
    drawn = on_cpu(rows, *(torch.tensor([value] * 2) for value in rule))
    assert drawn.shape == (2,) and drawn.min() >= 0 and drawn.max() < WORDS


def test_arguments_are_stored_as_the_manager_stores_them() -> None:
    """Rows of int32 beside each other; a request without a new token in this step has none."""
    storage = torch.zeros(3, 8, dtype=torch.int32)
    Sampler().fill_defaults(storage[:, :1])
    assert storage[:, 0].tolist() == [0, 0, 0x3F800000]
    states = [
        FutureRequestState(
            RequestState(name, [1], logit_processor_kwargs={"temperature": warmth, "top_k": 3, "top_p": 0.5}),
            has_new_token,
            {},
            1,
        )
        for name, warmth, has_new_token in (("a", 0.5, True), ("b", 9.0, False), ("c", 2.0, True))
    ]
    Sampler().prepare_tensor_args(states, storage)
    assert storage[0, :2].view(torch.float32).tolist() == [0.5, 2.0]
    assert storage[1, :2].tolist() == [3, 3]
    assert storage[2, :2].view(torch.float32).tolist() == [0.5, 0.5]


def test_wrong_arguments_are_told_before_they_reach_the_loop() -> None:
    Sampler().check_kwargs({"temperature": 0.5, "top_k": 3, "top_p": 1.0})
    with pytest.raises(TypeError):
        Sampler().check_kwargs({"temperature": 1})
    with pytest.raises(ValueError, match="min_p"):
        Sampler().check_kwargs({"min_p": 0.1})


def stored(asked: list[tuple[float, int, float]]) -> torch.Tensor:
    storage = torch.zeros(3, len(asked), dtype=torch.int32)
    states = [
        FutureRequestState(
            RequestState(
                str(number), [1], logit_processor_kwargs={"temperature": warmth, "top_k": top_k, "top_p": top_p}
            ),
            True,
            {},
            1,
        )
        for number, (warmth, top_k, top_p) in enumerate(asked)
    ]
    return Sampler().prepare_tensor_args(states, storage)
