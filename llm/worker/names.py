"""What a model's name means: built in, a local folder, or a repository on the hub. It loads nothing, needs no torch."""

from __future__ import annotations

from pathlib import Path

from llm.worker.errors import LoadError

EMBEDDED = Path(__file__).resolve().parent.parent / "embedded"
DEFAULT_EMBEDDED = "chat"
DEFAULT_REVISION = "main"


def locate(name: str) -> tuple[str, str]:
    """(folder or hub id, revision). Raises LoadError when it can be neither, or when the folder holds no model."""
    if name == "embedded" or name.startswith("embedded/"):
        folder = EMBEDDED / (name.partition("/")[2] or DEFAULT_EMBEDDED)
        return _checked(folder, f"there is no built-in model {name!r} here: {folder} has no config.json")
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _checked(folder, f"the folder {name} holds no model: it has no config.json")
    hub_id, _, revision = name.partition("@")
    if folder.is_absolute() or name.startswith((".", "~")) or hub_id.count("/") != 1:
        raise LoadError(
            f"unknown model {name!r}: no such folder, and a hub id looks like owner/name or owner/name@revision"
        )
    return hub_id, revision or DEFAULT_REVISION


def served_name(model: str) -> str:
    """The name under which a model is listed: what the owner wrote, `embedded` in full."""
    return f"embedded/{DEFAULT_EMBEDDED}" if model == "embedded" else model


def _checked(folder: Path, complaint: str) -> tuple[str, str]:
    if not (folder / "config.json").is_file():
        raise LoadError(complaint)
    return str(folder), DEFAULT_REVISION
