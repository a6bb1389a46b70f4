"""How an encoder's token vectors become one vector of a text: what the model's sentence-transformers files say.

Reads `modules.json`, `1_Pooling/config.json` and `sentence_bert_config.json`; without them the mean is taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers.utils import cached_file

from llm.worker.errors import LoadError

Mode = Literal["mean", "cls", "max", "lasttoken"]
MODES: dict[str, Mode] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "lasttoken",
}
KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, slots=True)
class Pooling:
    """How to pool, and the longest input in tokens that the model was made for (None: as long as its positions)."""

    mode: Mode = "mean"
    longest: int | None = None


def read_pooling(source: str, revision: str) -> Pooling:
    """What the files beside the model say. Raises LoadError for a module or a mode that is not known here."""
    modules = _read(source, revision, "modules.json") or []
    for module in modules:
        if str(module["type"]).rpartition(".")[2] not in KNOWN_MODULES:
            raise LoadError(f"the embedding model has a module {module['type']} that this worker does not know")
    folders = {str(module["type"]).rpartition(".")[2]: str(module["path"]) for module in modules}
    if "Pooling" not in folders:
        return Pooling()
    config = _read(source, revision, f"{folders['Pooling']}/config.json") or {}
    inner = folders.get("Transformer") or "."
    sizes = _read(source, revision, f"{inner}/sentence_bert_config.json".removeprefix("./")) or {}
    return Pooling(_mode(config), sizes.get("max_seq_length"))


def pool(vectors: torch.Tensor, mask: torch.Tensor, mode: Mode) -> torch.Tensor:
    """[texts, tokens, width] and [texts, tokens] (1 is content, padded on the right) → [texts, width], unit length."""
    weights = mask.unsqueeze(-1).to(vectors.dtype)
    if mode == "cls":
        pooled = vectors[:, 0]
    elif mode == "max":
        pooled = vectors.masked_fill(weights == 0, float("-inf")).amax(1)
    elif mode == "lasttoken":
        pooled = vectors[torch.arange(len(vectors), device=vectors.device), mask.sum(1) - 1]
    else:
        pooled = (vectors * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    return torch.nn.functional.normalize(pooled.float(), dim=-1)


def _mode(config: dict[str, Any]) -> Mode:
    """The one mode that is on, in the form of sentence-transformers 2 to 5 or the newer `pooling_mode`."""
    named = config.get("pooling_mode")
    on = [named] if named else [name for name, value in config.items() if name.startswith("pooling_mode_") and value]
    if len(on) == 1 and on[0] in MODES:
        return MODES[on[0]]
    if len(on) == 1 and on[0] in MODES.values():
        return next(mode for mode in MODES.values() if mode == on[0])
    raise LoadError(f"the embedding model pools by {', '.join(map(str, on)) or 'nothing'}; known: {', '.join(MODES)}")


def _read(source: str, revision: str, name: str) -> Any:  # noqa: ANN401 - JSON
    path = cached_file(source, name, revision=revision, _raise_exceptions_for_missing_entries=False)
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)
