"""`steward eval translate [--model NAME | --url ADDRESS]`: how well something translates, and what it leaves alone.

chrF and BLEU (sacrebleu, which first has to give the published figures of its own example) over Tatoeba's sentences,
into English and out of it, beside those of not translating at all; then how many placeholders survive, of every kind,
in the project's own messages; and how many sentences' languages are told right. Everything goes the way of /translate.
Ends in one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from sacrebleu.metrics import BLEU, CHRF

from llm.client import LLMClient
from llm.config import LLMSettings
from llm.errors import LLMError
from llm.evaluation.served import served
from llm.evaluation.translate_cases import NAMES, Case, cases
from llm.tasks.languages import LANGUAGES, Detection, english_name
from llm.tasks.translate import Translated, Translation
from llm.tasks.translate_engines import CannotTranslate, ChatEngine, Engine, Seq2SeqEngine
from llm.tasks_client import KnownLanguages, Rewritten
from llm.worker.errors import LoadError
from llm.worker.seq2seq import Seq2SeqModel

TATOEBA = Path("translation", "tatoeba")
USUAL = "facebook/nllb-200-distilled-600M"
ENGLISH = "en"
_TOKENIZERS = {"zh": "zh", "ja": "char", "ko": "char"}
"""Of BLEU; languages that write no spaces are counted by characters, as their own tokenizers are not installed."""
_EXAMPLE = (
    ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."],
    [
        ["The dog bit the man.", "It was not unexpected.", "The man bit him first."],
        ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."],
    ],
)
_PUBLISHED = (48.53, 59.73)
"""BLEU and chrF of that example in sacrebleu's own documentation."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one direction: corpus BLEU and chrF, 0 to 100, and both for the sources as they are."""

    bleu: float
    chrf: float
    bleu_untouched: float
    chrf_untouched: float


def evaluate(
    model: Annotated[str, typer.Option(help="Folder or hub id of an encoder-decoder model.")] = USUAL,
    url: Annotated[str, typer.Option(help="Address of a chat engine, which translates instead of the model.")] = "",
    data: Annotated[Path, typer.Option(envvar="STEWARD_DATA", help="Folder with translation/tatoeba.")] = Path(
        "../shared/data"
    ),
    languages: Annotated[str, typer.Option(help="Codes such as de,fr; all of Tatoeba's without.")] = "",
    texts: Annotated[int, typer.Option(help="Sentences of each direction, the first ones.")] = 100,
    every: Annotated[int, typer.Option(help="Of the messages with placeholders every so many-th.")] = 1,
) -> None:
    """Measure what translates on the sets that are there."""
    start = time.monotonic()
    check_scorer()
    try:
        chosen = [one for one in LANGUAGES if not languages or one in languages.split(",")]
        sets = {one: tatoeba(data / TATOEBA, one, texts) for one in chosen}
        result = asyncio.run(_measured(model, url, sets, cases()[::every]))
    except (LoadError, LLMError) as error:
        raise SystemExit(str(error)) from error
    named = {"eval": "translate", "model": url or model, "texts": texts}
    _print(json.dumps(named | result | {"seconds": round(time.monotonic() - start, 1)}))


def check_scorer() -> None:
    """Raises SystemExit where sacrebleu does not give what it published, or does not know a perfect answer."""
    said, references = _EXAMPLE
    found = (BLEU().corpus_score(said, references).score, CHRF().corpus_score(said, references).score)
    if tuple(round(one, 2) for one in found) != _PUBLISHED:
        raise SystemExit(f"sacrebleu gives {found} for its own example, not {_PUBLISHED}: nothing is measured with it.")
    if score(said, ["?"] * 3, said, ENGLISH).chrf < 99.99:
        raise SystemExit("sacrebleu does not give a perfect answer 100: nothing is measured with it.")


def score(said: Sequence[str], sources: Sequence[str], references: Sequence[str], target: str) -> Figures:
    """One direction's figures."""
    bleu = BLEU(tokenize=_TOKENIZERS.get(target, "13a"))
    both = [bleu.corpus_score(list(texts), [list(references)]).score for texts in (said, sources)]
    chrf = [CHRF().corpus_score(list(texts), [list(references)]).score for texts in (said, sources)]
    return Figures(both[0], chrf[0], both[1], chrf[1])


def tatoeba(folder: Path, language: str, texts: int) -> tuple[list[str], list[str]]:
    """Sentences of a language and their English ones; none where the folder has none."""
    for name in LANGUAGES[language][1]:
        pair = folder / f"tatoeba.{name}-eng.{name}", folder / f"tatoeba.{name}-eng.eng"
        if all(path.is_file() for path in pair):
            theirs, english = (path.read_text(encoding="utf-8").splitlines()[:texts] for path in pair)
            return theirs, english
    return [], []


