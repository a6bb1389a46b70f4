"""Encoded texts → padded batches of like length. Knows no labels' meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

IGNORED = -100  # a place without a label
POOL = 40  # batches among which texts are sorted by length


@dataclass(frozen=True, slots=True)
class Example:
    """One text: token ids, the classes of letter case, a label for each token (or one for the text), its source."""

    ids: Sequence[int]
    types: Sequence[int]
    labels: Sequence[int]
    source: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """[texts, tokens] each; `labels` is [texts, labels] and `source` [texts]."""

    ids: Tensor
    types: Tensor
    mask: Tensor
    labels: Tensor
    source: Tensor


def batches(examples: Sequence[Example], size: int, draw: Random) -> Iterator[Batch]:
    """Every example once, in a random order of batches."""
    mixed = draw.sample(examples, len(examples))
    made: list[list[Example]] = []
    for at in range(0, len(mixed), size * POOL):
        pool = sorted(mixed[at : at + size * POOL], key=lambda example: len(example.ids))
        made += [pool[first : first + size] for first in range(0, len(pool), size)]
    draw.shuffle(made)
    for examples_of_batch in made:
        yield padded(examples_of_batch)


def padded(examples: Sequence[Example]) -> Batch:
    """One batch, as wide as its longest text."""
    ids = _filled([example.ids for example in examples], 0)
    return Batch(
        ids=ids,
        types=_filled([example.types for example in examples], 0),
        mask=_filled([[1] * len(example.ids) for example in examples], 0),
        labels=_filled([example.labels for example in examples], IGNORED),
        source=torch.tensor([example.source for example in examples]),
    )


def _filled(rows: Sequence[Sequence[int]], padding: int) -> Tensor:
    filled = torch.full((len(rows), max(map(len, rows))), padding, dtype=torch.long)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = torch.tensor(row, dtype=torch.long)
    return filled
