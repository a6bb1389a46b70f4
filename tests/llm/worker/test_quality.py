"""What quantization costs in quality: perplexity of the built-in model on a fixed text, against bfloat16.

int8 treats outliers differently in every batch, so tokens cannot be compared; perplexity can.
"""

from __future__ import annotations

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from llm.worker.footprint import Loaded
from llm.worker.loader import LoadedModel, load
from llm.worker.names import locate

CONVERSATION = [
    {"role": "user", "content": "hello!"},
    {"role": "assistant", "content": "Hello! What is on your mind?"},
    {"role": "user", "content": "i like green tea"},
    {"role": "assistant", "content": "Nice! I will remember that you like green tea."},
    {"role": "user", "content": "what do i like?"},
    {"role": "assistant", "content": "You like green tea."},
    {"role": "user", "content": "who are you?"},
    {"role": "assistant", "content": "I am Steward, an assistant that a community runs on its own machine."},
    {"role": "user", "content": "thank you"},
    {"role": "assistant", "content": "Any time!"},
]
TOLERANCE: dict[Loaded, float] = {"none": 0.005, "int8": 0.02, "nf4": 0.08}  # of the perplexity in bfloat16

Scored = list[tuple[list[int], list[int]]]
"""(prompt, answer) as token ids; the answer is scored."""


def perplexity(model: PreTrainedModel, scored: Scored) -> float:
    """Of the answers alone: the model learnt to answer, not to ask."""
    losses: list[torch.Tensor] = []
    for prompt, answer in scored:
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].float()
        losses.append(torch.nn.functional.cross_entropy(logits, torch.tensor(answer), reduction="none"))
    return math.exp(float(torch.cat(losses).mean()))


@pytest.fixture(scope="module")
def plain() -> LoadedModel:
    return load("embedded", "none", "cpu", lambda *_: None)


@pytest.fixture(scope="module")
def scored(plain: LoadedModel) -> Scored:
    answers = [place for place, message in enumerate(CONVERSATION) if message["role"] == "assistant"]
    return [
        (plain.template.prompt(CONVERSATION[:place]).tokens, plain.template.encode(CONVERSATION[place]["content"]))
        for place in answers
    ]


@pytest.fixture(scope="module")
def in_bfloat16(scored: Scored) -> float:
    return perplexity(AutoModelForCausalLM.from_pretrained(locate("embedded")[0], dtype=torch.bfloat16), scored)


@pytest.mark.parametrize("quantization", ["none", "int8", "nf4"])
def test_the_perplexity_stays(quantization: Loaded, plain: LoadedModel, scored: Scored, in_bfloat16: float) -> None:
    loaded = plain if quantization == "none" else load("embedded", quantization, "cpu", lambda *_: None)
    found = perplexity(loaded.model, scored)
    assert found == pytest.approx(in_bfloat16, rel=TOLERANCE[quantization])
    assert in_bfloat16 < 20  # the text is of the kind that the model knows; on noise nothing could be told apart
