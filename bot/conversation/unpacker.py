"""The program that opens what strangers attached: `python -I unpacker.py KIND`, a file on stdin, JSON on stdout.

It limits itself before it looks at a byte, and it imports nothing of Steward's: whatever a file makes it do, it knows
no secret, has no more memory, processor time or disk than its limits, and its end is nobody else's.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import resource
import signal
import sys
from collections.abc import Callable

SECONDS = 5
"""Of processor time; a moment later the kernel ends the process."""
MEMORY = 512 * 1024 * 1024
"""Bytes of address space."""
MOST_PAGES = 200
LONGEST_TEXT = 40_000
"""Characters; what is read at most of one file, about 10,000 tokens."""
LONGEST_DOCUMENT = 400_000
"""The same of a document that is looked things up in, and never read at once."""
LONGEST_SIDE = 1024
"""Pixels: models that see cut pictures down to about this."""
MOST_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
QUALITY = 85

Found = dict[str, object]


class Trouble(Exception):
    """Why the file cannot be read, in words for the person who attached it."""


class TimeIsUp(BaseException):
    """The processor time is used up: what was read so far is all. No library that forgives much may catch it."""


def limit() -> None:
    """Take away what a file could abuse: memory, processor time, files, core dumps."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXCPU, _time_is_up)


def pdf(data: bytes, longest: int = LONGEST_TEXT) -> Found:
    """{"pages", "read", "text"}: the text of the first `read` pages, as much as there is room for."""
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Trouble("it is protected by a password")
        pages = len(reader.pages)
        texts = _texts(lambda number: reader.pages[number].extract_text(), min(pages, MOST_PAGES), longest)
    except (DependencyError, FileNotDecryptedError):
        raise Trouble("it is protected by a password") from None
    except TimeIsUp:
        raise Trouble("it takes too long to open") from None
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OSError):
        raise Trouble("it is damaged, or no PDF") from None
    if not any(text.strip() for text in texts):
        raise Trouble("it has no text, only pictures of it")
    text = "\n".join(text.strip() for text in texts)
    return {"pages": pages, "read": len(texts), "text": text[: LONGEST_TEXT + 1]}  # one page may hold megabytes


def image(data: bytes) -> Found:
    """{"width", "height", "jpeg"}: the first frame upright, small enough for a model, without what a camera noted."""
    import warnings

    from PIL import Image, ImageOps, UnidentifiedImageError

    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            frame = opened if opened.mode in ("RGB", "RGBA", "L") else opened.convert("RGBA")
            frame.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(frame).convert("RGBA")
        paper = Image.new("RGBA", upright.size, "white")
        paper.alpha_composite(upright)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Trouble(f"it has more than {MOST_PIXELS // 1_000_000} million pixels") from None
    except TimeIsUp:
        raise Trouble("it takes too long to open") from None
    except UnidentifiedImageError:
        raise Trouble("it is no picture of a kind that I know") from None
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, AttributeError, EOFError):
        raise Trouble("it is damaged") from None
    small = io.BytesIO()
    paper.convert("RGB").save(small, "JPEG", quality=QUALITY)
    return {"width": paper.width, "height": paper.height, "jpeg": base64.b64encode(small.getvalue()).decode()}


def _texts(text_of: Callable[[int], str], pages: int, longest: int = LONGEST_TEXT) -> list[str]:
    """Page by page, until there is enough, or the time is up: then those that were read."""
    texts: list[str] = []
    characters = 0
    try:
        while len(texts) < pages and characters < longest:
            texts.append(text_of(len(texts)))
            characters += len(texts[-1])
    except TimeIsUp:
        if not texts:
            raise
    return texts


def _time_is_up(number: int, frame: object) -> None:
    raise TimeIsUp


def document(data: bytes) -> Found:
    """The same as `pdf`, of a long one."""
    return pdf(data, LONGEST_DOCUMENT)


KINDS: dict[str, Callable[[bytes], Found]] = {"pdf": pdf, "document": document, "image": image}


def main() -> None:
    """One file in, one JSON object out; {"trouble": why} where there is nothing to read."""
    limit()
    found: Found
    try:
        found = KINDS[sys.argv[1]](sys.stdin.buffer.read())
    except Trouble as trouble:
        found = {"trouble": str(trouble)}
    except MemoryError:
        found = {"trouble": "it needs too much memory to open"}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
