"""Which models lie on this machine: the built-in ones and what the hub's cache holds. Downloads and loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huggingface_hub import CacheNotFound, scan_cache_dir

from llm import builtin


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be served without a download; `size_bytes` is what it takes on disk."""

    name: str
    source: Literal["built in", "hub cache"]
    size_bytes: int


def local_models() -> list[LocalModel]:
    """The built-in models, then the models in the hub's cache by name."""
    return [*_embedded(), *_cached()]


def _embedded() -> list[LocalModel]:
    folders = {name: builtin.folder_of(name) for name in builtin.installed()}
    return [LocalModel(name, "built in", _size(folder)) for name, folder in folders.items() if folder is not None]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _cached() -> list[LocalModel]:
    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return []
    models = (repository for repository in repositories if repository.repo_type == "model")
    return sorted((LocalModel(r.repo_id, "hub cache", r.size_on_disk) for r in models), key=lambda model: model.name)
