"""Conversations → tensors of like length: one round is drawn, tokenized and shuffled at a time, the same for a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from llm.training.chat.corpus import Parts, conversations
from llm.training.chat.tokenizer import CONTEXT, PAD, encode, mark


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids and what weighs in the loss; both (conversations, tokens), padded on the right."""

    ids: Tensor
    spoken: Tensor
    padding: Tensor


def round_of_batches(
    tokenizer: Tokenizer, seed: str, parts: Parts, tokens: int = 8192, has_notes: bool = False
) -> list[Batch]:
    """So many conversations of each kind in shuffled batches of about `tokens` tokens each."""
    rng = Random(f"{seed}/notes")
    encoded = [
        encode(tokenizer, talk, _some_of(rng) if has_notes else None)
        for number, (count, lengths) in enumerate(parts)
        for talk in conversations(f"{seed}/{number}" if number else seed, count, lengths)
    ]
    encoded = sorted(((ids[:CONTEXT], spoken[:CONTEXT]) for ids, spoken in encoded), key=lambda pair: len(pair[0]))
    batches = list(_grouped(encoded, tokens, mark(tokenizer, PAD)))
    Random(seed).shuffle(batches)
    return batches


def _some_of(rng: Random) -> Callable[[], bool]:
    """Whether notes stand before a message: before every one in half of the conversations, before some in the rest."""
    share = 1.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.0)
    return lambda: rng.random() < share


def _grouped(encoded: list[tuple[list[int], list[bool]]], tokens: int, pad: int) -> Iterator[Batch]:
    group: list[tuple[list[int], list[bool]]] = []
    for pair in encoded:
        if group and (len(group) + 1) * len(pair[0]) > tokens:
            yield _padded(group, pad)
            group = []
        group.append(pair)
    if group:
        yield _padded(group, pad)


def _padded(group: list[tuple[list[int], list[bool]]], pad: int) -> Batch:
    width = max(len(ids) for ids, _ in group)
    ids = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in group])
    spoken = torch.tensor([flags + [False] * (width - len(flags)) for _, flags in group])
    padding = torch.tensor([[False] * len(ids) + [True] * (width - len(ids)) for ids, _ in group])
    return Batch(ids, spoken, padding)
