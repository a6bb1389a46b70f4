"""Who may talk to the worker at all, and how much they may send at once.

The bearer token; on a loopback address only local Hosts and Origins; bodies of a bounded size.

Plain ASGI, in front of everything, so that unknown paths are guarded too. /health is open: probes carry no secrets.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm.worker.errors import ApiError

LARGEST_BODY = 8 * 2**20  # bytes; far more text than the longest context holds
OPEN_PATHS = frozenset({"/health"})


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _bounded(receive: Receive) -> Receive:
    """Counts what comes in, and refuses to read on beyond LARGEST_BODY."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BODY:
            raise HTTPException(413)
        return message

    return counted


class Guard:
    """Refuses with 401 or 403 what must not reach the routes."""

    def __init__(self, app: ASGIApp, token: str | None, local_only: bool) -> None:
        """`local_only`: the worker listens on a loopback address, where a browser's foreign page must not reach it."""
        self._app = app
        self._token = token
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, _bounded(receive), send)
            return
        headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
        await JSONResponse(refusal.body(), refusal.status, headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ApiError | None:
        headers = Headers(scope=scope)
        if self._local_only and not self._is_local(headers):
            return ApiError("This worker only answers requests to its own local address.", code="foreign", status=403)
        if self._token is None or scope["path"] in OPEN_PATHS:
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode()):
            return None
        return ApiError("A valid bearer token is needed.", code="invalid_api_key", status=401)

    @staticmethod
    def _is_local(headers: Headers) -> bool:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        origin = headers.get("origin")
        return is_loopback(host) and (origin is None or is_loopback(urlsplit(origin).hostname or ""))
