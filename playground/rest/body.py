"""Reads request bodies: JSON, or multipart with payload_json and files. It does not know what is asked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

from starlette.requests import Request

from playground.drafts import Upload
from playground.errors import bad_json, too_large
from playground.models import Json, Payload

BODY_LIMIT_BYTES = 25 * 1024 * 1024
FILE_FIELD = re.compile(r"files\[(\d+)\]$|file$")


@dataclass(slots=True)
class Form:
    body: Payload = field(default_factory=dict)
    items: list[Json] = field(default_factory=list)
    """The body when it is a JSON array (bulk overwrites)."""
    uploads: dict[int, Upload] = field(default_factory=dict)


async def read_form(request: Request) -> Form:
    """The request's body. Raises Discord's errors for what is not JSON and for more than 25 MiB."""
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT_BYTES:
        raise too_large()
    raw = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        return _multipart(kind, raw)
    if not raw:
        return Form()
    parsed = _json(raw)
    return Form(items=parsed) if isinstance(parsed, list) else Form(body=parsed)


def _json(raw: bytes) -> Json:
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        raise bad_json() from None
    if not isinstance(parsed, (dict, list)):
        raise bad_json()
    return parsed


def _multipart(kind: str, raw: bytes) -> Form:
    parser = BytesParser(EmailMessage, policy=HTTP)
    message = parser.parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + raw)
    form = Form()
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if part.is_multipart() or not isinstance(name, str):
            continue
        body = part.get_payload(decode=True)
        if not isinstance(body, bytes):
            continue
        if name == "payload_json":
            form.body = _json(body)
        elif (match := FILE_FIELD.match(name)) is not None:
            upload = Upload(part.get_filename() or "file", part.get_content_type(), body)
            form.uploads[int(match[1] or 0)] = upload
    return form
