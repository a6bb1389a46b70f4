"""`steward eval sentiment [--model NAME]`: does a model tell good, bad and neither apart?

Macro-F1 (scikit-learn) on the project's own messages, none of which is trained on, and on Topical-Chat, whose turns
carry one of eight emotions: Happy is positive, Angry, Disgusted, Fearful and Sad are negative, Neutral and "Curious to
dive deeper" neutral; Surprised may be any and is left out. What the model's labels mean is told as /sentiment tells it.
Ends in one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sklearn.metrics import accuracy_score, f1_score

from llm.errors import NotServed
from llm.evaluation.sentiment_cases import CASES
from llm.evaluation.served import served
from llm.tasks.sentiment import judged
from llm.worker.classifiers import LabelModel
from llm.worker.errors import LoadError

LABELS = ("negative", "neutral", "positive")
EMOTIONS = {
    "Happy": "positive",
    "Angry": "negative",
    "Disgusted": "negative",
    "Fearful": "negative",
    "Sad": "negative",
    "Neutral": "neutral",
    "Curious to dive deeper": "neutral",
}
TOPICAL_CHAT = Path("instruct", "topical_chat", "valid_freq.json")
TEXTS_AT_ONCE = 128

Marked = list[tuple[str, str]]  # text, label


def evaluate(
    model: Annotated[str, typer.Option(help="Built-in name, folder or hub id of a model.")] = "embedded/sentiment",
    data: Annotated[Path, typer.Option(envvar="STEWARD_DATA", help="Folder with instruct/topical_chat.")] = Path(
        "../shared/data"
    ),
    texts: Annotated[int, typer.Option(help="Turns of Topical-Chat, the first ones; 0: all.")] = 2000,
) -> None:
    """Measure a model for moods on the sets that are there."""
    start = time.monotonic()
    sets = {"own": own()}
    if (data / TOPICAL_CHAT).is_file():
        sets["topical_chat"] = topical_chat(data / TOPICAL_CHAT)[: texts or None]
    try:
        said = asyncio.run(_answers(model, sets))
    except LoadError as error:
        raise SystemExit(str(error)) from error
    result: dict[str, Any] = {"eval": "sentiment", "model": model}
    for name, marked in sets.items():
        figures = score([label for _, label in marked], said[name])
        _print(f"{name:14} " + "  ".join(f"{what} {figure:.3f}" for what, figure in figures.items()))
        _print(f"{'':14} {dict(Counter(label for _, label in marked))}")
        result[name] = {what: round(figure, 4) for what, figure in figures.items()} | {"texts": len(marked)}
    _print(json.dumps(result | {"seconds": round(time.monotonic() - start, 1)}))


def own() -> Marked:
    """The project's messages."""
    return [(text, label) for label, texts in CASES.items() for text in texts]


def topical_chat(path: Path) -> Marked:
    """The turns whose emotion says whether it is good or bad, in the file's order."""
    talks = json.loads(path.read_text(encoding="utf-8"))
    turns = (turn for talk in talks.values() for turn in talk["content"])
    return [(turn["message"], EMOTIONS[turn["sentiment"]]) for turn in turns if turn["sentiment"] in EMOTIONS]


def score(gold: Sequence[str], said: Sequence[str]) -> dict[str, float]:
    """Macro-F1 over the three labels, each label's F1, and the share that is right."""
    each = f1_score(gold, said, labels=LABELS, average=None, zero_division=0)
    figures = {"macro_f1": float(sum(each) / len(LABELS)), "accuracy": float(accuracy_score(gold, said))}
    return figures | {label: float(figure) for label, figure in zip(LABELS, each, strict=True)}


def told(scores: dict[str, float]) -> str:
    """The likeliest of the three, as /sentiment tells it; a model with other labels is refused (LoadError)."""
    try:
        return judged(scores).mood
    except NotServed as error:
        raise LoadError(str(error)) from error


async def _answers(model: str, sets: dict[str, Marked]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in sets}
    async with served("classify", model) as loaded:
        if not isinstance(loaded, LabelModel):
            raise LoadError(f"{model} has no labels of its own")
        for name, marked in sets.items():
            for at in range(0, len(marked), TEXTS_AT_ONCE):
                scored = await loaded.scores([text for text, _ in marked[at : at + TEXTS_AT_ONCE]])
                found[name] += map(told, scored)
    return found


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    typer.run(evaluate)
