"""Programs that tests talk to over real sockets: a chat engine whose answers are written beforehand.

`ScriptedEngine` speaks OpenAI's HTTP API as our worker does (or, with `owned_by="vllm"`, as another engine does):

    async with ScriptedEngine() as engine:
        engine.enqueue(reply("Green, you said."))
        ...                                   # LLMClient(settings, engine.base_url)
        engine.requests[0].body["messages"]   # what was asked

It knows nothing of the bot, the client or any model. Nothing sleeps: an asyncio.Event among a reply's pieces holds the
stream until the test sets it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

Piece = str | asyncio.Event

_TOKENS_PER_TURN = 4


@dataclass(frozen=True)
class Reply:
    """An answer in pieces. `queue` positions come before it where the request asks for them, `thoughts` in a field
    `thoughts_in` of their own; `dies` breaks the connection after the last piece, before anything says that the answer
    ended."""

    pieces: tuple[Piece, ...]
    finish_reason: str = "stop"
    queue: tuple[int, ...] = ()
    cached_tokens: int = 0
    stream_error: Mapping[str, Any] | None = None
    dies: bool = False
    thoughts: tuple[str, ...] = ()
    thoughts_in: str = "reasoning_content"

    @property
    def text(self) -> str:
        return "".join(piece for piece in self.pieces if isinstance(piece, str))


@dataclass(frozen=True)
class Failure:
    """An error answer with OpenAI's error object."""

    status: int
    error: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Raw:
    """Bytes as they are: how another engine, or a proxy before it, really answers."""

    status: int
    content: str
    media_type: str
    headers: Mapping[str, str]


Answer = Reply | Failure | Raw


def reply(
    text: str = "",
    *,
    pieces: Sequence[Piece] | None = None,
    finish_reason: str = "stop",
    queue: Sequence[int] = (),
    cached_tokens: int = 0,
    thoughts: Sequence[str] = (),
    thoughts_in: str = "reasoning_content",
) -> Reply:
    """`text`, streamed word by word; or exactly these `pieces`, where an Event holds the stream until it is set."""
    parts = tuple(pieces) if pieces is not None else tuple(re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text))
    return Reply(parts, finish_reason, tuple(queue), cached_tokens, thoughts=tuple(thoughts), thoughts_in=thoughts_in)


