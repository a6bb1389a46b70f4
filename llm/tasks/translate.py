"""Texts → another language, with code, links, mentions, emoji and names as they were. Knows no discord.

Where an engine loses, doubles or invents something of that, the words between are translated one by one, which cannot
lose anything. Which language a text is in is found out first: what is in the wanted one already is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from llm.errors import LLMError
from llm.tasks.languages import Detection, Guess
from llm.tasks.placeholders import MARK, Protected, has_letters, invents, marks_of, protect
from llm.tasks.segments import segments, undressed
from llm.tasks.translate_engines import CannotTranslate, Engine, Job
from llm.tasks_client import FoundEntity, Rewritten
from llm.types import Priority, Usage

Progress = Callable[[int, int], None]
_NAMES_S = 5.0
"""How long names may take to be found: without them the translation is still good."""
_SURE_NAME = 0.9

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Translated:
    """A text in `target`. `source` is the language that it was in, None where nothing tells; `same`: it is in `target`
    already, so that `text` is the original; `truncated`: the engine did not read, or write, all of it; `unknown`: of
    several texts this one stays as it was, since the engine does not know its language."""

    text: str
    source: str | None
    target: str
    same: bool = False
    truncated: bool = False
    unknown: bool = False


class Names(Protocol):
    """Finds names in texts, as TasksClient does."""

    async def entities(self, texts: Sequence[str]) -> list[list[FoundEntity]]:
        """Those of each text. Raises llm.errors."""
        ...


@dataclass(slots=True)
class _Piece:
    """A part of a text: what stands around its words, and these in the other language, when they are there."""

    before: str
    words: str
    after: str
    written: str | None = None

    @property
    def text(self) -> str:
        return f"{self.before}{self.words if self.written is None else self.written}{self.after}"


@dataclass(slots=True)
class _Text:
    """One text under way."""

    protected: Protected
    guess: Guess | None
    pieces: list[_Piece] = field(default_factory=list)
    truncated: bool = False
    unknown: bool = False


class Translation:
    """Translates. `engines`: the first that can do it does; `names` finds people's names, if anything does."""

    def __init__(self, engines: Sequence[Engine], detection: Detection, names: Names | None = None) -> None:
        self._engines = engines
        self._detection = detection
        self._names = names

    async def translate(
        self,
        texts: Sequence[str],
        target: str,
        *,
        source: str | None = None,
        usual: str | None = None,
        user: str | None = None,
        priority: Priority = "command",
        model: str = "",
        names: Collection[str] = (),
        progress: Progress = lambda done, total: None,
        count: Callable[[Usage | None], None] = lambda usage: None,
    ) -> list[Translated]:
        """Each text in the language `target`; `source` spares finding it out, `usual` is taken where that is not sure,
        `names` are kept, `model` is the chat model, `count` gets the usage of each request. Without words in it, a text
        stays as it is.

        Raises CannotTranslate and other llm.errors; cancelling ends the requests."""
        if not texts:
            return []
        found = await self._read(texts, names, source, usual)
        todo = [one for one in found if one.protected.has_words and not _is_same(one, target)]
        job = Job(None, target, user, priority, model, count)
        await self._write_all(todo, job, progress, may_leave=len(todo) < len(found))
        return [_done(text, one, target) for text, one in zip(texts, found, strict=True)]

    async def require(self, source: str, target: str) -> None:
        """Raises CannotTranslate where nothing translates from one of these languages into the other, and other
        llm.errors where that cannot be told now."""
        await self._engine(Job(source, target, None, "command"))

    async def _read(
        self, texts: Sequence[str], names: Collection[str], source: str | None, usual: str | None
    ) -> list[_Text]:
        """What must not change is put aside, and the languages are found out."""
        people = await self._people(texts)
        protected = [protect(text, names, spans) for text, spans in zip(texts, people, strict=True)]
        if source is not None:
            return [_Text(one, Guess(source, True)) for one in protected]
        guesses = await self._detection.of([one.words for one in protected])
        if usual is not None:
            guesses = [guess if guess and guess.is_sure else Guess(usual, False) for guess in guesses]
        return [_Text(one, guess if one.has_words else None) for one, guess in zip(protected, guesses, strict=True)]

    async def _people(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Where people's names stand, as far as a model for that is there."""
        if self._names is not None:
            try:
                async with asyncio.timeout(_NAMES_S):
                    return [_spans(found) for found in await self._names.entities(texts)]
            except (LLMError, TimeoutError) as error:
                log.debug("names are not looked for before a translation", error=repr(error))
        return [[] for _ in texts]

    async def _write_all(self, texts: Sequence[_Text], job: Job, progress: Progress, *, may_leave: bool) -> None:
        """Language by language. What an engine does not know stays as it was, unless that is all that was asked."""
        known = [one.guess.language if one.guess else None for one in texts]
        failed: CannotTranslate | None = None
        for language in dict.fromkeys(known):
            some = [one for one, spoken in zip(texts, known, strict=True) if spoken == language]
            try:
                await self._write(some, replace(job, source=language), progress)
                may_leave = True
            except CannotTranslate as error:
                if error.why != "language" or error.language == job.target:
                    raise
                failed = error
                for one in some:
                    one.unknown = True
        if failed is not None and not may_leave:
            raise failed

    async def _write(self, texts: Sequence[_Text], job: Job, progress: Progress) -> None:
        """Texts of one language, by the first engine that can."""
        engine, longest = await self._engine(job)
        for text in texts:
            parts = segments(text.protected.text, longest, by_line=engine.by_line)
            text.pieces = [_Piece(*undressed(part)) for part in parts]
        asked = [(text, piece) for text in texts for piece in text.pieces if _has_words(piece.words)]
        done = 0

        def more(count: int) -> None:
            nonlocal done
            done += count
            progress(min(done, len(asked)), len(asked))

        progress(0, len(asked))
        answers = await engine.write([piece.words for _, piece in asked], job, more)
        broken: list[_Piece] = []
        for (text, piece), answer in zip(asked, answers, strict=True):
            text.truncated |= answer.truncated or not answer.text
            piece.written = answer.text if _is_whole(piece.words, answer.text) else None
            if piece.written is None:
                broken.append(piece)
        await _mend(engine, broken, job)

    async def _engine(self, job: Job) -> tuple[Engine, int]:
        """Raises what the last one said, where none can; that one does not know the language tells more."""
        why: LLMError = CannotTranslate("no model")
        for engine in self._engines:
            try:
                return engine, await engine.longest(job)
            except LLMError as error:
                is_telling = isinstance(why, CannotTranslate) and why.why == "language"
                why = why if is_telling and isinstance(error, CannotTranslate) else error
        raise why


async def _mend(engine: Engine, broken: Sequence[_Piece], job: Job) -> None:
    """Translate what stands between the marks, piece by piece; what then still comes back wrong stays as it was."""
    parts = [[_Piece(*undressed(part)) for part in _between(piece.words)] for piece in broken]
    asked = [part for some in parts for part in some if has_letters(part.words) and not MARK.search(part.words)]
    if not asked:
        return
    answers: Sequence[Rewritten] = await engine.write([part.words for part in asked], job, lambda count: None)
    for part, answer in zip(asked, answers, strict=True):
        is_clean = bool(answer.text) and not invents(answer.text)
        part.written = answer.text if is_clean else None
    for piece, some in zip(broken, parts, strict=True):
        piece.written = "".join(part.text for part in some)


def _between(words: str) -> Iterator[str]:
    """Marks and what is between them, in order; joined they are the words."""
    begin = 0
    for match in MARK.finditer(words):
        yield from filter(None, (words[begin : match.start()], match[0]))
        begin = match.end()
    yield from filter(None, (words[begin:],))


def _is_whole(words: str, written: str) -> bool:
    """Whether a translation has each mark of its original once, and nothing beside that looks like what is kept."""
    return bool(written) and marks_of(written) == marks_of(words) and not invents(MARK.sub(" ", written))


def _has_words(text: str) -> bool:
    return has_letters(MARK.sub(" ", text))


def _is_same(text: _Text, target: str) -> bool:
    return text.guess is not None and text.guess.is_sure and text.guess.language == target


def _spans(found: Sequence[FoundEntity]) -> list[tuple[int, int]]:
    return [
        (one.start, one.end)
        for one in found
        if one.type == "PER" and one.score >= _SURE_NAME and one.text[:1].isupper()
    ]


def _done(original: str, text: _Text, target: str) -> Translated:
    source = text.guess.language if text.guess else None
    if not text.pieces:
        return Translated(original, source, target, same=_is_same(text, target), unknown=text.unknown)
    written = text.protected.restored("".join(piece.text for piece in text.pieces))
    is_same = source in (target, None) and written.split() == original.split()
    return Translated(original if is_same else written, source, target, is_same, text.truncated)
