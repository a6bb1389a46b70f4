"""What every route shares: who is calling, which channel and message it is about, rate limits, errors, and the commit.

It does not know what the routes do.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playground.errors import DiscordError, invalid_form, missing_access, missing_permissions, unauthorized, unknown
from playground.limits import Verdict
from playground.messages import find_message
from playground.models import Channel, Guild, Json, Message, User
from playground.parts import Parts
from playground.permissions import Permission
from playground.rest.body import Form, read_form

PREFIX = "/api/v10"
MAJOR_PARAMETERS = ("channel_id", "guild_id", "application_id", "interaction_id", "token")


class DiscordRoute(APIRoute):
    """A route with Discord's habits: counted, refused in Discord's shape, answered once its changes are on disk."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            parts: Parts = request.app.state.parts
            verdict = _count(parts, request, self.path_format.removeprefix(PREFIX))
            response = _too_many(verdict) if verdict.refused else await _answer(handler, request)
            await parts.world.store.flush()
            response.headers.update(verdict.headers())
            return response

        return handle


def router() -> APIRouter:
    return APIRouter(prefix=PREFIX, route_class=DiscordRoute)


def _count(parts: Parts, request: Request, template: str) -> Verdict:
    who = request.headers.get("authorization") or str(request.path_params.get("token", ""))
    where = "/".join(str(request.path_params.get(name, "")) for name in MAJOR_PARAMETERS)
    return parts.limits.take(request.method, template, who, where)


def _too_many(verdict: Verdict) -> Response:
    body = {"message": "You are being rate limited.", "retry_after": round(verdict.reset_after_s, 3), "global": False}
    return JSONResponse({**body, "code": 0}, 429)


async def _answer(handler: Callable[[Request], Coroutine[Any, Any, Response]], request: Request) -> Response:
    try:
        return await handler(request)
    except DiscordError as error:
        return JSONResponse(error.body(), error.status)
    except RequestValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"][1:]) or "body"
        refusal = invalid_form(where, "NUMBER_TYPE_COERCE", f'Value "{where}" is not of the right type.')
        return JSONResponse(refusal.body(), refusal.status)


def answer(body: Json, status: int = 200) -> JSONResponse:
    return JSONResponse(body, status)


def nothing() -> Response:
    return Response(status_code=204)


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Server = Annotated[Parts, Depends(_parts)]


async def _caller(request: Request, parts: Server) -> User:
    user = parts.world.by_token(request.headers.get("authorization", ""))
    if user is None:
        raise unauthorized()
    return user


Caller = Annotated[User, Depends(_caller)]


async def _channel(channel_id: int, parts: Server, caller: Caller) -> Channel:
    channel = parts.world.channels.get(channel_id)
    if channel is None:
        raise unknown("channel")
    if not parts.world.can_see(caller.id, channel):
        raise missing_access()
    return channel


Place = Annotated[Channel, Depends(_channel)]


async def _guild(guild_id: int, parts: Server, caller: Caller) -> Guild:
    guild = parts.world.guilds.get(guild_id)
    if guild is None:
        raise unknown("guild")
    if caller.id not in guild.members:
        raise missing_access()
    return guild


Home = Annotated[Guild, Depends(_guild)]


async def _message(message_id: int, parts: Server, channel: Place) -> Message:
    return find_message(parts.world, channel, message_id)


Target = Annotated[Message, Depends(_message)]


async def _form(request: Request) -> Form:
    return await read_form(request)


Sent = Annotated[Form, Depends(_form)]


def need(parts: Parts, user: User, channel: Channel, permission: Permission) -> None:
    if not parts.world.permissions(user.id, channel) & permission:
        raise missing_permissions()
