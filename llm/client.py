"""What the bot uses: chat with any engine that speaks OpenAI's HTTP API, through the official library.

It knows our own worker by `owned_by` and only then uses what goes beyond OpenAI. It does not know Discord, storage,
or how to choose what fits; it never retries, since only the caller knows whether an answer is still wanted.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar, cast, get_args
from urllib.parse import urlsplit

from openai import APIStatusError, AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient, OpenAIError, Timeout, omit
from openai.types import Model
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from llm.config import LLMSettings
from llm.errors import EngineTimeout, EngineUnavailable, LLMError, RequestRefused, StreamBroken
from llm.estimate import TokenEstimate
from llm.failures import translate
from llm.prompt import prepare
from llm.stream import AnswerStream
from llm.types import (
    ChatEvent,
    ChatMessage,
    ChatReply,
    EngineHealth,
    HealthStatus,
    ModelInfo,
    Priority,
    Sampling,
    TokenCount,
)

_OWN_WORKER = "steward"
_CONNECT_TIMEOUT_S = 5.0
_SHORT_CALL_S = 10.0
"""For everything but chat: listing models, counting tokens, health."""

T = TypeVar("T")


@dataclass(slots=True)
class _Engine:
    """What is known about the engine until it fails: the chat model, and whether it counts tokens."""

    model: ModelInfo
    counts: bool = True

    @property
    def is_own(self) -> bool:
        return self.model.owned_by == _OWN_WORKER


class LLMClient:
    """One engine at one address. Use it with `async with`; safe for many conversations at once in one event loop."""

    def __init__(self, settings: LLMSettings, base_url: str, token: str | None = None) -> None:
        """`base_url` ends in /v1; `token` is the engine's bearer token, if it wants one."""
        self._settings = settings
        self._root = base_url.rstrip("/").removesuffix("/v1")
        self._openai = AsyncOpenAI(
            base_url=base_url,
            api_key=token or "none",
            max_retries=0,
            timeout=Timeout(None, connect=_CONNECT_TIMEOUT_S),
            # A proxy of the environment must not see what is meant for this machine.
            http_client=DefaultAsyncHttpxClient(trust_env=not _is_loopback(base_url)),
        )
        self._engine: _Engine | None = None
        self._estimate = TokenEstimate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._openai.close()

    async def stream_chat(
        self,
        messages: Sequence[ChatMessage],
        sampling: Sampling,
        *,
        priority: Priority = "interactive",
        user: str | None = None,
    ) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it comes: queue positions (own worker), text, one last event with finish reason and usage.

        Closing the generator, or cancelling its task, ends the HTTP request, and so the engine's work. `user` is
        "<guild_id>/<person_id>" and reaches our own worker only. Raises errors of llm.errors; text that had arrived
        before was yielded.
        """
        prompt = prepare(messages)
        try:
            engine = await self._known_engine()
            answer = await self._ask(engine, prompt, sampling, priority, user)
            async with aclosing(answer.events()) as events:
                async for event in events:
                    if event.usage is not None:
                        self._estimate.observe(prompt, event.usage.prompt_tokens)
                    yield event
        except LLMError as error:
            self._forget_after(error)
            raise

    async def chat(
        self,
        messages: Sequence[ChatMessage],
        sampling: Sampling,
        *,
        priority: Priority = "command",
        user: str | None = None,
    ) -> ChatReply:
        """The whole answer. Streamed underneath, so that deadlines and cancelling are the same. Raises llm.errors."""
        pieces: list[str] = []
        last = ChatEvent()
        async with aclosing(self.stream_chat(messages, sampling, priority=priority, user=user)) as events:
            async for last in events:
                pieces.append(last.text)
        return ChatReply("".join(pieces), last.finish_reason or "stop", last.usage)

    async def count_tokens(self, messages: Sequence[ChatMessage]) -> TokenCount:
        """Tokens of the rendered prompt: exact from the engine's /tokenize, else an upper estimate marked as such."""
        prompt = prepare(messages)
        try:
            engine = await self._known_engine()
            counted = await self._tokenize(engine, prompt) if engine.counts else None
        except LLMError as error:
            self._forget_after(error)
            raise
        if counted is not None:
            return counted
        engine.counts = False
        return TokenCount(self._estimate.tokens(prompt), engine.model.max_model_len, exact=False)

    async def model(self) -> ModelInfo:
        """The chat model served: the configured one, else the first of the list. Cached until the engine fails."""
        return (await self._known_engine()).model

    async def health(self) -> EngineHealth:
        """How the engine is, asked now. Never raises: an engine that cannot be asked is "unreachable"."""
        try:
            said = _own_health(await self._call(self._ask_health()))
            if said is not None:
                return said
            await self._call(self._openai.models.list())  # another engine: it is ready when it lists its models
        except LLMError as error:
            return EngineHealth("unreachable", str(error))
        return EngineHealth("ready")

    async def _ask_health(self) -> object:
        """Whatever /health says: our worker says why it is not ready in the body of a 503."""
        try:
            return await self._openai.get(f"{self._root}/health", cast_to=object)
        except APIStatusError as error:
            return error.body

    async def _known_engine(self) -> _Engine:
        if self._engine is None:
            page = await self._call(self._openai.models.list())
            self._engine = _Engine(_choose(page.data, self._settings))
        return self._engine

    def _forget_after(self, error: LLMError) -> None:
        """An engine that failed may come back as another one, with another model."""
        refused_model = isinstance(error, RequestRefused) and error.param == "model"
        if refused_model or isinstance(error, EngineUnavailable | StreamBroken):
            self._engine = None

    async def _ask(
        self, engine: _Engine, prompt: list[dict[str, str]], sampling: Sampling, priority: Priority, user: str | None
    ) -> AnswerStream:
        """Send the request; the deadline of the first token starts here."""
        patience = self._settings.first_token_timeout_s
        first_token_by = asyncio.get_running_loop().time() + patience
        try:
            async with asyncio.timeout_at(first_token_by):
                chunks: AsyncStream[ChatCompletionChunk] = await self._openai.chat.completions.create(
                    model=engine.model.id,
                    messages=cast(list[ChatCompletionMessageParam], prompt),
                    stream=True,
                    stream_options={"include_usage": True},
                    max_tokens=sampling.max_tokens,
                    temperature=omit if sampling.temperature is None else sampling.temperature,
                    top_p=omit if sampling.top_p is None else sampling.top_p,
                    stop=list(sampling.stop) or omit,
                    extra_body=_beyond_openai(sampling, priority, user) if engine.is_own else None,
                )
        except TimeoutError as error:
            raise EngineTimeout(f"the engine did not begin its answer within {patience:g} s") from error
        except OpenAIError as error:
            raise translate(error) from error
        return AnswerStream(chunks, first_token_by, self._settings.token_timeout_s)

    async def _tokenize(self, engine: _Engine, prompt: list[dict[str, str]]) -> TokenCount | None:
        """The engine's own count; None from another engine without such a route (or with one of another shape)."""
        try:
            answer = await self._call(
                self._openai.post(f"{self._root}/tokenize", cast_to=object, body={"messages": prompt})
            )
        except RequestRefused:
            if engine.is_own:
                raise
            return None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("count"), int):
            return None
        length = answer.get("max_model_len")
        return TokenCount(answer["count"], length if isinstance(length, int) else engine.model.max_model_len)

    async def _call(self, request: Awaitable[T]) -> T:
        """Await a short request under its deadline, with the library's errors translated."""
        try:
            async with asyncio.timeout(_SHORT_CALL_S):
                return await request
        except TimeoutError as error:
            raise EngineTimeout(f"the engine did not answer within {_SHORT_CALL_S:g} s") from error
        except OpenAIError as error:
            raise translate(error) from error


