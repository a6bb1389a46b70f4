"""What a model's name means: built in, a local folder or GGUF file, or a repository on the hub.

It loads nothing, asks no network and needs no torch."""

from __future__ import annotations

from pathlib import Path

from llm import builtin
from llm.worker.errors import LoadError

DEFAULT_EMBEDDED = "chat"
DEFAULT_REVISION = "main"
GGUF = ".gguf"


def locate(name: str) -> tuple[str, str]:
    """(folder, GGUF file or hub id, revision). Raises LoadError when it can be none, or when the folder holds no model.

    A GGUF file on the hub is `owner/name/file.gguf`, with its revision behind: all but the hub id ends in .gguf."""
    if name == "embedded" or name.startswith(builtin.PREFIX):
        built_in = builtin.folder_of(served_name(name))
        if built_in is None:
            raise LoadError(f"there is no built-in model {name!r} here; built in are {', '.join(builtin.installed())}")
        return str(built_in), DEFAULT_REVISION
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _checked(folder, f"the folder {name} holds no model: it has no config.json")
    if folder.is_file() and folder.suffix == GGUF:
        return str(folder), DEFAULT_REVISION
    hub_id, _, revision = name.partition("@")
    slashes = 2 if hub_id.endswith(GGUF) else 1
    if folder.is_absolute() or name.startswith((".", "~")) or hub_id.count("/") != slashes:
        raise LoadError(
            f"unknown model {name!r}: no such folder or .gguf file, and a hub id looks like owner/name or "
            "owner/name@revision"
        )
    return hub_id, revision or DEFAULT_REVISION


def served_name(model: str) -> str:
    """The name under which a model is listed: what the owner wrote, `embedded` in full."""
    return f"{builtin.PREFIX}{DEFAULT_EMBEDDED}" if model == "embedded" else model


def _checked(folder: Path, complaint: str) -> tuple[str, str]:
    if not (folder / "config.json").is_file():
        raise LoadError(complaint)
    return str(folder), DEFAULT_REVISION
