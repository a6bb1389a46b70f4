"""Which models lie on this machine, and how they leave it: the built-in ones and what the hub's cache holds.

It downloads and loads nothing."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from llm import builtin

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
MODELS = "models--"  # how the hub's cache begins the name of a model's folder


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that lies here; `size_bytes` is what it takes on disk. An incomplete one waits for its pull to go on."""

    name: str
    source: Literal["built in", "hub cache"]
    size_bytes: int
    complete: bool = True


def local_models() -> list[LocalModel]:
    """The built-in models, then the models in the hub's cache by name."""
    return [*_embedded(), *_cached()]


def _embedded() -> list[LocalModel]:
    folders = {name: builtin.folder_of(name) for name in builtin.installed()}
    return [
        LocalModel(name, "built in", size_on_disk(folder)) for name, folder in folders.items() if folder is not None
    ]


def _cached() -> list[LocalModel]:
    folders = sorted(Path(constants.HF_HUB_CACHE).glob(f"{MODELS}*/"))
    return [
        LocalModel(
            folder.name.removeprefix(MODELS).replace("--", "/"), "hub cache", size_on_disk(folder), _is_complete(folder)
        )
        for folder in folders
    ]


def _is_complete(folder: Path) -> bool:
    """Whether no download into this folder was interrupted, by Steward or by huggingface_hub itself."""
    blobs = folder / "blobs"
    return not any(blobs.glob("*.partial")) and not any(blobs.glob("*.incomplete"))


def cached_folder(hub_id: str) -> Path | None:
    """Where the hub's cache keeps this model, complete or not; None when it has nothing of it.

    Revisions share files and go together."""
    if HUB_ID.fullmatch(hub_id) is None:
        return None
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=hub_id, repo_type="model")
    return folder if folder.is_dir() else None


def size_on_disk(folder: Path) -> int:
    """Bytes that removing the folder frees: its files, without the links between them."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def remove(folder: Path) -> None:
    """Delete a folder that `cached_folder` named, and the locks of its files."""
    shutil.rmtree(folder.parent / ".locks" / folder.name, ignore_errors=True)
    shutil.rmtree(folder)
