"""A built-in encoder's weights from three files: the encoder below, a low-rank adapter and a head over it.

The adapter is in peft's format and is added to the weights here, since peft is not part of every installation and takes
seconds to import. It knows no task and no request.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, PreTrainedModel

from llm.builtin import HEAD, WEIGHTS
from llm.worker.checkpoint import ADAPTER_CONFIG, ADAPTER_WEIGHTS

BEFORE, DOWN, UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"  # peft's names


def assembled(factory: Any, below: Path, folder: Path) -> PreTrainedModel:  # noqa: ANN401 - one of transformers' Autos
    """The whole model in float32. Raises ValueError, one line, where the files do not belong together."""
    model: PreTrainedModel = factory.from_config(AutoConfig.from_pretrained(folder, trust_remote_code=False))
    prefix = f"{model.base_model_prefix}."
    weights = {f"{prefix}{name}": value.float() for name, value in load_file(below / WEIGHTS).items()}
    weights |= {name: value.float() for name, value in load_file(folder / HEAD).items()}
    _add_adapter(weights, folder)
    wanted = set(model.state_dict())
    missing = sorted(wanted - set(weights))
    if missing:
        raise ValueError(f"its files lack {missing[0]} ({len(missing)} in all)")
    model.load_state_dict({name: value for name, value in weights.items() if name in wanted})
    return model


def _add_adapter(weights: dict[str, Tensor], folder: Path) -> None:
    """weight + up · down · alpha / rank, as peft merges it."""
    stated = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    scale = float(stated["lora_alpha"]) / float(stated["r"])
    adapter = load_file(folder / ADAPTER_WEIGHTS)
    for name, down in adapter.items():
        if not name.endswith(DOWN):
            continue
        layer = name.removeprefix(BEFORE).removesuffix(DOWN)
        up = adapter[f"{BEFORE}{layer}{UP}"]
        if f"{layer}.weight" not in weights:
            raise ValueError(f"the adapter changes {layer}, which the model below lacks")
        weights[f"{layer}.weight"] = weights[f"{layer}.weight"] + scale * (up.float() @ down.float())
