"""What Discord has a CDN for: avatars, drawn on the spot, and the attachments that were uploaded."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from playground.pictures import HASH, disc, face
from playground.rest.edge import Server

routes = APIRouter(prefix="/cdn")
COLOURS = ((88, 101, 242), (117, 126, 138), (59, 165, 93), (250, 166, 26), (237, 66, 69), (235, 69, 158))
SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp")
YEAR_S = 31_536_000


@routes.get("/embed/avatars/{name}.png")
async def default_avatar(name: str) -> Response:
    index = int(name) if name.isdigit() else sum(name.encode())
    picture = disc(COLOURS[index % len(COLOURS)])
    return Response(picture, media_type="image/png", headers={"Cache-Control": f"max-age={YEAR_S}"})


@routes.get("/avatars/{author_id}/{picture}.png")
async def avatar(author_id: int, picture: str) -> Response:
    """The picture of a webhook's message. No address that somebody named is ever fetched: it is drawn by its hash."""
    index = int(picture, 16) if len(picture) == HASH and set(picture) <= set("0123456789abcdef") else 0
    drawn = disc(COLOURS[index % len(COLOURS)])
    return Response(drawn, media_type="image/png", headers={"Cache-Control": f"max-age={YEAR_S}"})


@routes.get("/stickers/{sticker_id}.png")
async def sticker(sticker_id: str) -> Response:
    picture = face(COLOURS[(int(sticker_id) if sticker_id.isdigit() else 0) % len(COLOURS)])
    return Response(picture, media_type="image/png", headers={"Cache-Control": f"max-age={YEAR_S}"})


@routes.get("/attachments/{channel_id}/{attachment_id}/{filename}")
async def attachment(channel_id: int, attachment_id: int, filename: str, parts: Server) -> Response:
    """The uploaded bytes. Only pictures open in the browser; anything else is a download: no page can run here."""
    body = await parts.world.store.file(attachment_id)
    if body is None:
        return Response("404: Not Found", 404)
    kind = next((one for one in SHOWN_INLINE if one.endswith(filename.rpartition(".")[2].lower())), None)
    headers = {"X-Content-Type-Options": "nosniff"}
    if kind is None:
        headers["Content-Disposition"] = "attachment"
    return Response(body, media_type=kind or "application/octet-stream", headers=headers)
