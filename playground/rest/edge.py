"""What every route shares: who is calling, which channel and message it is about, rate limits, errors, and the commit.

It does not know what the routes do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playground.errors import DiscordError, invalid_form, missing_access, missing_permissions, unauthorized, unknown
from playground.faults import Fault
from playground.limits import Verdict
from playground.messages import find_message
from playground.models import Channel, Guild, Json, Message, User
from playground.parts import Parts
from playground.permissions import Permission
from playground.rest.body import Form, read_form

PREFIX = "/api/v10"
FAULT_HEADER = "X-Playground-Fault"
"""On answers that went wrong on purpose: the fault's name."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
MAJOR_PARAMETERS = ("channel_id", "guild_id", "application_id", "interaction_id", "token")


class DiscordRoute(APIRoute):
    """A route with Discord's habits: counted, refused in Discord's shape, answered once its changes are on disk."""

    def get_route_handler(self) -> Handler:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            parts: Parts = request.app.state.parts
            template = self.path_format.removeprefix(PREFIX)
            verdict = _count(parts, request, template)
            name, fault = _strikes(parts, request, template)
            if fault is not None and fault.kind == "refuse":
                verdict = replace(
                    verdict, remaining=0, reset_after_s=fault.seconds, refused=True, everywhere=fault.everywhere
                )
            if verdict.refused:
                response: Response = JSONResponse(verdict.body(), 429)
            else:
                response = await _through(fault, handler, request)
            await parts.world.store.flush()
            response.headers.update(verdict.headers() | ({} if fault is None else {FAULT_HEADER: name}))
            return response

        return handle


def router() -> APIRouter:
    return APIRouter(prefix=PREFIX, route_class=DiscordRoute)


def _count(parts: Parts, request: Request, template: str) -> Verdict:
    """Every `Bot …` token is the one bot's; who has no token (webhooks, interactions) is known by the path's."""
    who = request.headers.get("authorization") or str(request.path_params.get("token", ""))
    who = "Bot" if who.startswith("Bot ") else who
    where = "/".join(str(request.path_params.get(name, "")) for name in MAJOR_PARAMETERS)
    return parts.limits.take(request.method, template, who, where)


def _strikes(parts: Parts, request: Request, template: str) -> tuple[str, Fault | None]:
    """What goes wrong on purpose. Who has no token answers interactions, so it is the bot."""
    by_bot = request.headers.get("authorization", "Bot ").startswith("Bot ")
    return parts.faults.of_request(request.method, template, by_bot=by_bot) or ("", None)


async def _through(fault: Fault | None, handler: Handler, request: Request) -> Response:
    """The route's own answer, unless a fault is in its way."""
    if fault is None:
        return await _answer(handler, request)
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
        return await _answer(handler, request)
    if fault.kind == "lose":
        await _answer(handler, request)
    return JSONResponse({"message": f"{fault.status}: on purpose", "code": 0}, fault.status)


async def _answer(handler: Handler, request: Request) -> Response:
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
