"""What no Discord has: what was counted, and faults on purpose, for tests and benchmarks.

    GET    /playground/limits          {"asked": {"PATCH /channels/{channel_id}/…": n}, "refused": {…}} since the start;
                                       requests that a fault refused are not among the refused
    GET    /playground/faults          {name: {…, "struck": n}}
    PUT    /playground/faults/NAME     switches one on: its fields are those of playground.faults.Fault
    DELETE /playground/faults[/NAME]   switches one or all off

A 429 storm on edits, for example: PUT /playground/faults/storm {"kind": "refuse", "method": "PATCH", "times": 20,
"seconds": 0.2}; a socket that drops three events from now: {"kind": "drop", "after": 3}.
It does not know what strikes when: playground.faults does.
"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playground.faults import Fault
from playground.rest.edge import Server, answer, nothing

routes = APIRouter(prefix="/playground")


@routes.get("/limits")
async def limits(parts: Server) -> Response:
    counted = parts.limits
    return answer({"asked": dict(counted.asked), "refused": {name: n for name, n in counted.refused.items() if n}})


@routes.get("/faults")
async def faults(parts: Server) -> Response:
    return answer(parts.faults.told())


@routes.put("/faults/{name}")
async def switch_on(name: str, request: Request, parts: Server) -> Response:
    """A socket's fault without `after` strikes at once, not only with the next event."""
    try:
        parts.faults.switch_on(name, Fault.model_validate_json(await request.body()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        return JSONResponse({"message": f"{where}: {first['msg']}", "code": 0}, 400)
    parts.sessions.wake_all()
    return nothing()


@routes.delete("/faults")
async def switch_all_off(parts: Server) -> Response:
    parts.faults.switch_off()
    return nothing()


@routes.delete("/faults/{name}")
async def switch_off(name: str, parts: Server) -> Response:
    parts.faults.switch_off(name)
    return nothing()
