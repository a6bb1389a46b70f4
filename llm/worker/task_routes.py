"""The routes of the task models. What is computed: `classifiers`, `seq2seq`, `decide`; refusals: `failures`."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from llm.worker.classifiers import Array, EmbeddingModel, EntityModel, LabelModel, ZeroShotModel
from llm.worker.connection import CLIENT_GONE, while_connected
from llm.worker.decide import Decisions
from llm.worker.seq2seq import Seq2SeqModel
from llm.worker.serving import Serving
from llm.worker.task_schemas import (
    ClassifyRequest,
    DecideRequest,
    EmbeddingsRequest,
    EntitiesRequest,
    ModerationsRequest,
    Seq2SeqRequest,
)
from llm.worker.tasks import Tasks

Json = dict[str, Any]


def task_router(serving: Serving, decisions: Decisions) -> APIRouter:
    """Every task route. While the worker loads or is down they answer as chat does."""
    router = APIRouter()
    _add_decide(router, serving, decisions)
    _add_text_routes(router, serving)
    _add_openai_routes(router, serving)
    return router


def _add_text_routes(router: APIRouter, serving: Serving) -> None:
    @router.post("/v1/entities")
    async def entities(body: EntitiesRequest, request: Request) -> Response:
        model = serving.ready_tasks().find(("entities",), body.model, EntityModel)

        async def answer() -> Json:
            found = await model.entities(body.input)
            return _data([{"entities": [asdict(entity) for entity in of_text]} for of_text in found])

        return await _answered(request, answer())

    @router.post("/v1/classify")
    async def classify(body: ClassifyRequest, request: Request) -> Response:
        return await _answered(request, _classified(serving.ready_tasks(), body))

    @router.post("/v1/seq2seq")
    async def seq2seq(body: Seq2SeqRequest, request: Request) -> Response:
        model = serving.ready_tasks().find(("seq2seq",), body.model, Seq2SeqModel)
        chosen = body.model_dump(exclude={"model", "input"})

        async def answer() -> Json:
            return _data([asdict(written) for written in await model.write(body.input, **chosen)])

        return await _answered(request, answer())


def _add_decide(router: APIRouter, serving: Serving, decisions: Decisions) -> None:
    @router.post("/v1/decide")
    async def decide(body: DecideRequest, request: Request) -> Response:
        chat = serving.find(body.model)
        questions = {name: asked.model_dump(exclude_unset=True) for name, asked in body.questions.items()}

        async def answer() -> Json:
            answers = await decisions.decide(chat, body.state, questions, serving.request_timeout_s)
            return {"model": chat.name, "answers": answers}

        return await _answered(request, answer())


def _add_openai_routes(router: APIRouter, serving: Serving) -> None:
    @router.post("/v1/moderations")
    async def moderations(body: ModerationsRequest, request: Request) -> Response:
        model = serving.ready_tasks().find(("moderations",), body.model, LabelModel)

        async def answer() -> Json:
            results = [_moderation(scores, model.threshold) for scores in await model.moderate(body.input)]
            return {"id": f"modr-{uuid4().hex}", "model": model.name, "results": results}

        return await _answered(request, answer())

    @router.post("/v1/embeddings")
    async def embeddings(body: EmbeddingsRequest, request: Request) -> Response:
        model = serving.ready_tasks().find(("embeddings",), body.model, EmbeddingModel)

        async def answer() -> bytes:
            vectors, tokens = await model.embed(body.input)
            loop = asyncio.get_running_loop()  # millions of numbers take their time to become text
            return await loop.run_in_executor(
                model.threads.text, _embeddings, model.name, vectors, tokens, body.encoding_format
            )

        return await _answered(request, answer())


async def _classified(tasks: Tasks, body: ClassifyRequest) -> Json:
    if body.labels is None:
        fixed = tasks.find(("classify", "moderations"), body.model, LabelModel)
        scores = await fixed.scores(body.input)
    else:
        open_ended = tasks.find(("zero_shot",), body.model, ZeroShotModel)
        scores = await open_ended.scores(body.input, body.labels)
    return _data([{"scores": of_text} for of_text in scores])


async def _answered(request: Request, work: Coroutine[Any, Any, Json | bytes]) -> Response:
    """The work's answer as JSON; when the client leaves first, the work is cancelled."""
    body = await while_connected(request, work)
    if body is None:
        return Response(status_code=CLIENT_GONE)
    return Response(body, media_type="application/json") if isinstance(body, bytes) else JSONResponse(body)


def _data(entries: list[Json]) -> Json:
    return {"data": [{"index": place, **entry} for place, entry in enumerate(entries)]}


def _moderation(scores: dict[str, float], threshold: float) -> Json:
    """One text's result in OpenAI's shape, with the model's own categories."""
    categories = {name: score >= threshold for name, score in scores.items()}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in scores},
    }


def _embeddings(name: str, vectors: Array, tokens: int, encoding: str) -> bytes:
    """OpenAI's answer; base64 is of little-endian float32, which the official client asks for by itself."""

    def encoded(vector: Array) -> str | list[float]:
        if encoding == "base64":
            return base64.b64encode(vector.astype("<f4").tobytes()).decode()
        return [float(number) for number in vector]

    data = [
        {"object": "embedding", "index": place, "embedding": encoded(vector)} for place, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.dumps({"object": "list", "data": data, "model": name, "usage": usage}).encode()
