"""What Discord has a CDN for: avatars, drawn on the spot, and the attachments that were uploaded."""

from __future__ import annotations

import struct
import zlib

from fastapi import APIRouter
from starlette.responses import Response

from playground.rest.edge import Server

routes = APIRouter(prefix="/cdn")
AVATAR_PX = 64
COLOURS = ((88, 101, 242), (117, 126, 138), (59, 165, 93), (250, 166, 26), (237, 66, 69), (235, 69, 158))
SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp")
YEAR_S = 31_536_000


@routes.get("/embed/avatars/{name}.png")
async def default_avatar(name: str) -> Response:
    index = int(name) if name.isdigit() else sum(name.encode())
    picture = disc(COLOURS[index % len(COLOURS)])
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


def disc(colour: tuple[int, int, int]) -> bytes:
    """A PNG of a filled circle on a transparent ground."""
    middle = (AVATAR_PX - 1) / 2
    rows = bytearray()
    for y in range(AVATAR_PX):
        rows.append(0)
        for x in range(AVATAR_PX):
            inside = (x - middle) ** 2 + (y - middle) ** 2 <= (AVATAR_PX / 2) ** 2
            rows += bytes((*colour, 255 if inside else 0))
    header = struct.pack(">IIBBBBB", AVATAR_PX, AVATAR_PX, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
