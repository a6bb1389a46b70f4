"""The routes.

What a request means is decided in `chat`, how it is refused in `failures`, what is served in `serving`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from llm.config import TaskModelSettings, WorkerSettings
from llm.worker.admission import CLASSES
from llm.worker.chat import Turn, render_prompt, text_tokens
from llm.worker.connection import CLIENT_GONE, while_connected
from llm.worker.decide import Decisions
from llm.worker.errors import ApiError
from llm.worker.failures import install
from llm.worker.guards import Guard, is_loopback
from llm.worker.metrics import Metrics
from llm.worker.responses import DONE, Completion, error_event, server_sent
from llm.worker.schemas import ChatRequest, StreamOptions, TokenizeRequest
from llm.worker.serving import SHUTTING_DOWN, Serving
from llm.worker.task_routes import task_router
from llm.worker.tasks import Tasks

log = structlog.get_logger()

Json = dict[str, Any]
TEXT_ONLY = {"input_modalities": ["text"]}  # no engine here reads images: clients need not try
LINGER_S = 5.0  # after a request's deadline, for its last words to be sent
STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def create_app(
    settings: WorkerSettings,
    token: str | None = None,
    on_fatal: Callable[[int, str], None] | None = None,
    tasks: TaskModelSettings | None = None,
) -> FastAPI:
    """The worker's ASGI app; the models begin to load when the app starts. `on_fatal`: see Serving.

    Without `tasks` it serves no task model."""
    metrics = Metrics()
    served = None if tasks is None else Tasks(tasks, settings.device, metrics)
    serving = Serving(settings, metrics, on_fatal, served)
    decisions = Decisions()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        serving.start()
        yield
        decisions.close()
        if served is not None:
            await served.close(SHUTTING_DOWN)
        await asyncio.to_thread(serving.close)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.serving = serving
    install(app, metrics)
    app.add_middleware(Guard, token=token, local_only=token is None and is_loopback(settings.host))
    _add_status_routes(app, serving, metrics)
    _add_model_routes(app, serving, metrics)
    app.include_router(task_router(serving, decisions))
    return app


def _add_status_routes(app: FastAPI, serving: Serving, metrics: Metrics) -> None:
    @app.get("/health")
    async def health() -> JSONResponse:
        body = {"status": serving.status, "reason": serving.reason, "progress": serving.progress}
        return JSONResponse(body, 200 if serving.status == "ready" else 503)

    @app.get("/metrics")
    async def figures() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/v1/queue")
    async def queue() -> Json:
        if serving.status == "ready" and serving.chat is None:
            return {"waiting": dict.fromkeys(CLASSES, 0), "running": 0, "eta_s": 0.0}
        gate = serving.find(None).gate
        return {"waiting": gate.waiting(), "running": gate.running, "eta_s": gate.eta_s}


def _add_model_routes(app: FastAPI, serving: Serving, metrics: Metrics) -> None:
    @app.get("/v1/models")
    async def models() -> Json:
        return {"object": "list", "data": _models(serving)}

    @app.post("/tokenize")
    async def tokenize(body: TokenizeRequest) -> Json:
        chat = serving.find(body.model)
        if body.messages is not None:
            tokens = (await render_prompt(serving, chat, body.messages, body.chat_template_kwargs)).tokens
        elif isinstance(body.prompt, list):
            each = [await text_tokens(serving, chat, text) for text in body.prompt]
            return {"count": sum(map(len, each)), "max_model_len": chat.context, "tokens": each}
        else:
            tokens = await text_tokens(serving, chat, body.prompt or "")
        return {"count": len(tokens), "max_model_len": chat.context, "tokens": tokens}

    @app.post("/v1/chat/completions")
    async def chat_completions(body: ChatRequest, request: Request) -> Response:
        turn = await Turn.enter(serving, metrics, body)
        completion = Completion(turn.job.id, turn.chat.name, int(time.time()))
        if body.stream:
            return TurnStream(turn, completion, body.stream_options or StreamOptions())
        return await _plain(request, turn, completion)


def _models(serving: Serving) -> list[Json]:
    """The chat model first, then the task models."""
    serving.check_ready()
    chat, tasks = serving.chat, serving.tasks
    listed = [] if chat is None else [(chat.name, chat.created, chat.context, TEXT_ONLY | chat.about())]
    listed += [] if tasks is None else [(name, tasks.created, length, about) for name, length, about in tasks.listed()]
    return [
        {"id": name, "object": "model", "created": created, "owned_by": "steward", "max_model_len": length, **about}
        for name, created, length, about in listed
    ]


async def _plain(request: Request, turn: Turn, completion: Completion) -> Response:
    async def whole() -> Response:
        text = reasoning = ""
        async with aclosing(turn.events()) as events:
            async for event in events:
                text += event.text
                reasoning += event.reasoning
        return JSONResponse(completion.plain(text, reasoning, event))

    try:
        return await while_connected(request, whole()) or Response(status_code=CLIENT_GONE)
    finally:
        turn.leave()


class TurnStream(StreamingResponse):
    """A turn as server-sent events. However the response ends, also before its first byte, the turn is left.

    A client that has stopped reading without going away is cut off some seconds after the request's deadline."""

    def __init__(self, turn: Turn, completion: Completion, options: StreamOptions) -> None:
        super().__init__(self._pieces(), media_type="text/event-stream", headers=STREAM_HEADERS)
        self._turn, self._completion, self._options = turn, completion, options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout_at(self._turn.deadline + LINGER_S):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            log.warning("client_stopped_reading", request=self._turn.job.id)
        finally:
            self._turn.leave()

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield server_sent(self._completion.opening())
        try:
            async with aclosing(self._turn.events()) as events:
                async for event in events:
                    for chunk in self._completion.chunks(
                        event, self._options.include_usage, self._options.include_queue
                    ):
                        yield server_sent(chunk)
        except ApiError as error:
            self._turn.metrics.refuse(error.status, error.code)
            yield error_event(error)
            return
        yield DONE
