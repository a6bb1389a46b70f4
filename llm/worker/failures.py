"""Whatever goes wrong on the way to an answer becomes OpenAI's error shape here. It knows no route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from llm.worker.errors import ApiError, GenerationFailed
from llm.worker.metrics import Metrics
from llm.worker.schemas import UNSUPPORTED

log = structlog.get_logger()

CODES = {"json_invalid": "invalid_json", "extra_forbidden": "unknown_parameter", "missing": "missing_parameter"}


def install(app: FastAPI, metrics: Metrics) -> None:
    """Answer every error of this app in OpenAI's shape, and count it."""

    def answer(error: ApiError) -> JSONResponse:
        metrics.refuse(error.status, error.code)
        return JSONResponse(error.body(), error.status, error.headers())

    @app.exception_handler(ApiError)
    async def refused(_: Request, error: ApiError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(from_validation(error.errors()))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return answer(from_http(error, request.method, request.url.path))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.exception("request_failed", path=request.url.path, exc_info=error)
        return answer(GenerationFailed(f"The worker failed: {type(error).__name__}", code="internal_error"))


def from_validation(problems: Sequence[Mapping[str, Any]]) -> ApiError:
    """The first problem, named by its field; the text of what was sent is not repeated."""
    problem = problems[0]
    kind = str(problem["type"])
    context = problem.get("ctx") or {}
    if kind == "json_invalid":
        return ApiError(f"The body is not valid JSON: {context.get('error', problem['msg'])}", code=CODES[kind])
    param = context.get("param") or field_path(problem["loc"])
    code = UNSUPPORTED if kind == UNSUPPORTED else CODES.get(kind, "invalid_value")
    message = "unknown field" if kind == "extra_forbidden" else problem["msg"]
    return ApiError(f"{param}: {message}" if param else message, param=param, code=code)


def field_path(location: Sequence[str | int]) -> str | None:
    """`("body", "messages", 0, "content", …)` → `messages[0].content`; names of types inside unions are left out."""
    path = ""
    for part in location[1:]:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier() and part not in ("str", "list"):
            path += f".{part}" if path else part
        else:
            break
    return path or None


def from_http(error: HTTPException, method: str, path: str) -> ApiError:
    """Starlette's own refusals: unknown path, wrong method, a body that cannot be read."""
    if error.status_code == 404:
        return ApiError(f"There is no {path} here.", code="not_found", status=404)
    if error.status_code == 405:
        return ApiError(f"{path} does not answer {method}.", code="method_not_allowed", status=405)
    if error.status_code == 413:
        return ApiError("The body is too large.", code="body_too_large", status=413)
    return ApiError(str(error.detail), code="bad_request", status=error.status_code)