async def surviving(translation: Translation, messages: Sequence[Case]) -> dict[str, tuple[int, int]]:
    """Of each kind of placeholder, how many came through and how many there were."""
    there, kept = Counter[str](), Counter[str]()
    for language in dict.fromkeys(one[0] for one in messages):
        some = [(text, stays) for spoken, text, stays in messages if spoken == language]
        aim = ENGLISH if language != ENGLISH else "de"
        try:
            done = await translation.translate([text for text, _ in some], aim, source=language, names=NAMES)
        except CannotTranslate as error:
            _print(f"placeholders in {english_name(language)} are not measured: {error}")
            continue
        for one, (_, stays) in zip(done, some, strict=True):
            for kind, placeholders in stays.items():
                there[kind] += len(placeholders)
                kept[kind] += _survivors(one, placeholders)
    return {kind: (kept[kind], count) for kind, count in sorted(there.items())}


def _survivors(done: Translated, placeholders: Sequence[str]) -> int:
    """How many of them are in a translation as often as in the original, no less and no more."""
    return sum(done.text.count(one) == placeholders.count(one) for one in placeholders)


class Local:
    """An encoder-decoder model of this process, as the worker serves it."""

    def __init__(self, model: Seq2SeqModel) -> None:
        self._model = model

    async def languages(self) -> KnownLanguages | None:
        """Its codes."""
        known = self._model.writer.languages
        return KnownLanguages(known.sources, known.targets, known.style in ("forced", "start"))

    async def seq2seq(
        self, texts: Sequence[str], *, source_language: str | None = None, target_language: str | None = None
    ) -> list[Rewritten]:
        """An answer for each text."""
        written = await self._model.write(texts, source_language, target_language)
        return [Rewritten(one.text, one.truncated) for one in written]


@asynccontextmanager
async def _engine(model: str, url: str) -> AsyncIterator[Engine]:
    if url:
        async with LLMClient(LLMSettings(), url) as client:
            yield ChatEngine(client)
        return
    async with served("seq2seq", model) as loaded:
        if not isinstance(loaded, Seq2SeqModel):
            raise LoadError(f"{model} does not translate")
        yield Seq2SeqEngine(Local(loaded))


async def _measured(
    model: str, url: str, sets: dict[str, tuple[list[str], list[str]]], messages: Sequence[Case]
) -> dict[str, Any]:
    detection = Detection()
    told = await _told(detection, sets)
    async with _engine(model, url) as engine:
        translation = Translation([engine], detection)
        directions = {name: figures async for name, figures in _directions(translation, sets)}
        survived = await surviving(translation, messages)
    for kind, (kept, there) in survived.items():
        _print(f"placeholders: {kind:14} {kept:4} of {there:4}")
    kept, there = (sum(one[place] for one in survived.values()) for place in (0, 1))
    share = kept / there if there else 0.0
    _print(f"placeholders: {'all':14} {kept:4} of {there:4}   {share:.2%}")
    rounded = {name: {what: round(one, 2) for what, one in asdict(of).items()} for name, of in directions.items()}
    return {"directions": rounded, "placeholders": share, "placeholder_kinds": survived, "languages_told": told}


async def _directions(
    translation: Translation, sets: dict[str, tuple[list[str], list[str]]]
) -> AsyncIterator[tuple[str, Figures]]:
    """Each direction that the engine knows, printed as it is done."""
    for source, target, texts, references in _ways(sets):
        try:
            done = await translation.translate(texts, target, source=source)
        except CannotTranslate as error:
            _print(f"{source}-{target}: not measured: {error}")
            continue
        found = score([one.text for one in done], texts, references, target)
        _print(f"{source}-{target}:  BLEU {found.bleu:5.1f}  chrF {found.chrf:5.1f}   (untouched: BLEU "
               f"{found.bleu_untouched:.1f}, chrF {found.chrf_untouched:.1f}; {len(texts)} sentences)")  # fmt: skip
        yield f"{source}-{target}", found


def _ways(sets: dict[str, tuple[list[str], list[str]]]) -> Iterator[tuple[str, str, list[str], list[str]]]:
    for language, (theirs, english) in sets.items():
        if theirs and language != ENGLISH:
            yield language, ENGLISH, theirs, english
            yield ENGLISH, language, english, theirs


async def _told(detection: Detection, sets: dict[str, tuple[list[str], list[str]]]) -> dict[str, float]:
    """How many sentences' languages are told right; of those that are told surely, how many wrongly."""
    right = sure = wrong = count = 0
    for language, (theirs, _) in sets.items():
        for guess in await detection.of(theirs):
            is_right = guess is not None and guess.language == language
            is_sure = guess is not None and guess.is_sure
            count, right, sure, wrong = count + 1, right + is_right, sure + is_sure, wrong + (is_sure and not is_right)
    if not count:
        return {}
    told = {"right": right / count, "sure": sure / count, "wrong_of_sure": wrong / max(1, sure)}
    _print("languages: " + "  ".join(f"{what} {share:.2%}" for what, share in told.items()) + f"  ({count} sentences)")
    return {what: round(share, 4) for what, share in told.items()}


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    typer.run(evaluate)