def _beyond_openai(sampling: Sampling, priority: Priority, user: str | None) -> dict[str, Any]:
    """Fields that only our own worker gets; `user` too, since a person's id is nobody else's business."""
    fields: dict[str, Any] = {
        "priority": priority,
        "stream_options": {"include_usage": True, "include_queue": True},
    }
    if sampling.top_k is not None:
        fields["top_k"] = sampling.top_k
    if user is not None:
        fields["user"] = user
    return fields


def _choose(models: Sequence[Model], settings: LLMSettings) -> ModelInfo:
    """The configured model, else the first one, which is the chat model by INTERFACES."""
    if not models:
        raise EngineUnavailable("the engine lists no model")
    wanted = next((model for model in models if settings.model in (None, model.id)), None)
    if wanted is not None:
        return _described(wanted, settings)
    if any(model.owned_by == _OWN_WORKER for model in models):
        served = ", ".join(model.id for model in models)
        raise RequestRefused(f"the engine serves {served}, not {settings.model}", param="model")
    return ModelInfo(str(settings.model), settings.context_tokens, "")  # hosted engines may serve more than they list


def _described(model: Model, settings: LLMSettings) -> ModelInfo:
    length = (model.model_extra or {}).get("max_model_len")
    known = length if isinstance(length, int) and length > 0 else settings.context_tokens
    return ModelInfo(model.id, known, getattr(model, "owned_by", None) or "")


def _own_health(answer: object) -> EngineHealth | None:
    """Our worker's health; None where the answer is not of its shape, so that the engine is another one."""
    if not isinstance(answer, Mapping) or answer.get("status") not in get_args(HealthStatus):
        return None
    progress = answer.get("progress")
    return EngineHealth(
        answer["status"],
        str(answer.get("reason") or ""),
        float(progress) if isinstance(progress, int | float) else None,
    )


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
