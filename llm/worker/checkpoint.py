"""A model's files in a folder on this machine, fetched from the hub where they are not here yet. It loads nothing.

What may not be read is refused: pickled weights always, a model's own code unless the owner trusts that very model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm.worker.errors import LoadError
from llm.worker.hub import CONFIG, MODEL, PICKLES, OnBytes, Selection, fetch, file_names
from llm.worker.names import GGUF, locate

CODE = "*.py"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER = Selection((ADAPTER_CONFIG, ADAPTER_WEIGHTS))
CONFIG_FILES = ("config.json", "tokenizer_config.json")  # which may name classes that the model brings itself

Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A local folder with a model in it; `gguf` is the file's name in that folder where the model is a GGUF file."""

    name: str
    folder: Path
    gguf: str | None = None
    trusted: bool = False  # its own code may run: the owner named it

    @property
    def options(self) -> dict[str, Any]:
        """What every `from_pretrained` of this model must be told."""
        return {"trust_remote_code": self.trusted} | ({"gguf_file": self.gguf} if self.gguf else {})


def obtain(name: str, trusted: Collection[str], on_bytes: OnBytes, selection: Selection = MODEL) -> Checkpoint:
    """All files that loading takes, downloaded where they are missing. Raises LoadError."""
    checkpoint = _obtain(name, trusted, selection, on_bytes)
    if checkpoint.gguf is None and not any(checkpoint.folder.glob("*.safetensors")):
        raise LoadError(_no_safetensors(name, checkpoint.folder))
    if checkpoint.gguf is None and not (checkpoint.folder / CONFIG_FILES[0]).is_file():
        raise LoadError(f"{name} holds no model: it has no config.json (a LoRA adapter belongs into [worker] adapter)")
    if (checkpoint.folder / ADAPTER_CONFIG).is_file():  # transformers would go and load another model, which it names
        raise LoadError(f"{name} is a LoRA adapter: it belongs into [worker] adapter, and its base model into model")
    return checkpoint


def obtain_adapter(name: str, on_bytes: OnBytes) -> Path:
    """The adapter's folder, downloaded where it is missing. Raises LoadError: no adapter, or a pickled one."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        files = [path.name for path in folder.iterdir()]
    else:
        hub_id, revision = locate(name)
        folder = fetch(hub_id, revision, ADAPTER, on_bytes)
        complete = all((folder / file).is_file() for file in ADAPTER.allow)
        files = list(ADAPTER.allow) if complete else file_names(hub_id, revision)
    if ADAPTER_CONFIG not in files:
        raise LoadError(
            f"{name} holds no adapter: it has no {ADAPTER_CONFIG} (a whole model belongs into [worker] model)"
        )
    if ADAPTER_WEIGHTS not in files:
        pickled = PICKLES.of(files)
        why = f"its weights are pickled ({pickled[0]}): reading them can run code" if pickled else "it has no weights"
        raise LoadError(f"cannot use the adapter {name}: {why}; it must come with {ADAPTER_WEIGHTS}")
    return folder


def obtain_config(name: str, trusted: Collection[str]) -> Checkpoint:
    """The model's config alone, for questions before a download. Raises LoadError; also for a GGUF file on the hub."""
    source, _ = locate(name)
    if source.endswith(GGUF) and not Path(source).is_file():
        raise LoadError(f"{name}: a GGUF file keeps its config inside, so it must be pulled before it can be measured")
    return _obtain(name, trusted, CONFIG, lambda here, total: None)


def is_trusted(name: str, trusted: Collection[str]) -> bool:
    """Whether the owner named this very model: `owner/name` means all its revisions, `owner/name@revision` that one."""
    return name in trusted or name.partition("@")[0] in trusted


def _obtain(name: str, trusted: Collection[str], selection: Selection, on_bytes: OnBytes) -> Checkpoint:
    source, revision = locate(name)
    path = Path(source)
    if path.is_file():
        return Checkpoint(name, path.parent, path.name)
    if path.is_dir():
        return _checked(Checkpoint(name, path, trusted=is_trusted(name, trusted)), trusted)
    if source.endswith(GGUF):
        hub_id, _, file = source.rpartition("/")
        folder = fetch(hub_id, revision, Selection((file,)), on_bytes)
        if not (folder / file).is_file():
            raise LoadError(f"{hub_id} has no file {file} on the hub")
        return Checkpoint(name, folder, file)
    believed = is_trusted(name, trusted)
    chosen = Selection((*selection.allow, CODE), selection.ignore) if believed else selection
    return _checked(Checkpoint(name, fetch(source, revision, chosen, on_bytes), trusted=believed), trusted)


def _checked(checkpoint: Checkpoint, trusted: Collection[str]) -> Checkpoint:
    """A trusted model may still send for the code of another repository; that one must be trusted, too."""
    if not checkpoint.trusted:
        return checkpoint
    for other in _other_repositories(checkpoint.folder):
        if not is_trusted(other, trusted):
            raise LoadError(
                f"{checkpoint.name} runs code of {other}: if you trust that too, add it to [worker] trust_remote_code"
            )
    return checkpoint


def _other_repositories(folder: Path) -> Iterator[str]:
    """Repositories named before `--` in `auto_map`, as transformers writes them."""
    for file in CONFIG_FILES:
        if (folder / file).is_file():
            classes = _read(folder / file).get("auto_map")
            for each in classes.values() if isinstance(classes, dict) else ():
                for reference in each if isinstance(each, list) else [each]:
                    if isinstance(reference, str) and "--" in reference:
                        yield reference.partition("--")[0]


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise LoadError(f"{file} is not valid JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def _no_safetensors(name: str, folder: Path) -> str:
    source, revision = locate(name)
    names = [path.name for path in folder.iterdir()] if Path(source).is_dir() else file_names(source, revision)
    pickles = PICKLES.of(names)
    if pickles:
        return (
            f"the weights of {name} are pickled ({pickles[0]}): reading them can run code, so Steward reads "
            "safetensors only; choose a model or a revision that has them, or convert it (save_pretrained)"
        )
    return f"{name} has no weights in safetensors files"
