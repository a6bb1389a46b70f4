"""Conversations → tensors of like length: one round is drawn, tokenized and shuffled at a time, the same for a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from llm.training.chat.corpus import Lengths, conversations
from llm.training.chat.tokenizer import CONTEXT, PAD, encode, mark


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids and what weighs in the loss; both (conversations, tokens), padded on the right."""

    ids: Tensor
    spoken: Tensor
    padding: Tensor


def round_of_batches(tokenizer: Tokenizer, seed: str, count: int, lengths: Lengths, tokens: int = 8192) -> list[Batch]:
    """`count` conversations in shuffled batches of about `tokens` tokens each."""
    encoded = [encode(tokenizer, talk) for talk in conversations(seed, count, lengths)]
    encoded = sorted(((ids[:CONTEXT], spoken[:CONTEXT]) for ids, spoken in encoded), key=lambda pair: len(pair[0]))
    batches = list(_grouped(encoded, tokens, mark(tokenizer, PAD)))
    Random(seed).shuffle(batches)
    return batches


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
