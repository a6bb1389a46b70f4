"""PDF files and pictures as strangers attach them, made on the spot."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image
from pypdf import PdfReader, PdfWriter


def pdf(*pages: str) -> bytes:
    """A PDF with a line of text on each page; a page without text has nothing on it."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", _tree(len(pages))]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1") if text else b""
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    return _file(objects)


def locked_pdf(text: str, password: str) -> bytes:
    """A PDF that opens with a password only."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(text))))
    writer.encrypt(password, algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def picture(width: int = 30, height: int = 20, kind: str = "PNG", mode: str = "RGB") -> bytes:
    """A picture of one colour."""
    drawn = io.BytesIO()
    Image.new(mode, (width, height)).save(drawn, kind)
    return drawn.getvalue()


def _tree(pages: int) -> bytes:
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(pages))
    return b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages)


def _file(objects: Sequence[bytes]) -> bytes:
    """Numbered objects with the table of where each begins."""
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer
