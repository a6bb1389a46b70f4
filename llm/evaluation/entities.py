"""`steward eval entities [--model NAME]`: how many names a model finds, in exactly their place and of their type.

Span F1 (seqeval, strict) on wnut17's development part, its six types taken together into four, and on the test part of
the Broad Twitter Corpus, where MISC is not marked and does not count. The model answers as the worker serves it; places
are compared by character, so that half a word is no name found. Ends in one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from llm.evaluation.served import served
from llm.training.encoders.conll import BROAD_TWITTER, KINDS, OUTSIDE, WNUT17, Sentence, read, spans
from llm.worker.classifiers import EntityModel
from llm.worker.errors import LoadError

TEXTS_AT_ONCE = 128
SETS = {
    "wnut17 dev": (Path("ner", "wnut17", "emerging.dev.conll"), WNUT17, KINDS),
    "broad_twitter test": (Path("ner", "broad_twitter", "btc.test"), BROAD_TWITTER, ("PER", "ORG", "LOC")),
}

Span = tuple[int, int, str]  # first code point, the one after the last, type


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and their harmonic mean; `support` is how many names there are."""

    precision: float
    recall: float
    f1: float
    support: int


def evaluate(
    model: Annotated[str, typer.Option(help="Built-in name, folder or hub id of a model.")] = "embedded/entities",
    data: Annotated[Path, typer.Option(envvar="STEWARD_DATA", help="Folder with ner/.")] = Path("../shared/data"),
    texts: Annotated[int, typer.Option(help="Texts of each set; 0: all.")] = 0,
) -> None:
    """Measure a model for names on the sets that are there."""
    start = time.monotonic()
    try:
        found = asyncio.run(_measure(model, data, texts))
    except LoadError as error:
        raise SystemExit(str(error)) from error
    if not found:
        raise SystemExit(f"{data} has no folder ner: set STEWARD_DATA to where it is.")
    result: dict[str, Any] = {"eval": "entities", "model": model}
    for name, figures in found.items():
        for kind, of_kind in figures.items():
            _print(f"{name:20} {kind:6} {of_kind.f1:6.3f}  (precision {of_kind.precision:.3f}, "
                   f"recall {of_kind.recall:.3f}, {of_kind.support} names)")  # fmt: skip
        result[name] = {kind: round(of_kind.f1, 4) for kind, of_kind in figures.items()}
    _print(json.dumps(result | {"texts": texts, "seconds": round(time.monotonic() - start, 1)}))


def score(
    texts: Sequence[str], gold: Sequence[Collection[Span]], said: Sequence[Collection[Span]]
) -> dict[str, Figures]:
    """ "all" and each type; spans of one text must not overlap."""
    report = classification_report(
        [_tags(text, spans) for text, spans in zip(texts, gold, strict=True)],
        [_tags(text, spans) for text, spans in zip(texts, said, strict=True)],
        mode="strict",
        scheme=IOB2,
        output_dict=True,
        zero_division=0,
    )
    named = {"all": report["micro avg"]} | {kind: report[kind] for kind in KINDS if kind in report}
    return {
        kind: Figures(float(of["precision"]), float(of["recall"]), float(of["f1-score"]), int(of["support"]))
        for kind, of in named.items()
    }


def marked(sentence: Sentence) -> set[Span]:
    """The names of a sentence, as places in its text."""
    places = sentence.places()
    return {(places[first][0], places[last - 1][1], kind) for first, last, kind in spans(sentence.tags)}


async def _measure(model: str, data: Path, texts: int) -> dict[str, dict[str, Figures]]:
    found: dict[str, dict[str, Figures]] = {}
    async with served("entities", model) as loaded:
        if not isinstance(loaded, EntityModel):
            raise LoadError(f"{model} does not find names")
        for name, (path, renamed, kinds) in SETS.items():
            if (data / path).is_file():
                sentences = read(data / path, renamed)[: texts or None]
                said = await _said(loaded, [sentence.text for sentence in sentences], kinds)
                found[name] = score([one.text for one in sentences], [marked(one) for one in sentences], said)
    return found


async def _said(model: EntityModel, texts: Sequence[str], kinds: Collection[str]) -> list[set[Span]]:
    answers = []
    for at in range(0, len(texts), TEXTS_AT_ONCE):
        answers += await model.entities(texts[at : at + TEXTS_AT_ONCE])
    return [{(one.start, one.end, one.type) for one in found if one.type in kinds} for found in answers]


def _tags(text: str, found: Collection[Span]) -> list[str]:
    """One tag for each character; an empty text has one, since the scorer knows no empty ones."""
    tags = [OUTSIDE] * max(1, len(text))
    for start, end, kind in found:
        tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return tags


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    typer.run(evaluate)
