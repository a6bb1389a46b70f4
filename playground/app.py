"""Puts routes, gateway and page together behind the guard. It does not know how the parts work."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from playground import backstage, site
from playground.guard import Guard
from playground.parts import Parts
from playground.rest import (
    cdn,
    channels,
    commands,
    guilds,
    interactions,
    messages,
    polls,
    reactions,
    threads,
    tokens,
    users,
    webhooks,
)

RESOURCES = (
    users,
    guilds,
    messages,
    channels,
    reactions,
    threads,
    polls,
    commands,
    interactions,
    webhooks,
    tokens,
    cdn,
    site,
    backstage,
)


def create_app(parts: Parts) -> FastAPI:
    app = FastAPI(title="Steward's playground", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.parts = parts
    for resource in RESOURCES:
        app.router.routes.extend(resource.routes.routes)
    app.mount("/page", site.FreshFiles(directory=site.PAGE, check_dir=False))
    app.add_middleware(Guard)
    app.add_exception_handler(HTTPException, _not_a_route)
    app.add_exception_handler(Exception, _not_a_route)

    @app.websocket("/gateway")
    @app.websocket("/gateway/")
    async def gateway(socket: WebSocket) -> None:
        await parts.gateway.serve(socket)

    return app


async def _not_a_route(request: Request, error: Exception) -> Response:
    """Unknown paths and our own faults, in Discord's shape; the server logs the traceback of a fault."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "Internal Server Error"
    return JSONResponse({"message": f"{status}: {detail}", "code": 0}, status)
