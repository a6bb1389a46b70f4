"""`python -m llm.training.sentiment`: from the PyPI encoder and the project's sentences to adapter, head and config."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated

import torch
import typer
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, BertForSequenceClassification

from llm.training.encoders.adapted import adapt, base_folder, export, new_model
from llm.training.encoders.batches import Example, batches
from llm.training.encoders.loop import Loop, Rates
from llm.training.sentiment.corpus import LABELS, Corpus
from llm.worker.letter_case import letter_case

EMBEDDED = Path(__file__).resolve().parents[2] / "embedded" / "sentiment"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of."""

    seed: int = 2026
    epochs: int = 2
    of_each: int = 640  # messages of each label and epoch
    rank: int = 8
    dropout: float = 0.2
    batch: int = 16
    rates: Rates = field(default_factory=lambda: Rates(adapter=5e-4, head=5e-4, keep=0.99))


DEFAULTS = Recipe()


def train(
    output: Annotated[Path, typer.Option(help="Folder for adapter, head and config.")] = EMBEDDED,
    state: Annotated[Path, typer.Option(help="Folder for checkpoints; a run goes on from there.")] = Path(".training"),
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = DEFAULTS.seed,
    epochs: Annotated[int, typer.Option(help="Epochs; messages are drawn anew in each.")] = DEFAULTS.epochs,
    of_each: Annotated[int, typer.Option(help="Messages of each label and epoch.")] = DEFAULTS.of_each,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 2,
) -> None:
    """Make the built-in model for the mood of messages."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    recipe = Recipe(seed=seed, epochs=epochs, of_each=of_each)
    corpus, tokenizer = Corpus(seed), AutoTokenizer.from_pretrained(base_folder())
    model = new_model(BertForSequenceClassification, LABELS, recipe.dropout)
    adapted = adapt(model, recipe.rank, 0.0)
    loop = Loop(adapted, epochs * -(-of_each * len(LABELS) // recipe.batch), recipe.rates)
    checkpoint = state / "sentiment.pt"
    first = loop.resume(checkpoint)
    adapted.train()
    for number in range(first, epochs):
        examples = [_encoded(text, label, tokenizer) for text, label in corpus.epoch(number, of_each)]
        for batch in batches(examples, recipe.batch, Random(f"{seed}/order/{number}")):
            logits = model(input_ids=batch.ids, token_type_ids=batch.types, attention_mask=batch.mask).logits
            loop.step(cross_entropy(logits, batch.labels[:, 0], label_smoothing=0.05))
        loop.save(checkpoint, number + 1)
    loop.take_mean()
    export(adapted, output)
    print(f"The model is in {output} ({time.process_time():.0f} s of processor time).")


def _encoded(text: str, label: int, tokenizer: object) -> Example:
    encoded = tokenizer(text, return_offsets_mapping=True)  # type: ignore[operator]
    return Example(encoded["input_ids"], letter_case(text, encoded["offset_mapping"]), [label])


if __name__ == "__main__":
    typer.run(train)
