"""The life of one chat request: render → check → queue → generate → text pieces. It knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from time import monotonic
from uuid import uuid4

from llm.reasoning import Form, ReasoningSplitter
from llm.types import ChatEvent, Usage
from llm.worker.admission import Ticket, parse_user
from llm.worker.engine import EngineError, Job, SamplingParams
from llm.worker.errors import ApiError, ContextExceeded, DeadlineExceeded, GenerationFailed
from llm.worker.metrics import Metrics
from llm.worker.probing import Switches
from llm.worker.schemas import ChatRequest, Message
from llm.worker.serving import ChatModel, Serving
from llm.worker.template import Prompt, SwitchRefused, TemplateRefused
from llm.worker.text import TextStream

DEFAULT_ANSWER = 512  # tokens; the longest answer to a request that names no limit


async def render_prompt(
    serving: Serving, chat: ChatModel, messages: list[Message], switches: Switches | None = None
) -> Prompt:
    """The rendered messages, computed beside the event loop. Raises ApiError if the template refuses."""
    plain = [message.plain() for message in messages]
    render = partial(chat.loaded.template.prompt, plain, serving.thinking, switches)
    try:
        return await asyncio.get_running_loop().run_in_executor(serving.renderer, render)
    except TemplateRefused as error:
        raise ApiError(
            f"The model's chat template refuses these messages: {error}", param="messages", code="template_refused"
        ) from error
    except SwitchRefused as error:
        raise ApiError(
            f"chat_template_kwargs.{error.name}: {error}", param="chat_template_kwargs", code="unsupported_value"
        ) from error


async def text_tokens(serving: Serving, chat: ChatModel, text: str) -> list[int]:
    """Token ids of plain text, computed beside the event loop. Raises ApiError for what is no text."""
    try:
        return await asyncio.get_running_loop().run_in_executor(serving.renderer, chat.loaded.template.encode, text)
    except TemplateRefused as error:
        raise ApiError(f"The prompt is no text: {error}", param="prompt") from error


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


def text_stream(chat: ChatModel, inside: Form | None, stops: tuple[str, ...]) -> TextStream:
    """Reads an answer that begins inside a block of reasoning, or with its first word."""
    loaded = chat.loaded
    template = loaded.template
    splitter = ReasoningSplitter(template.forms, inside, template.token_forms, template.special_marks)
    return TextStream(loaded.decode, loaded.hidden_ids, stops, template.end_texts, splitter)


@dataclass(slots=True)
class Turn:
    """One request that has joined the queue. Whoever holds it must `leave`, whatever happens."""

    chat: ChatModel
    metrics: Metrics
    job: Job
    stream: TextStream
    ticket: Ticket
    arrived: float
    deadline: float  # in the event loop's time, which is monotonic() too
    generated: int = 0
    cached: int = 0
    is_over: bool = False

    @classmethod
    async def enter(cls, serving: Serving, metrics: Metrics, request: ChatRequest) -> Turn:
        """Check the request and join the queue. Raises ApiError."""
        arrived = monotonic()
        chat = serving.find(request.model)
        (guild, person), priority = parse_user(request.user), request.priority or "interactive"
        chat.gate.check(priority, guild, person)  # rendering costs time that a full worker has not
        rendered = await render_prompt(serving, chat, request.messages, request.chat_template_kwargs)
        prompt = rendered.tokens
        if not prompt:
            raise ApiError("The messages render to an empty prompt; say something.", param="messages")
        limit = answer_limit(request, len(prompt), chat.context)
        job = Job(f"chatcmpl-{uuid4().hex}", prompt, limit, sampling(request, chat))
        ticket = Ticket(job.id, priority, guild, person, len(prompt), limit)
        chat.gate.enter(ticket)
        metrics.prompt_tokens.inc(len(prompt))
        stream = text_stream(chat, rendered.inside, request.stops)
        return cls(chat, metrics, job, stream, ticket, arrived, arrived + serving.request_timeout_s)

    def leave(self) -> None:
        """Free the place in the queue, or among the running."""
        self.chat.gate.leave(self.job.id)

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """Places in the queue, then pieces of text; the last event has the finish reason and the usage.

        Raises ApiError. Closing the iterator frees everything that the request holds."""
        try:
            async with aclosing(self._events()) as events:
                while (event := await self._in_time(events)) is not None:
                    yield event
        except (asyncio.CancelledError, GeneratorExit):
            if not self.is_over:
                self.metrics.finished.labels("cancelled").inc()
            raise
        finally:
            self.leave()

    async def _in_time(self, events: AsyncGenerator[ChatEvent, None]) -> ChatEvent | None:
        """The next event, None after the last one. Raises DeadlineExceeded when the whole request takes too long."""
        try:
            async with asyncio.timeout_at(self.deadline):
                return await anext(events, None)
        except TimeoutError:
            self.metrics.finished.labels("deadline").inc()
            raise DeadlineExceeded(
                f"The request took longer than {self.deadline - self.arrived:g} s, waiting included; "
                "ask for a shorter answer, or try again when less is going on."
            ) from None

    async def _events(self) -> AsyncGenerator[ChatEvent, None]:
        async with aclosing(self.chat.gate.wait(self.job.id)) as places:
            async for place in places:
                yield ChatEvent(queue=place)
        self.metrics.queued.labels(self.ticket.priority).observe(monotonic() - self.arrived)
        async with aclosing(self._answer()) as pieces:
            async for piece in pieces:
                yield piece

    async def _answer(self) -> AsyncGenerator[ChatEvent, None]:
        stream, eos_ids = self.stream, self.chat.loaded.eos_ids
        ended = False
        try:
            async with aclosing(self.chat.engine.submit(self.job)) as pieces:
                async for piece in pieces:
                    self._count(len(piece.ids), piece.cached)
                    said = stream.push(piece.ids)
                    if said:
                        yield ChatEvent(text=said.text, reasoning=said.reasoning)
                    ended = not eos_ids.isdisjoint(piece.ids)
                    if stream.stopped:
                        break
        except EngineError as error:
            self.metrics.finished.labels("error").inc()
            raise GenerationFailed(f"The engine failed: {error}") from error
        self.leave()  # the engine is done with it; what is left to read must not keep others waiting
        rest = stream.finish()
        if rest:
            yield ChatEvent(text=rest.text, reasoning=rest.reasoning)
        yield self._finish("stop" if ended or stream.stopped else "length")

    def _count(self, new: int, cached: int) -> None:
        if new and not self.generated:
            self.cached = min(cached, len(self.job.prompt))
            self.metrics.first_token.observe(monotonic() - self.arrived)
            self.metrics.prefilled(len(self.job.prompt), self.cached)
            self.chat.gate.spend(self.job.id, -self.cached)
        self.generated += new
        self.chat.gate.spend(self.job.id, new)
        self.metrics.answer_tokens.inc(new)

    def _finish(self, reason: str) -> ChatEvent:
        self.is_over = True
        self.metrics.finished.labels(reason).inc()
        usage = Usage(len(self.job.prompt), self.generated, self.cached, self.stream.reasoning_tokens)
        return ChatEvent(finish_reason="stop" if reason == "stop" else "length", usage=usage)
