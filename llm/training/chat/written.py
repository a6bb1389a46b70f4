"""The project's own writing from which the corpus grows: the TOML files in `text/`, read once per file."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "text"


@cache
def written(name: str) -> dict[str, Any]:
    """The content of `text/NAME.toml`. Its sentences follow `grammar`."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def words(kind: str) -> tuple[str, ...]:
    """One list of `text/words.toml`, in the order of the file."""
    return tuple(word.strip() for word in written("words")[kind].replace("\n", " ").split(","))