def failure(
    status: int,
    message: str = "scripted failure",
    *,
    code: str | None = None,
    kind: str = "server_error",
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Failure:
    """An HTTP error; `kind` is the error object's `type`."""
    return Failure(status, {"message": message, "type": kind, "code": code, "param": param}, headers or {})


def raw(content: str | Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Raw:
    """Exactly this JSON object, server-sent events (text that begins with "data:" or a comment) or other text."""
    if isinstance(content, str):
        kind = "text/event-stream" if content.startswith(("data:", ":")) else "text/html"
        return Raw(status, content, kind, headers or {})
    return Raw(status, json.dumps(content), "application/json", headers or {})


def failure_inside_stream(
    *pieces: Piece, message: str = "scripted failure", code: str | None = None, kind: str = "server_error"
) -> Reply:
    """A stream that begins with `pieces` and then carries an error object."""
    return Reply(pieces, stream_error={"message": message, "type": kind, "code": code, "param": None})


def hang(*pieces: Piece) -> Reply:
    """`pieces`, then silence until the client gives up."""
    return Reply((*pieces, asyncio.Event()))


def die_midway(*pieces: Piece) -> Reply:
    """`pieces`, then the connection breaks as if the process had been killed."""
    return Reply(pieces, dies=True)


@dataclass
class ReceivedRequest:
    """One chat request as the engine saw it; `disconnected` is set when the client left before the answer's end."""

    body: dict[str, Any]
    headers: dict[str, str]
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def texts(self) -> list[str]:
        """The contents of its messages."""
        return [message["content"] for message in self.body["messages"]]


def count_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """The fake's tokenizer: one token per word, and four for every message."""
    return sum(len(_text(message["content"]).split()) + _TOKENS_PER_TURN for message in messages)


def _text(content: Any) -> str:  # noqa: ANN401 - text, or OpenAI's content parts
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class ScriptedEngine:
    """An OpenAI-compatible server on a port of its own. Its public attributes may be changed at any time:

    `owned_by`, `model`, `sees` (whether pictures; None: not stated), `max_model_len` (None: not stated),
    `has_tokenize`, `health` (what /health answers, None: no such route), `token` (the bearer token it wants),
    `listing` (what /v1/models answers instead of the one model), `embeds` (whether there is /v1/embeddings, where texts
    that share words are near each other), `names` (names and their types that /v1/entities finds; None: no such route),
    `labels` (what /v1/classify says of a text, given the labels asked for, if any; None: no such route).
    """

    def __init__(
        self,
        *,
        owned_by: str = "steward",
        model: str = "scripted",
        max_model_len: int | None = 2048,
        has_tokenize: bool = True,
        token: str | None = None,
    ) -> None:
        self.owned_by = owned_by
        self.model = model
        self.max_model_len = max_model_len
        self.has_tokenize = has_tokenize
        self.token = token
        self.health: dict[str, Any] | None = {"status": "ready", "reason": "", "progress": 1.0}
        self.listing: Raw | None = None
        self.embeds = False
        self.names: Mapping[str, str] | None = None
        self.labels: Callable[[str, list[str] | None], dict[str, float]] | None = None
        self.sees: bool | None = None
        self.requests: list[ReceivedRequest] = []
        self.embedded: list[str] = []
        self.tokenized: list[dict[str, Any]] = []
        self._script: list[tuple[Answer, Callable[[ReceivedRequest], bool]]] = []
        self._arrived = asyncio.Condition()
        self._socket = _listening_socket(0)
        self._port: int = self._socket.getsockname()[1]
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        """The address for clients, ending in /v1; the same after a restart."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def unused(self) -> int:
        """Answers that nobody has asked for yet."""
        return len(self._script)

    def enqueue(self, *answers: Answer, when: Callable[[ReceivedRequest], bool] = lambda request: True) -> None:
        """Add answers to the script. Each request takes the first one whose `when` accepts it, so that conversations
        which run at once each get their own."""
        self._script.extend((answer, when) for answer in answers)

    async def received(self, count: int) -> ReceivedRequest:
        """Wait until that many chat requests have come in all; the last of them."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
        return self.requests[count - 1]

    async def start(self) -> None:
        """Listen, on the same port as before when it was stopped."""
        if self._socket.fileno() < 0:
            self._socket = _listening_socket(self._port)
        self._server = _Server(uvicorn.Config(self._app(), log_config=None, lifespan="off", access_log=False))
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Go away at once, as a killed process does: every connection breaks, the port refuses new ones."""
        if self._server is None or self._serving is None:
            return
        self._server.kill()
        await self._serving
        self._socket.close()
        self._server = self._serving = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self._socket.close()

    def _app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.add_api_route("/health", self._get_health, methods=["GET"], response_model=None)
        app.add_api_route("/v1/models", self._get_models, methods=["GET"], response_model=None)
        app.add_api_route("/tokenize", self._post_tokenize, methods=["POST"], response_model=None)
        app.add_api_route("/v1/embeddings", self._post_embeddings, methods=["POST"], response_model=None)
        app.add_api_route("/v1/entities", self._post_entities, methods=["POST"], response_model=None)
        app.add_api_route("/v1/classify", self._post_classify, methods=["POST"], response_model=None)
        app.add_api_route("/v1/chat/completions", self._post_chat, methods=["POST"], response_model=None)
        return app

    async def _get_health(self) -> Response:
        if self.health is None:
            return JSONResponse({"detail": "Not Found"}, 404)
        return JSONResponse(self.health, 200 if self.health["status"] == "ready" else 503)

    async def _get_models(self, request: Request) -> Response:
        if (refusal := self._refuse_stranger(request)) is not None:
            return refusal
        if self.listing is not None:
            return _as_is(self.listing)
        model: dict[str, Any] = {"id": self.model, "object": "model", "created": 0, "owned_by": self.owned_by}
        if self.max_model_len is not None:
            model["max_model_len"] = self.max_model_len
        if self.sees is not None:
            model["input_modalities"] = ["text", "image"] if self.sees else ["text"]
        return JSONResponse({"object": "list", "data": [model]})

    async def _post_tokenize(self, request: Request) -> Response:
        if not self.has_tokenize:
            return JSONResponse({"detail": "Not Found"}, 404)
        body = await request.json()
        self.tokenized.append(body)
        if isinstance(prompt := body.get("prompt"), list):
            each = [list(range(len(text.split()))) for text in prompt]
            return JSONResponse({"count": sum(map(len, each)), "max_model_len": self.max_model_len, "tokens": each})
        count = count_tokens(body["messages"]) if prompt is None else len(prompt.split())
        return JSONResponse({"count": count, "max_model_len": self.max_model_len, "tokens": list(range(count))})

    async def _post_embeddings(self, request: Request) -> Response:
        if not self.embeds:
            return JSONResponse({"detail": "Not Found"}, 404)
        texts = (await request.json())["input"]
        self.embedded += texts
        data = [
            {"index": place, "embedding": base64.b64encode(words_as_vector(text)).decode()}
            for place, text in enumerate(texts)
        ]
        return JSONResponse({"object": "list", "data": data, "model": "scripted/embeddings"})

    async def _post_entities(self, request: Request) -> Response:
        if (names := self.names) is None:
            return JSONResponse({"detail": "Not Found"}, 404)
        texts = (await request.json())["input"]
        found = [{"entities": [one for name in names for one in _places(name, names[name], text)]} for text in texts]
        return JSONResponse({"data": [{"index": place} | one for place, one in enumerate(found)]})

    async def _post_classify(self, request: Request) -> Response:
        if self.labels is None:
            return JSONResponse({"detail": "Not Found"}, 404)
        body = await request.json()
        scored = [{"index": place, "scores": self.labels(text, body.get("labels"))}
                  for place, text in enumerate(body["input"])]  # fmt: skip
        return JSONResponse({"data": scored})

    async def _post_chat(self, request: Request) -> Response:
        if (refusal := self._refuse_stranger(request)) is not None:
            return refusal
        received = ReceivedRequest(await request.json(), dict(request.headers))
        answer = self._take_answer(received)
        async with self._arrived:
            self.requests.append(received)
            self._arrived.notify_all()
        if isinstance(answer, Reply) and not received.body.get("stream") and (answer.dies or answer.stream_error):
            answer = failure(500, "this answer can only fail inside a stream")
        if isinstance(answer, Raw):
            return _as_is(answer)
        if isinstance(answer, Failure):
            return JSONResponse({"error": dict(answer.error)}, answer.status, dict(answer.headers))
        if received.body.get("stream"):
            return StreamingResponse(self._stream(answer, received), media_type="text/event-stream")
        return JSONResponse(await self._whole(answer, received))

    def _refuse_stranger(self, request: Request) -> Response | None:
        if self.token is None or request.headers.get("authorization") == f"Bearer {self.token}":
            return None
        error = {"message": "wrong token", "type": "invalid_request_error", "code": "invalid_api_key", "param": None}
        return JSONResponse({"error": error}, 401)

    def _take_answer(self, request: ReceivedRequest) -> Answer:
        for place, (answer, when) in enumerate(self._script):
            if when(request):
                del self._script[place]
                return answer
        return failure(500, f"the script ran out: no answer for request {len(self.requests) + 1}: {request.texts[-1]}")

    async def _whole(self, answer: Reply, request: ReceivedRequest) -> dict[str, Any]:
        async for _ in _released(answer.pieces):
            pass
        message = {"role": "assistant", "content": answer.text}
        choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason, "logprobs": None}
        return {**self._head("chat.completion"), "choices": [choice], "usage": _usage(answer, request)}

    async def _stream(self, answer: Reply, request: ReceivedRequest) -> AsyncIterator[str]:
        try:
            for data in self._queue_chunks(answer, request):
                yield _sse(data)
            yield _sse(self._chunk({"role": "assistant", "content": ""}))
            for thought in answer.thoughts:
                yield _sse(self._chunk({answer.thoughts_in: thought}))
            async for piece in _released(answer.pieces):
                yield _sse(self._chunk({"content": piece}))
            for data in self._closing_chunks(answer, request):
                yield _sse(data)
            yield "data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            request.disconnected.set()
            raise

    def _queue_chunks(self, answer: Reply, request: ReceivedRequest) -> Iterator[dict[str, Any]]:
        if (request.body.get("stream_options") or {}).get("include_queue"):
            for position in answer.queue:
                queue = {"position": position, "eta_s": float(position)}
                yield {**self._head("chat.completion.chunk"), "choices": [], "queue": queue}

    def _closing_chunks(self, answer: Reply, request: ReceivedRequest) -> Iterator[dict[str, Any]]:
        if answer.dies:
            raise _KilledError
        if answer.stream_error is not None:
            yield {"error": dict(answer.stream_error)}
            return
        yield self._chunk({}, answer.finish_reason)
        if (request.body.get("stream_options") or {}).get("include_usage"):
            yield {**self._head("chat.completion.chunk"), "choices": [], "usage": _usage(answer, request)}

    def _chunk(self, delta: Mapping[str, str], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": dict(delta), "finish_reason": finish_reason, "logprobs": None}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": f"chatcmpl-{len(self.requests)}", "object": kind, "created": 0, "model": self.model}


def _places(name: str, kind: str, text: str) -> list[dict[str, Any]]:
    """Where the name stands in the text, as /v1/entities tells it."""
    return [
        {"start": at.start(), "end": at.end(), "type": kind, "text": name, "score": 0.9}
        for at in re.finditer(re.escape(name), text)
    ]


def words_as_vector(text: str) -> bytes:
    """A little-endian float32 vector: each word has its own place in it."""
    counts = [0.0] * 256
    for word in re.findall(r"\w+", text.lower()):
        counts[zlib.crc32(word.encode()) % len(counts)] += 1.0
    return struct.pack(f"<{len(counts)}f", *counts)


def _as_is(answer: Raw) -> Response:
    return Response(answer.content, answer.status, dict(answer.headers), answer.media_type)


class _KilledError(Exception):
    """Leaves the response without its end, so that uvicorn drops the connection."""


class _Server(uvicorn.Server):
    """Says when it listens, leaves the signals to pytest, and can go away without waiting for anybody."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._killed = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._killed.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Nothing is left to wait for: `kill` broke every connection."""

    def kill(self) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        self._killed.set()


async def _released(pieces: Sequence[Piece]) -> AsyncIterator[str]:
    """The texts among the pieces, each as soon as the events before it are set."""
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        else:
            await piece.wait()


def _usage(answer: Reply, request: ReceivedRequest) -> dict[str, Any]:
    asked, answered = count_tokens(request.body["messages"]), len(answer.text.split())
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": len(" ".join(answer.thoughts).split())},
    }


def _sse(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _listening_socket(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener
