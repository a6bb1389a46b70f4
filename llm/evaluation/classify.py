"""`steward eval classify [--model NAME …]`: does a model sort texts into labels that it was never trained on?

Macro-F1 (scikit-learn) on the project's own messages, of eight sorts, and on Topical-Chat, whose turns carry one of
eight emotions; nothing is trained on either. Models for zero-shot classification answer as the worker serves them; an
encoder of vectors is measured as what stands in for one, the label that is nearest in meaning. A model that cannot be
had here is said to be missing. The scorer is checked on a known answer first. Ends in one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sklearn.metrics import accuracy_score, f1_score

from llm.evaluation.classify_cases import CASES
from llm.evaluation.sentiment import TOPICAL_CHAT, Marked
from llm.evaluation.served import served
from llm.tasks.classify import best, hypotheses, nearest
from llm.worker.classifiers import EmbeddingModel, ZeroShotModel
from llm.worker.errors import LoadError

MODELS = ("embedded/embeddings", "MoritzLaurer/deberta-v3-base-zeroshot-v2.0")
EMOTIONS = {
    "Happy": "happiness",
    "Angry": "anger",
    "Disgusted": "disgust",
    "Fearful": "fear",
    "Sad": "sadness",
    "Surprised": "surprise",
    "Neutral": "nothing in particular",
    "Curious to dive deeper": "curiosity",
}
"""Topical-Chat's emotions as labels that a model can read."""
TEXTS_AT_ONCE = 64


def evaluate(
    model: Annotated[list[str] | None, typer.Option(help="Built-in name, folder or hub id; may be repeated.")] = None,
    data: Annotated[Path, typer.Option(envvar="STEWARD_DATA", help="Folder with instruct/topical_chat.")] = Path(
        "../shared/data"
    ),
    texts: Annotated[int, typer.Option(help="Turns of Topical-Chat, the first ones; 0: all.")] = 1000,
) -> None:
    """Measure models that sort texts into any labels, on the sets that are there."""
    check_scorer()
    start = time.monotonic()
    sets = {"own": own()}
    if (data / TOPICAL_CHAT).is_file():
        sets["topical_chat"] = topical_chat(data / TOPICAL_CHAT)[: texts or None]
    results: dict[str, Any] = {}
    for name in model or MODELS:
        try:
            said = asyncio.run(_answers(name, sets))
        except LoadError as error:
            _print(f"{name}: not measured, {error}")
            results[name] = None
            continue
        results[name] = {}
        for of, marked in sets.items():
            figures = score([label for _, label in marked], said[of])
            _print(f"{name}  {of:14} " + "  ".join(f"{what} {figure:.3f}" for what, figure in figures.items()))
            results[name][of] = {what: round(figure, 4) for what, figure in figures.items()} | {"texts": len(marked)}
    _print(json.dumps({"eval": "classify", "models": results, "seconds": round(time.monotonic() - start, 1)}))


def own() -> Marked:
    """The project's messages."""
    return [(text, label) for label, texts in CASES.items() for text in texts]


def topical_chat(path: Path) -> Marked:
    """All turns with their emotion, in the file's order."""
    talks = json.loads(path.read_text(encoding="utf-8"))
    turns = (turn for talk in talks.values() for turn in talk["content"])
    return [(turn["message"], EMOTIONS[turn["sentiment"]]) for turn in turns if turn["sentiment"] in EMOTIONS]


def score(gold: Sequence[str], said: Sequence[str]) -> dict[str, float]:
    """Macro-F1 over the labels that occur, and the share that is right; and both of always saying the commonest."""
    labels = sorted(set(gold))
    usual = [max(labels, key=list(gold).count)] * len(gold)

    def macro(answers: Sequence[str]) -> float:
        return float(f1_score(gold, answers, labels=labels, average="macro", zero_division=0))

    return {
        "macro_f1": macro(said),
        "accuracy": float(accuracy_score(gold, said)),
        "macro_f1_of_the_commonest": macro(usual),
        "accuracy_of_the_commonest": float(accuracy_score(gold, usual)),
    }


def check_scorer() -> None:
    """Two of four right, one of three labels never said. Raises SystemExit where the library counts otherwise."""
    figures = score(["a", "a", "b", "c"], ["a", "b", "b", "a"])
    if abs(figures["macro_f1"] - (0.5 + 2 / 3 + 0) / 3) > 1e-9 or figures["accuracy"] != 0.5:
        raise SystemExit(f"the scorer does not score a known answer as it should: {figures}")


async def _answers(name: str, sets: dict[str, Marked]) -> dict[str, list[str]]:
    is_encoder = name == "embedded/embeddings"
    async with served("embeddings" if is_encoder else "zero_shot", name) as loaded:
        found: dict[str, list[str]] = {}
        for of, marked in sets.items():
            labels = sorted({label for _, label in marked})
            answers: list[str] = []
            for at in range(0, len(marked), TEXTS_AT_ONCE):
                answers += await _sorted(loaded, [text for text, _ in marked[at : at + TEXTS_AT_ONCE]], labels)
            found[of] = answers
    return found


async def _sorted(model: object, texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    if isinstance(model, EmbeddingModel):
        rows, _ = await model.embed([*texts, *hypotheses(labels)])
        labelled = nearest(rows[: len(texts)], rows[len(texts) :], labels)
    elif isinstance(model, ZeroShotModel):
        labelled = [best(scores) for scores in await model.scores(texts, labels)]
    else:
        raise LoadError("it sorts into no labels")
    return [one.label or "" for one in labelled]


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    typer.run(evaluate)
