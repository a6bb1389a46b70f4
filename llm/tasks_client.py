"""The bot's way to the task models of a worker: entities, labels, vectors, moderation, translation, decisions.

Speaks to our own worker's task routes over the official library; several texts are one request. It knows no Discord,
and which model answers is the worker's owner's choice. Like `client` it never retries.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from openai import NotFoundError, OpenAIError
from pydantic import BaseModel, TypeAdapter, ValidationError

from llm.config import LLMSettings
from llm.connection import connect
from llm.errors import EngineTimeout, NotServed, SettingsRefused
from llm.failures import NOT_OPENAI, translate

TEXTS_PER_REQUEST = 256  # more go in several requests, so that none is refused for its size

Shape = TypeVar("Shape", bound=BaseModel)
Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class FoundEntity:
    """A name in a text: `text[start:end]` of the original, counted in Unicode code points."""

    start: int
    end: int
    type: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Moderation:
    """What a moderation model says of one text: a score for each of its categories, and whether any is high."""

    flagged: bool
    scores: Scores


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A translation or summary; `truncated` says that the model could not read the source to its end."""

    text: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class Vectors:
    """Of some texts: [texts, width] of unit length, by which model; vectors of different models do not compare."""

    model: str
    rows: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KnownLanguages:
    """The codes of the encoder-decoder model; none where it knows of no languages. `must_be_told`: also the source."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    must_be_told: bool = False


class _Listed(BaseModel):
    languages: KnownLanguages | None = None


class _Entities(BaseModel):
    entities: list[FoundEntity]


class _Scored(BaseModel):
    scores: Scores


class _Moderated(BaseModel):
    flagged: bool
    category_scores: Scores


class _Written(BaseModel):
    text: str
    truncated: bool


class _Embedded(BaseModel):
    embedding: str


class _Answer(BaseModel):
    probabilities: Scores


class TasksClient:
    """The task routes at one address. Use it with `async with`. Every method raises the errors of llm.errors:
    NotServed where the owner has named no model for the task, EngineBusy when too much waits, and so on."""

    def __init__(self, settings: LLMSettings, base_url: str, token: str | None = None) -> None:
        """`base_url` is `[llm] tasks_url` or what stands in for it; `token` is the worker's, if it wants one."""
        self._timeout_s = settings.first_token_timeout_s
        self._openai = connect(base_url, token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._openai.close()

    async def entities(self, texts: Sequence[str]) -> list[list[FoundEntity]]:
        """The names in each text, in their order."""
        return [found.entities for found in await self._each("/entities", texts, _Entities)]

    async def classify(self, texts: Sequence[str], labels: Sequence[str] | None = None) -> list[Scores]:
        """A probability for each label: of the worker's own model, or of the `labels` given (zero-shot)."""
        fields = {} if labels is None else {"labels": list(labels)}
        return [scored.scores for scored in await self._each("/classify", texts, _Scored, fields)]

    async def seq2seq(
        self,
        texts: Sequence[str],
        *,
        source_language: str | None = None,
        target_language: str | None = None,
        max_tokens: int | None = None,
        min_tokens: int | None = None,
        num_beams: int | None = None,
    ) -> list[Rewritten]:
        """What the encoder-decoder model writes for each text; languages by the codes of that model."""
        asked = {
            "source_language": source_language,
            "target_language": target_language,
            "max_tokens": max_tokens,
            "min_tokens": min_tokens,
            "num_beams": num_beams,
        }
        fields = {name: value for name, value in asked.items() if value is not None}
        return [Rewritten(one.text, one.truncated) for one in await self._each("/seq2seq", texts, _Written, fields)]

    async def languages(self) -> KnownLanguages | None:
        """What the encoder-decoder model can be asked for; None where there is none."""
        answer = await self._answer(self._openai.get("/models", cast_to=object))
        listed = _read(list[_Listed], answer.get("data"))
        return next((one.languages for one in listed if one.languages is not None), None)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector of each text; an empty text is refused."""
        model, found = "", []
        async for answer, entries in self._answers("/embeddings", texts, _Embedded, {"encoding_format": "base64"}):
            model = str(answer.get("model", ""))
            found += entries
        vectors = [np.frombuffer(base64.b64decode(one.embedding), dtype="<f4") for one in found]
        rows = np.stack(vectors).astype(np.float32) if vectors else np.zeros((0, 0), dtype=np.float32)
        return Vectors(model, rows)

    async def moderate(self, texts: Sequence[str]) -> list[Moderation]:
        """Scores of the moderation model's categories."""
        found = await self._each("/moderations", texts, _Moderated)
        return [Moderation(one.flagged, one.category_scores) for one in found]

    async def decide(self, state: object, questions: Mapping[str, Mapping[str, object]]) -> dict[str, Scores]:
        """Probabilities of the options of each typed question about a state, by the chat model; state is JSON."""
        answer = await self._post(
            "/decide", {"state": state, "questions": {name: dict(q) for name, q in questions.items()}}
        )
        answers = _read(dict[str, _Answer], answer.get("answers"))
        return {name: one.probabilities for name, one in answers.items()}

    async def _each(
        self, route: str, texts: Sequence[str], shape: type[Shape], fields: Mapping[str, object] | None = None
    ) -> list[Shape]:
        """One entry per text, in order."""
        return [entry async for _, part in self._answers(route, texts, shape, fields) for entry in part]

    async def _answers(
        self, route: str, texts: Sequence[str], shape: type[Shape], fields: Mapping[str, object] | None = None
    ) -> AsyncIterator[tuple[Mapping[str, Any], list[Shape]]]:
        """What is answered for the texts, one request after the other, with one entry per text."""
        for first in range(0, len(texts), TEXTS_PER_REQUEST):
            part = list(texts[first : first + TEXTS_PER_REQUEST])
            answer = await self._post(route, {"input": part, **(fields or {})})
            found = _read(list[shape], answer.get("data", answer.get("results")))  # type: ignore[valid-type]
            if len(found) != len(part):
                raise SettingsRefused(NOT_OPENAI)
            yield answer, found

    async def _post(self, route: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        return await self._answer(self._openai.post(route, cast_to=object, body=body))

    async def _answer(self, request: Awaitable[object]) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await request
        except TimeoutError as error:
            raise EngineTimeout(f"the task model did not answer within {self._timeout_s:g} s") from error
        except NotFoundError as error:  # our worker has no such model, another engine not even such a route
            raise NotServed(str(translate(error))) from error
        except OpenAIError as error:
            raise translate(error) from error
        if not isinstance(answer, Mapping):
            raise SettingsRefused(NOT_OPENAI)
        return answer


def _read(shape: Any, value: object) -> Any:  # noqa: ANN401 - whatever shape says
    """The value in that shape. Raises SettingsRefused when another kind of server has answered."""
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as error:
        raise SettingsRefused(NOT_OPENAI) from error
