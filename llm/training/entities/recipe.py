"""The numbers of the recipe, and its loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from llm.training.encoders.batches import IGNORED
from llm.training.encoders.loop import Rates
from llm.training.entities.corpus import LABELS, WNUT

MISC = (LABELS.index("B-MISC"), LABELS.index("I-MISC"))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of."""

    seed: int = 2026
    epochs: int = 2
    rank: int = 32
    dropout: float = 0.1
    batch: int = 16
    empty_share: float = 0.15
    misc_weight: float = 0.3
    rates: Rates = field(default_factory=lambda: Rates(adapter=1.5e-3, head=3e-3, keep=0.99))


def loss_of(logits: Tensor, labels: Tensor, source: Tensor, misc_weight: float) -> Tensor:
    """Cross entropy over the labelled tokens. Where a source does not mark MISC, "outside" is right for a word that
    the model takes for MISC, too, at `misc_weight`: else tweets would teach that products are no names."""
    chances = logits.log_softmax(-1)
    right = chances.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    weighted = [chances[..., place] + math.log(misc_weight) for place in MISC]
    lenient = torch.stack([chances[..., 0], *weighted], -1).logsumexp(-1)
    right = torch.where((labels == 0) & (source != WNUT)[:, None], lenient, right)
    counted = labels != IGNORED
    return -(right * counted).sum() / counted.sum()
