"""The life of one chat request: render → check → queue → generate → text pieces. It knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from uuid import uuid4

from llm.types import ChatEvent, Usage
from llm.worker.admission import Ticket, parse_user
from llm.worker.engine import EngineError, Job, SamplingParams
from llm.worker.errors import ApiError, ContextExceeded, GenerationFailed
from llm.worker.metrics import Metrics
from llm.worker.schemas import ChatRequest, Message
from llm.worker.serving import ChatModel, Serving
from llm.worker.template import TemplateRefused
from llm.worker.text import TextStream

DEFAULT_ANSWER = 512  # tokens; the longest answer to a request that names no limit


async def prompt_tokens(serving: Serving, chat: ChatModel, messages: list[Message]) -> list[int]:
    """Token ids of the rendered messages, computed beside the event loop. Raises ApiError if the template refuses."""
    plain = [message.plain() for message in messages]
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(serving.renderer, chat.loaded.template.tokens, plain)
    except TemplateRefused as error:
        raise ApiError(
            f"The model's chat template refuses these messages: {error}", param="messages", code="template_refused"
        ) from error


async def text_tokens(serving: Serving, chat: ChatModel, text: str) -> list[int]:
    """Token ids of plain text, computed beside the event loop."""
    return await asyncio.get_running_loop().run_in_executor(serving.renderer, chat.loaded.template.encode, text)


def sampling(request: ChatRequest, chat: ChatModel) -> SamplingParams:
    """The request's choices, and the model's own defaults where it makes none."""
    defaults = chat.loaded.defaults
    return SamplingParams(
        temperature=defaults.temperature if request.temperature is None else request.temperature,
        top_p=defaults.top_p if request.top_p is None else request.top_p,
        top_k=defaults.top_k if request.top_k is None else request.top_k,
    )


def answer_limit(request: ChatRequest, prompt: int, context: int) -> int:
    """Tokens that the answer may have. Raises ContextExceeded, with the numbers, when prompt and answer do not fit."""
    room = context - prompt
    if room < 1:
        raise ContextExceeded(
            f"The prompt has {prompt} tokens; this model's context holds {context}, prompt and answer together.",
            param="messages",
        )
    wanted = request.answer_limit
    if wanted is not None and wanted > room:
        raise ContextExceeded(
            f"The prompt has {prompt} tokens and an answer of {wanted} was asked for; the context holds {context}: "
            f"ask for at most {room}.",
            param="max_tokens" if request.max_tokens is not None else "max_completion_tokens",
        )
    return min(DEFAULT_ANSWER, room) if wanted is None else wanted


@dataclass(slots=True)
class Turn:
    """One request that has joined the queue. Whoever holds it must `leave`, whatever happens."""

    chat: ChatModel
    metrics: Metrics
    job: Job
    stops: tuple[str, ...]
    arrived: float = field(default_factory=monotonic)
    generated: int = 0
    cached: int = 0

    @classmethod
    async def enter(cls, serving: Serving, metrics: Metrics, request: ChatRequest) -> Turn:
        """Check the request and join the queue. Raises ApiError."""
        chat = serving.find(request.model)
        prompt = await prompt_tokens(serving, chat, request.messages)
        if not prompt:
            raise ApiError("The messages render to an empty prompt; say something.", param="messages")
        limit = answer_limit(request, len(prompt), chat.context)
        job = Job(f"chatcmpl-{uuid4().hex}", prompt, limit, sampling(request, chat))
        guild, person = parse_user(request.user)
        chat.gate.enter(Ticket(job.id, request.priority or "interactive", guild, person, len(prompt) + limit))
        metrics.prompt_tokens.inc(len(prompt))
        return cls(chat, metrics, job, request.stops)

    def leave(self) -> None:
        """Free the place in the queue, or among the running."""
        self.chat.gate.leave(self.job.id)

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """Places in the queue, then pieces of text; the last event has the finish reason and the usage.

        Raises ApiError. Closing the iterator frees everything that the request holds."""
        try:
            async with aclosing(self.chat.gate.wait(self.job.id)) as places:
                async for place in places:
                    yield ChatEvent(queue=place)
            async with aclosing(self._answer()) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self.leave()

    async def _answer(self) -> AsyncGenerator[ChatEvent, None]:
        loaded = self.chat.loaded
        stream = TextStream(loaded.decode, loaded.hidden_ids, self.stops)
        ended = False
        try:
            async with aclosing(self.chat.engine.submit(self.job)) as pieces:
                async for piece in pieces:
                    self._count(len(piece.ids), piece.cached)
                    text = stream.push(piece.ids)
                    if text:
                        yield ChatEvent(text=text)
                    ended = not loaded.eos_ids.isdisjoint(piece.ids)
                    if stream.stopped:
                        break
        except EngineError as error:
            self.metrics.finished.labels("error").inc()
            raise GenerationFailed(f"The engine failed: {error}") from error
        rest = stream.finish()
        if rest:
            yield ChatEvent(text=rest)
        yield self._finish("stop" if ended or stream.stopped else "length")

    def _count(self, new: int, cached: int) -> None:
        if new and not self.generated:
            self.cached = min(cached, len(self.job.prompt))
            self.metrics.first_token.observe(monotonic() - self.arrived)
            self.metrics.reused_tokens.inc(self.cached)
        self.generated += new
        self.metrics.answer_tokens.inc(new)

    def _finish(self, reason: str) -> ChatEvent:
        self.metrics.finished.labels(reason).inc()
        usage = Usage(len(self.job.prompt), self.generated, self.cached)
        return ChatEvent(finish_reason="stop" if reason == "stop" else "length", usage=usage)
