"""Pictures without a picture library: draws avatars and stickers, and reads how large an uploaded picture is. Pure."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Callable
from functools import cache

Colour = tuple[int, int, int]
AVATAR_PX = 64
STICKER_PX = 160
INK: Colour = (32, 36, 43)
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG's frame header, which holds its size."""


@cache
def disc(colour: Colour) -> bytes:
    """A PNG of a filled circle on a transparent ground."""
    return _png(AVATAR_PX, lambda x, y: colour if x * x + y * y <= 1 else None)


@cache
def face(colour: Colour) -> bytes:
    """A PNG of a smiling face, for a sticker."""
    return _png(STICKER_PX, lambda x, y: _face_at(x, y, colour))


def size_of(body: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, JPEG or WebP; None for anything else and for what is broken."""
    try:
        if body.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack(">II", body[16:24])
        elif body.startswith((b"GIF87a", b"GIF89a")):
            width, height = struct.unpack("<HH", body[6:10])
        elif body.startswith(b"\xff\xd8"):
            return _jpeg_size(body)
        elif body[:4] == b"RIFF" and body[8:16] == b"WEBPVP8X":
            width, height = (1 + int.from_bytes(body[at : at + 3], "little") for at in (24, 27))
        else:
            return None
    except (struct.error, IndexError):
        return None
    return width, height


def _jpeg_size(body: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(body) and body[at] == 0xFF:
        marker, length = body[at + 1], int.from_bytes(body[at + 2 : at + 4], "big")
        if marker in JPEG_SIZES:
            height, width = struct.unpack(">HH", body[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def _face_at(x: float, y: float, colour: Colour) -> Colour | None:
    """The colour at a point of the square from -1 to 1."""
    if x * x + y * y > 1:
        return None
    eye = (abs(x) - 0.34) ** 2 + (y + 0.22) ** 2 <= 0.014
    radius = x * x + y * y
    mouth = 0.30 <= radius <= 0.42 and y > 0.18
    return INK if eye or mouth else colour


def _png(side_px: int, at: Callable[[float, float], Colour | None]) -> bytes:
    middle = (side_px - 1) / 2
    rows = bytearray()
    for row in range(side_px):
        rows.append(0)
        for column in range(side_px):
            colour = at((column - middle) * 2 / side_px, (row - middle) * 2 / side_px)
            rows += bytes((*(colour or (0, 0, 0)), 0 if colour is None else 255))
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


HASH = 32
"""Digits of a picture's hash."""
_DEFAULT = re.compile(r"/embed/avatars/(\d+)\.png")


def hash_of(address: str | None) -> str | None:
    """What Discord calls a picture by after it has fetched it; one of the default pictures keeps its number."""
    if address is None:
        return None
    if default := _DEFAULT.search(address):
        return f"{int(default[1]):0{HASH}x}"[:HASH]
    return hashlib.sha256(address.encode()).hexdigest()[:HASH]
