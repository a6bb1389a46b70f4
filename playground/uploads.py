"""Files that come with a message: how large and how many, and what Discord makes of their kind. Pure."""

from __future__ import annotations

import mimetypes

from playground import pictures
from playground.drafts import Upload
from playground.errors import too_large, too_long
from playground.models import Attachment, Payload

FILE_LIMIT_BYTES = 10 * 1024 * 1024
FILES_LIMIT = 10
UNNAMED = "application/octet-stream"
TEXTS = frozenset({"application/json", "application/xml", "application/javascript", "application/toml"})


def attachment(identity: int, upload: Upload, told: Payload) -> Attachment:
    """What is kept of an upload beside its bytes; `told` is what the message's body says of it."""
    if len(upload.body) > FILE_LIMIT_BYTES:
        raise too_large()
    name = str(told.get("filename") or upload.filename).replace("/", "_").replace("\\", "_")
    width, height = pictures.size_of(upload.body) or (None, None)
    kind = _content_type(name, upload)
    return Attachment(identity, name, len(upload.body), kind, told.get("description"), width, height)


def refuse_too_many(count: int) -> None:
    if count > FILES_LIMIT:
        raise too_long("attachments", FILES_LIMIT)


def _content_type(name: str, upload: Upload) -> str:
    """By the sender's word or the name's ending; texts with their encoding, as Discord writes it."""
    kind = upload.content_type if upload.content_type != UNNAMED else mimetypes.guess_type(name)[0] or UNNAMED
    if not kind.startswith("text/") and kind not in TEXTS:
        return kind
    try:
        upload.body.decode()
    except UnicodeDecodeError:
        return kind
    return f"{kind.partition(';')[0]}; charset=utf-8"
