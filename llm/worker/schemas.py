"""The shapes of requests, and what may stand in them. It knows no model: limits that depend on one are checked later.

Whatever OpenAI's API has and this engine has not is declared here with the only values that mean "not used", so that
a request either gets what it asks for or a 400 that names the field.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from llm.types import Priority

UNSUPPORTED = "unsupported_value"
MOST_TEXTS = 256
"""Texts whose tokens are counted by one request."""


def only(*allowed: object) -> AfterValidator:
    """A field of OpenAI's API that this engine does not have: nothing but its default is accepted."""

    def check(value: object) -> object:
        if not any(value is item or (type(value) is not bool and value == item) for item in allowed):
            raise PydanticCustomError(UNSUPPORTED, "this engine does not support it; leave the field out")
        return value

    return AfterValidator(check)


def inconsistent(param: str, message: str) -> PydanticCustomError:
    """Fields that contradict each other; `param` is the one to name."""
    return PydanticCustomError("inconsistent", "{message}", {"message": message, "param": param})


def _join_text_parts(content: object) -> object:
    """OpenAI's list form of a content, when all its parts are text; anything else is left for validation to name."""
    if not isinstance(content, list) or not content:
        return content
    texts: list[str] = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise PydanticCustomError(UNSUPPORTED, "this engine reads text only; other parts are not supported")
        texts.append(part["text"])
    return "".join(texts)


TemplateSwitches = dict[str, bool | int | FiniteFloat | str]
"""Variables of the chat template, such as {"enable_thinking": false}, as vLLM names them."""

StopText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Content = Annotated[str, BeforeValidator(_join_text_parts)]


class Body(BaseModel):
    """Unknown fields are refused; numbers are numbers, not strings that look like them."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Message(Body):
    """One message; a speaker's name belongs into the content, because templates do not render names."""

    role: Literal["system", "user", "assistant"]
    content: Content
    name: Annotated[Any, only(None)] = None
    refusal: Annotated[Any, only(None)] = None
    reasoning_content: str | None = None  # what a client sends back of an earlier answer; it enters no prompt
    reasoning: str | None = None  # the same, as vLLM names it today
    tool_calls: Annotated[Any, only(None, [])] = None
    audio: Annotated[Any, only(None)] = None
    function_call: Annotated[Any, only(None)] = None

    def plain(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


class StreamOptions(Body):
    """What a streamed answer carries besides text."""

    include_usage: bool = False
    include_queue: bool = False


class Unsupported(Body):
    """Fields of OpenAI's (and vLLM's) API that need what this engine does not have."""

    n: Annotated[Any, only(None, 1)] = None
    best_of: Annotated[Any, only(None, 1)] = None
    seed: Annotated[Any, only(None)] = None
    logprobs: Annotated[Any, only(None, False)] = None
    top_logprobs: Annotated[Any, only(None, 0)] = None
    logit_bias: Annotated[Any, only(None, {})] = None
    response_format: Annotated[Any, only(None, {"type": "text"})] = None
    frequency_penalty: Annotated[Any, only(None, 0)] = None
    presence_penalty: Annotated[Any, only(None, 0)] = None
    repetition_penalty: Annotated[Any, only(None, 1)] = None
    min_p: Annotated[Any, only(None, 0)] = None
    tools: Annotated[Any, only(None, [])] = None
    tool_choice: Annotated[Any, only(None, "none")] = None
    parallel_tool_calls: Annotated[Any, only(None)] = None
    functions: Annotated[Any, only(None, [])] = None
    function_call: Annotated[Any, only(None, "none")] = None
    modalities: Annotated[Any, only(None, ["text"])] = None
    audio: Annotated[Any, only(None)] = None
    prediction: Annotated[Any, only(None)] = None
    reasoning_effort: Annotated[Any, only(None)] = None
    web_search_options: Annotated[Any, only(None)] = None
    store: Annotated[Any, only(None, False)] = None
    metadata: Annotated[Any, only(None, {})] = None
    service_tier: Annotated[Any, only(None, "auto", "default")] = None


class ChatRequest(Unsupported):
    """`POST /v1/chat/completions`. None leaves a choice to the model's own defaults."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    temperature: Annotated[FiniteFloat, Field(ge=0, le=2)] | None = None
    top_p: Annotated[FiniteFloat, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: StopText | Annotated[list[StopText], Field(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    chat_template_kwargs: TemplateSwitches | None = None
    priority: Priority | None = None
    user: Annotated[str, StringConstraints(max_length=200)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> ChatRequest:
        both = self.max_tokens is not None and self.max_completion_tokens is not None
        if both and self.max_tokens != self.max_completion_tokens:
            raise inconsistent("max_tokens", "max_tokens and max_completion_tokens differ; give one of them")
        if self.stream_options is not None and not self.stream:
            raise inconsistent("stream_options", "stream_options is only for requests with stream: true")
        return self

    @property
    def answer_limit(self) -> int | None:
        """The longest answer asked for, in tokens, under either of its names."""
        return self.max_completion_tokens if self.max_tokens is None else self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)


class TokenizeRequest(Body):
    """`POST /tokenize`: messages as the chat template renders them, or plain text, or several texts one by one."""

    model: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)] | None = None
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=MOST_TEXTS)] | None = None
    chat_template_kwargs: TemplateSwitches | None = None

    @model_validator(mode="after")
    def _one_of(self) -> TokenizeRequest:
        if (self.messages is None) == (self.prompt is None):
            raise inconsistent("messages", "give either messages or prompt")
        return self
