"""The estimate stays an upper one until it has learned better, and afterwards too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm.estimate import TokenEstimate

PROMPTS = st.lists(st.text(max_size=50).map(lambda text: {"role": "user", "content": text}), min_size=1, max_size=5)
PROMPT = [{"role": "user", "content": "Ada: " + "hello " * 50}]


@given(PROMPTS)
def test_at_first_a_token_per_byte_and_more_for_every_turn(prompt: list[dict[str, str]]) -> None:
    assert TokenEstimate().tokens(prompt) >= sum(len(turn["content"].encode()) + 1 for turn in prompt)


def test_it_learns_from_usage_and_keeps_a_margin() -> None:
    estimate = TokenEstimate()
    estimate.observe(PROMPT, 60)
    assert 60 < estimate.tokens(PROMPT) < 80


def test_the_densest_of_the_last_answers_counts() -> None:
    estimate = TokenEstimate()
    for tokens in (60, 120, 60):
        estimate.observe(PROMPT, tokens)
    assert estimate.tokens(PROMPT) > 120


def test_an_old_answer_is_forgotten() -> None:
    estimate = TokenEstimate()
    for tokens in (120, *[60] * 20):
        estimate.observe(PROMPT, tokens)
    assert estimate.tokens(PROMPT) < 80


def test_usage_without_figures_teaches_nothing() -> None:
    estimate = TokenEstimate()
    estimate.observe(PROMPT, 0)
    assert estimate.tokens(PROMPT) == TokenEstimate().tokens(PROMPT)


def test_it_never_exceeds_a_token_per_byte() -> None:
    estimate = TokenEstimate()
    estimate.observe(PROMPT, 10_000)
    assert estimate.tokens(PROMPT) == TokenEstimate().tokens(PROMPT)


def test_half_a_surrogate_pair_does_not_break_it() -> None:
    assert TokenEstimate().tokens([{"role": "user", "content": "\ud83d"}]) > 0
