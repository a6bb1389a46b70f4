"""The shapes of requests to the task routes, and what may stand in them. It knows no model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from llm.worker.schemas import UNSUPPORTED, Body, inconsistent, only

MOST_INPUTS = 2048  # texts in one request, as OpenAI's embeddings allow
MOST_LABELS = 100
MOST_BEAMS = 8
MOST_QUESTIONS = 32


def _as_list(value: object) -> object:
    """OpenAI's routes take one text or a list of them; token ids and parts of messages are refused by name."""
    items = [value] if isinstance(value, str) else value
    if isinstance(items, list) and any(not isinstance(item, str) for item in items):
        raise PydanticCustomError(UNSUPPORTED, "this engine reads texts only, not token ids or other parts")
    return items


def _whole_characters(text: str) -> str:
    """JSON can carry half of a character (a lone surrogate), which no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("not_text", "half of a character stands in it, which is no text") from None
    return text


Text = Annotated[str, AfterValidator(_whole_characters)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MOST_INPUTS), BeforeValidator(_as_list)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_whole_characters)]


class TaskRequest(Body):
    """What the task routes share. `model` may be left out: then the one that the owner named for the task answers."""

    model: str | None = None
    input: Texts


class EntitiesRequest(TaskRequest):
    """`POST /v1/entities`."""


class ClassifyRequest(TaskRequest):
    """`POST /v1/classify`; with `labels` a zero-shot model chooses among them."""

    labels: Annotated[list[Label], Field(min_length=1, max_length=MOST_LABELS)] | None = None

    @model_validator(mode="after")
    def _distinct(self) -> ClassifyRequest:
        if self.labels is not None and len(set(self.labels)) != len(self.labels):
            raise inconsistent("labels", "each label may be given once")
        return self


class ModerationsRequest(TaskRequest):
    """`POST /v1/moderations`, as OpenAI's."""


class EmbeddingsRequest(TaskRequest):
    """`POST /v1/embeddings`, as OpenAI's; `user` asks for nothing and is not used."""

    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[Any, only(None)] = None
    user: Annotated[str, StringConstraints(max_length=200)] | None = None

    @model_validator(mode="after")
    def _something_to_read(self) -> EmbeddingsRequest:
        for place, text in enumerate(self.input):
            if not text.strip():
                raise inconsistent(f"input[{place}]", "an empty text has no meaning to embed")
        return self


class Question(Body):
    """One typed question, as transformers' decision pipeline knows them; `criteria` by its type."""

    type: Literal["choice", "score", "noul"]
    instructions: str | dict[str, Any] | list[Any] | None = None
    criteria: dict[str, Any] | list[Any] | None = None


class DecideRequest(Body):
    """`POST /v1/decide`: typed questions about a state, for the chat model."""

    model: str | None = None
    state: str | dict[str, Any] | list[Any]
    questions: Annotated[dict[Label, Question], Field(min_length=1, max_length=MOST_QUESTIONS)]


class Seq2SeqRequest(TaskRequest):
    """`POST /v1/seq2seq`; None leaves a choice to the model's own defaults."""

    source_language: Label | None = None
    target_language: Label | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    min_tokens: Annotated[int, Field(ge=0)] | None = None
    num_beams: Annotated[int, Field(ge=1, le=MOST_BEAMS)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Seq2SeqRequest:
        if self.max_tokens is not None and (self.min_tokens or 0) > self.max_tokens:
            raise inconsistent("min_tokens", "min_tokens is more than max_tokens")
        return self
