"""`python -m llm.training.chat`: the whole recipe, from nothing to a folder that transformers loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from tokenizers import Tokenizer

from llm.training.chat.corpus import conversations
from llm.training.chat.export import export
from llm.training.chat.recipe import Recipe
from llm.training.chat.tokenizer import train_tokenizer
from llm.training.chat.training import Run

DEFAULTS = Recipe()
EMBEDDED = Path(__file__).resolve().parents[2] / "embedded" / "chat"


def train(
    output: Annotated[Path, typer.Option(help="Folder for the finished model.")] = EMBEDDED,
    state: Annotated[Path, typer.Option(help="Folder for checkpoints; a run goes on from there.")] = Path(".training"),
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = DEFAULTS.seed,
    rounds: Annotated[
        int, typer.Option(help="Rounds of conversations; fewer is a quicker, worse model.")
    ] = DEFAULTS.rounds,
    noted_from: Annotated[
        Path | None, typer.Option(help="Only the last rounds, those with notes, from this exported model.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 2,
    preview_every: Annotated[int, typer.Option(help="Rounds between usable previews in STATE/preview; 0: none.")] = 6,
) -> None:
    """Make the built-in chat model: corpus, tokenizer, training, export."""
    torch.set_num_threads(threads)
    state.mkdir(parents=True, exist_ok=True)
    known = noted_from / "tokenizer.json" if noted_from else state / "tokenizer.json"
    run = Run(Recipe(seed=seed, rounds=rounds), _tokenizer(known, seed))
    checkpoint = state / "checkpoint.pt"
    if checkpoint.exists():
        run.resume(checkpoint)
    elif noted_from:
        run.begin_notes(noted_from)
    while not run.is_over:
        run.advance()
        run.save(checkpoint)
        if preview_every and run.progress.rounds % preview_every == 0:
            export(run, state / "preview")
    export(run, output)
    print(f"The model is in {output}.")


def _tokenizer(path: Path, seed: int) -> Tokenizer:
    if path.exists():
        return Tokenizer.from_file(str(path))
    tokenizer = train_tokenizer(conversations(f"{seed}/tokenizer", 6000), DEFAULTS.vocabulary)
    tokenizer.save(str(path))
    return tokenizer


if __name__ == "__main__":
    typer.run(train)
