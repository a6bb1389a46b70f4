"""PDF files and pictures → their text and a small JPEG, each opened by a process of its own (`unpacker`), with limits.

It does not know where files come from, nor what is done with what was in them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.conversation import unpacker

LARGEST = 20 * 1024 * 1024
"""Bytes of the largest file that is opened."""
PATIENCE_S = 30.0
"""The process has five seconds of processor time; on a busy machine those take longer."""
AT_ONCE = 2
"""Processes: each may take half a GiB."""
_PROGRAM = Path(unpacker.__file__)
_LIMIT = 16 * 1024 * 1024
"""Bytes of what the program may say."""


class Unreadable(Exception):
    """There is nothing to read in the file; `str(error)` says why, in English, for models and logs, and `_` of
    `sentence` and `values` to the person who attached it."""

    def __init__(self, sentence: str, **values: str) -> None:
        super().__init__(sentence.format(**values) if values else sentence)
        self.sentence = sentence
        self.values = values


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a model gets it: JPEG, its longest side bounded, sizes in pixels."""

    jpeg: bytes
    width: int
    height: int


class Unpacking:
    """Opens files, a few at a time. Every method raises Unreadable."""

    def __init__(self, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._room = asyncio.Semaphore(AT_ONCE)

    async def pdf(self, data: bytes) -> str:
        """The text of a PDF; what is left out is said at its end."""
        return _told(await self._unpacked("pdf", data), unpacker.LONGEST_TEXT)

    async def document(self, data: bytes) -> str:
        """The same of a PDF that may be ten times as long."""
        return _told(await self._unpacked("document", data), unpacker.LONGEST_DOCUMENT)

    async def image(self, data: bytes) -> Picture:
        """The picture, upright and small."""
        found = await self._unpacked("image", data)
        return Picture(base64.b64decode(found["jpeg"]), int(found["width"]), int(found["height"]))

    async def _unpacked(self, kind: str, data: bytes) -> dict[str, Any]:
        if len(data) > LARGEST:
            raise Unreadable("it is larger than {size}", size=f"{LARGEST // 2**20} MiB")
        async with self._room:
            said = await self._run(kind, data)
        try:
            found: dict[str, Any] = json.loads(said)
        except ValueError:
            raise Unreadable("it could not be opened within the limits that keep me safe") from None
        if "trouble" in found:
            raise Unreadable(str(found["trouble"]))
        return found

    async def _run(self, kind: str, data: bytes) -> bytes:
        """What the program says; nothing where a limit ended it. It gets no environment: there are secrets in ours."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(_PROGRAM), kind),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
            limit=_LIMIT,
        )
        try:
            async with asyncio.timeout(self._patience_s):
                said, _ = await process.communicate(data)
        except TimeoutError:
            raise Unreadable("it takes too long to open") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return said


def _told(found: dict[str, Any], longest: int) -> str:
    """The text, and what of it is left out."""
    text, read, pages = str(found["text"]), int(found["read"]), int(found["pages"])
    whole = text[:longest]
    if len(whole) < len(text) or read < pages:
        characters = f", {longest:,} characters" if len(whole) < len(text) else ""
        return f"{whole}\n… (the first {read} of {pages} pages{characters})"
    return whole
