"""One LoRA adapter over the loaded model: merged where that is exact enough, kept beside quantized weights otherwise.

Merging into quantized weights would round the sum a second time. peft comes in here and nowhere else; this file knows
no HTTP and no engine.
"""

from __future__ import annotations

from pathlib import Path

from peft import LoraConfig, PeftConfig, PeftModel
from safetensors import SafetensorError
from transformers import PreTrainedModel

from llm.worker.errors import LoadError

ONLY = "default"  # peft's name for the one adapter


def apply_adapter(model: PreTrainedModel, name: str, folder: Path, base: str, merge: bool) -> PreTrainedModel:
    """The model with the adapter in it; the model given is changed and must not be used on. Raises LoadError.

    `base` is the model's name, for the complaint; `merge` adds the adapter to the weights themselves."""
    made_for = "another model"
    try:
        config = PeftConfig.from_pretrained(str(folder))
        made_for = str(config.base_model_name_or_path or made_for)
        if not isinstance(config, LoraConfig):
            raise LoadError(f"the adapter {name} is of type {config.peft_type}: LoRA only is supported")
        adapted = PeftModel(model, config, ONLY, autocast_adapter_dtype=False)
        found = adapted.load_adapter(str(folder), ONLY, is_trainable=False, autocast_adapter_dtype=False)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise LoadError(f"{_misfit(name, base, made_for)}: {_brief(error)}") from error
    strange = [*found.missing_keys, *found.unexpected_keys]
    if strange:
        raise LoadError(f"{_misfit(name, base, made_for)}: {len(strange)} of its layers differ, such as {strange[0]}")
    return _merged(adapted) if merge else _beside(adapted, model)


def _merged(adapted: PeftModel) -> PreTrainedModel:
    model: PreTrainedModel = adapted.merge_and_unload(safe_merge=True)
    return model


def _beside(adapted: PeftModel, model: PreTrainedModel) -> PreTrainedModel:
    """The base model itself: peft has put the adapter into its layers. It computes in the model's own precision."""
    for name, parameter in model.named_parameters():
        if ".lora_" in name:
            parameter.data = parameter.data.to(model.dtype)
    adapted.eval()
    return model


def _misfit(name: str, base: str, made_for: str) -> str:
    return f"the adapter {name} does not fit the model {base} (it was made for {made_for})"


def _brief(error: Exception) -> str:
    """The line that says it: torch puts a headline before the first layer that does not match."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)] if lines else type(error).__name__
