"""Refuses what a foreign web page or name could have sent: checks Host and Origin of HTTP and sockets alike."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OWN_NAMES = ("127.0.0.1", "localhost")


class Guard:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = refused(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal})
        else:
            await JSONResponse({"message": refusal, "code": 0}, 403)(scope, receive, send)


def refused(headers: Headers) -> str | None:
    """Why the request is refused, or None. An Origin must be this very address, port included."""
    host = headers.get("host", "")
    if _name(host) not in OWN_NAMES:
        return f"403: Host must be one of {', '.join(OWN_NAMES)}"
    origin = headers.get("origin")
    if origin is None:
        return None
    parsed = urlsplit(origin)
    if parsed.scheme not in ("http", "https") or parsed.netloc != host:
        return "403: foreign Origin"
    return None


def _name(host: str) -> str:
    name, _, port = host.rpartition(":") if ":" in host else (host, "", "")
    return name.lower() if not port or port.isdigit() else ""
