"""What the bot uses: chat with any engine that speaks OpenAI's HTTP API, through the official library.

It knows our own worker by `owned_by` and only then uses what goes beyond OpenAI. It does not know Discord, storage,
or how to choose what fits; it never retries, since only the caller knows whether an answer is still wanted: but for
a kept connection that turns out to be closed at the other end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import structlog
from openai import (
    APIStatusError,
    AsyncStream,
    OpenAIError,
)
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from llm.address import api_address
from llm.config import LLMSettings
from llm.connection import connect, on_a_fresh_connection_if_need_be
from llm.errors import EngineTimeout, EngineUnavailable, LLMError, RequestRefused, SettingsRefused, StreamBroken
from llm.estimate import TokenEstimate
from llm.failures import is_about_images, translate
from llm.known import KnownEngine
from llm.listing import Entry, chat_models, choose, models_of, most_used, own_health
from llm.prompt import illustrated, prepare
from llm.stream import AnswerStream
from llm.tokenizing import TEXTS_AT_ONCE, counts_in, portions
from llm.types import (
    ChatEvent,
    ChatMessage,
    ChatReply,
    EngineHealth,
    ModelInfo,
    Priority,
    Sampling,
    TokenCount,
)

_SHORT_CALL_S = 10.0
"""For everything but chat: listing models, counting tokens, health."""
_NO_LIST = frozenset({404, 405, 500, 501})
"""What engines without a (working) list of models answer; `transformers serve` without a hub cache: 500."""

T = TypeVar("T")
log = structlog.get_logger()


class LLMClient:
    """One engine at one address. Use it with `async with`; safe for many conversations at once in one event loop."""

    def __init__(self, settings: LLMSettings, base_url: str, token: str | None = None) -> None:
        """`base_url` is the API's address, of a mere server its /v1; `token` is the engine's key, if it wants one."""
        self._settings = settings
        self._root = api_address(base_url).removesuffix("/v1")
        self._openai = connect(base_url, token)
        self._engine: KnownEngine | None = None
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
        model: str = "",
    ) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it comes: queue positions (own worker), text, one last event with finish reason and usage.

        Closing the generator, or cancelling its task, ends the HTTP request, and so the engine's work. `user` is
        "<guild_id>/<person_id>" and reaches our own worker only. Raises errors of llm.errors; text that had arrived
        before was yielded. `model` names another one than the usual, where the engine serves several.
        """
        prompt = prepare(messages)
        has_images = any(message.images for message in messages)
        try:
            engine = await self._known_engine()
            served = engine.served(model)
            answer = await self._ask(engine, served, messages, sampling, priority, user)
            async with aclosing(answer.events()) as events:
                async for event in events:
                    if event.usage is not None and not has_images:
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
        model: str = "",
    ) -> ChatReply:
        """The whole answer. Streamed underneath, so that deadlines and cancelling are the same. Raises llm.errors."""
        pieces: list[str] = []
        thoughts: list[str] = []
        last = ChatEvent()
        async with aclosing(self.stream_chat(messages, sampling, priority=priority, user=user, model=model)) as events:
            async for last in events:
                if last.recalls:
                    thoughts, pieces = [*thoughts, *pieces], []
                thoughts.append(last.reasoning)
                pieces.append(last.text)
        return ChatReply("".join(pieces), last.finish_reason or "stop", last.usage, "".join(thoughts))

    async def count_tokens(self, messages: Sequence[ChatMessage], model: str = "") -> TokenCount:
        """Tokens of the rendered prompt: exact from the engine's /tokenize, else an upper estimate marked as such; that
        of images always is one."""
        prompt = prepare(messages)
        try:
            engine = await self._known_engine()
            served = engine.served(model)
            counted = await self._tokenize(engine, prompt, model) if engine.counts else None
        except LLMError as error:
            self._forget_after(error)
            raise
        images = 0 if served.sees is False else sum(image.tokens for each in messages for image in each.images)
        if counted is None:
            counted = TokenCount(self._estimate.tokens(prompt), served.max_model_len, exact=False)
        return replace(counted, count=counted.count + images, exact=counted.exact and not images)

    async def count_texts(self, texts: Sequence[str], model: str = "") -> list[int] | None:
        """Tokens of each text alone, without template; None from an engine that does not count. Raises llm.errors.

        Our own worker counts many texts by one request; others are asked for each."""
        try:
            engine = await self._known_engine()
            counted: list[int] = []
            for some in portions(texts, TEXTS_AT_ONCE if engine.is_own else 1):
                found = await self._tokenize_texts(engine, some, model) if engine.counts else None
                if found is None:
                    return None
                counted += found
        except LLMError as error:
            self._forget_after(error)
            raise
        return counted

    async def model(self, name: str = "") -> ModelInfo:
        """The chat model served: the configured one, else the first of the list. Cached until the engine fails.

        Another one by `name`, where the engine lists it; what is no longer served gives way to the usual one."""
        return (await self._known_engine()).served(name)

    async def chat_models(self) -> list[ModelInfo]:
        """The models that can answer, the usual one first, asked now. Raises llm.errors."""
        engine = await self._known_engine()
        listed = chat_models(await self._call(self._listed), self._settings)
        engine.others = {info.id: info for info in listed if info.id != engine.model.id}
        return [engine.model, *engine.others.values()]

    async def models(self) -> list[str]:
        """The names of all models that the engine lists, asked now. Raises llm.errors."""
        return [model["id"] for model in await self._call(self._listed)]

    async def health(self) -> EngineHealth:
        """How the engine is, asked now. Never raises: one that cannot be asked is "unreachable"; "refused" means that
        it is there and does not take our key or address."""
        try:
            said = own_health(await self._call(self._ask_health))
            if said is not None:
                return said
            await self._call(self._listed)  # another engine: it is ready when it lists its models
        except SettingsRefused as error:
            return EngineHealth("refused", str(error))
        except LLMError as error:
            return EngineHealth("unreachable", str(error))
        return EngineHealth("ready")

    async def _ask_health(self) -> object:
        """Whatever /health says: our worker says why it is not ready in the body of a 503."""
        try:
            return await self._openai.get(f"{self._root}/health", cast_to=object)
        except APIStatusError as error:
            return error.body

    async def _known_engine(self) -> KnownEngine:
        if self._engine is None:
            listed = await self._call(self._listed)
            usual = choose(listed, self._settings)
            others = {info.id: info for info in chat_models(listed, self._settings) if info.id != usual.id}
            self._engine = KnownEngine(usual, others)
        return self._engine

    async def _listed(self) -> list[Entry]:
        """The engine's models; none where it has no list and the settings name the model anyway."""
        try:
            answer = await self._openai.get("/models", cast_to=object)
        except APIStatusError as error:
            if self._settings.model is None or error.status_code not in _NO_LIST:
                raise
            return []
        return models_of(answer)

    def _forget_after(self, error: LLMError) -> None:
        """An engine that failed may come back as another one, with another model."""
        if isinstance(error, SettingsRefused | EngineUnavailable | StreamBroken):
            self._engine = None

    async def _ask(
        self,
        engine: KnownEngine,
        served: ModelInfo,
        messages: Sequence[ChatMessage],
        sampling: Sampling,
        priority: Priority,
        user: str | None,
    ) -> AnswerStream:
        """Send the request; the deadline of the first token starts here.

        A field that another engine does not know is left out from then on, and so are images that it cannot see; both
        is said in the log."""
        first_token_by = asyncio.get_running_loop().time() + self._settings.first_token_timeout_s
        while True:
            shows = served.sees is not False and any(message.images for message in messages)
            prompt = illustrated(messages) if shows else prepare(messages)
            fields = engine.dialect.fields(sampling)
            if engine.is_own:
                fields |= _beyond_openai(sampling, priority, user)
            try:
                chunks = await self._send(served.id, prompt, fields, first_token_by)
                return AnswerStream(chunks, first_token_by, self._settings.token_timeout_s, is_split=engine.is_own)
            except LLMError as refusal:
                if shows and served.sees is None and is_about_images(refusal):
                    served = engine.blind(served)
                    log.warning("engine_sees_no_images", model=served.id)
                    continue
                if not isinstance(refusal, RequestRefused):
                    raise
                dialect = None if engine.is_own else engine.dialect.after(refusal)
                if dialect is None:
                    raise
                engine.dialect = dialect
                log.warning("engine_refuses_field", now_sent=sorted(dialect.fields(sampling)))

    async def _send(
        self, model: str, prompt: Sequence[Mapping[str, object]], fields: dict[str, Any], first_token_by: float
    ) -> AsyncStream[ChatCompletionChunk]:
        """One HTTP request, until its headers are there."""
        messages = cast(list[ChatCompletionMessageParam], prompt)
        try:
            async with asyncio.timeout_at(first_token_by):
                return await on_a_fresh_connection_if_need_be(
                    lambda: self._openai.chat.completions.create(
                        model=model, messages=messages, stream=True, extra_body=fields
                    )
                )
        except TimeoutError as error:
            patience = self._settings.first_token_timeout_s
            raise EngineTimeout(f"the engine did not begin its answer within {patience:g} s") from error
        except OpenAIError as error:
            raise translate(error) from error

    async def _tokenize(self, engine: KnownEngine, prompt: list[dict[str, str]], model: str) -> TokenCount | None:
        """The engine's own count; None from another engine without such a route (or with one of another shape)."""
        body: dict[str, Any] = {"messages": prompt}
        if model in engine.others:  # an engine of several models takes the name, as vLLM does
            body["model"] = model
        try:
            answer = await self._call(lambda: self._openai.post(f"{self._root}/tokenize", cast_to=object, body=body))
        except RequestRefused:
            if engine.is_own:
                raise
            answer = None
        if not isinstance(answer, Mapping) or not isinstance(answer.get("count"), int):
            engine.counts = False
            return None
        length = answer.get("max_model_len")
        served = engine.served(model)
        known = most_used(length, self._settings) if isinstance(length, int) else served.max_model_len
        return TokenCount(answer["count"], known)

    async def _tokenize_texts(self, engine: KnownEngine, texts: Sequence[str], model: str) -> list[int] | None:
        """Our worker's count of each of several texts, or any engine's count of the one text."""
        body: dict[str, Any] = {"prompt": list(texts) if engine.is_own else texts[0]}
        if model in engine.others:
            body["model"] = model
        try:
            answer = await self._call(lambda: self._openai.post(f"{self._root}/tokenize", cast_to=object, body=body))
        except RequestRefused:
            if engine.is_own:
                raise
            return None
        return counts_in(answer)

    async def _call(self, request: Callable[[], Awaitable[T]]) -> T:
        """Await a short request under its deadline, with the library's errors translated."""
        try:
            async with asyncio.timeout(_SHORT_CALL_S):
                return await on_a_fresh_connection_if_need_be(request)
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
