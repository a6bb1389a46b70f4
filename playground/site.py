"""What is not Discord's API: the page, its files, /playground.json and /health."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from playground.rest.edge import Server

PAGE = Path(__file__).parent / "page"
FRESH = {"Cache-Control": "no-cache"}

routes = APIRouter()


class FreshFiles(StaticFiles):
    """Files that a browser asks for anew each time, so that an update of the page shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(FRESH)
        return response


@routes.get("/")
async def index() -> Response:
    return FileResponse(PAGE / "index.html", headers=FRESH)


@routes.get("/health")
async def health() -> Response:
    return JSONResponse({"status": "ready"})


@routes.get("/playground.json")
async def playground(parts: Server) -> Response:
    """Where everything is, for the page and for programs that act as people."""
    world = parts.world
    guild = next(iter(world.guilds.values()))
    return JSONResponse(
        {
            "guild": {"id": str(guild.id), "name": guild.name},
            "channels": [
                {"id": str(one.id), "name": one.name, "type": one.type} for one in world.guild_channels(guild.id)
            ],
            "people": [{"id": str(one.id), "name": one.name, "token": one.token} for one in world.people],
            "bot": {"id": str(world.bot.id), "name": world.bot.name},
        },
        headers=FRESH,
    )
