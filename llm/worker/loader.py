"""A model's name → model, tokenizer and everything that is known about them. It knows no HTTP, no engine, no queue.

safetensors only; `trust_remote_code` is off: a model cannot bring code into this process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import torch
import transformers
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from llm.config import Device, Quantization
from llm.worker.errors import LoadError
from llm.worker.names import locate
from llm.worker.template import ChatTemplate
from llm.worker.text import Decode

NF4_WIDTH = 64  # the CPU kernel of nf4 computes in groups of so many inputs
HEADROOM = 1.2  # weights must fit with this factor, for activations and the KV cache
UNSTATED_CONTEXT = 2048  # for the few models whose config names no longest context

Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """What the model's own generation_config asks for where a request says nothing."""

    temperature: float
    top_p: float
    top_k: int


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory; `context` and `kv_bytes_per_token` are read from its config."""

    model: PreTrainedModel
    template: ChatTemplate
    decode: Decode
    hidden_ids: frozenset[int]  # special tokens: they steer and are never shown
    eos_ids: frozenset[int]
    context: int
    kv_bytes_per_token: int
    defaults: SamplingDefaults
    device: str
    quantization: Quantization


def load(name: str, quantization: Quantization, device: Device, report: Report) -> LoadedModel:
    """Load by hub id (`owner/name`, optional `@revision`), local folder or `embedded…`. Raises LoadError, one line."""
    _quiet_libraries()
    source, revision = locate(name)
    target = _choose_device(device)
    try:
        report("reading the model's configuration", 0.1)
        config = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
        report("reading the tokenizer", 0.2)
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=False)
        shape = _empty_model(config)
        chosen = choose_quantization(quantization, shape, config, target)
        report("reading the weights", 0.3)
        model = _read_weights(source, revision, config, shape, chosen, target)
    except (OSError, ValueError, ImportError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise LoadError(f"cannot load the model {name!r}: {_first_line(error)}") from error
    return _describe(model, tokenizer, target, chosen)


def choose_quantization(
    wanted: Quantization, shape: PreTrainedModel, config: PreTrainedConfig, device: str
) -> Quantization:
    """What to load as: `auto` takes the most exact that fits the GPU, and nothing is quantized on a CPU unasked.

    Raises LoadError for nf4 on a CPU when a layer's width is not a multiple of 64."""
    if getattr(config, "quantization_config", None) is not None:
        if wanted in ("int8", "nf4"):
            raise LoadError(f"the model is quantized already; {wanted} cannot be put on top of it: use auto or none")
        return "none"
    if wanted == "auto":
        return _what_fits(shape.num_parameters()) if device == "cuda" else "none"
    if wanted == "nf4" and device == "cpu":
        _check_nf4_widths(shape)
    return wanted


def _what_fits(parameters: int) -> Quantization:
    free, _ = torch.cuda.mem_get_info()
    if parameters * 2 * HEADROOM <= free:
        return "none"
    return "int8" if parameters * HEADROOM <= free else "nf4"


def _check_nf4_widths(shape: PreTrainedModel) -> None:
    output = shape.get_output_embeddings()
    for name, layer in shape.named_modules():
        if isinstance(layer, torch.nn.Linear) and layer is not output and layer.in_features % NF4_WIDTH:
            raise LoadError(
                f"nf4 on a CPU needs layer widths that are multiples of {NF4_WIDTH}; "
                f"{name} is {layer.in_features} wide: use int8 or none"
            )


def _empty_model(config: PreTrainedConfig) -> PreTrainedModel:
    """The model's layers without memory, to count and measure them before anything large is read."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, trust_remote_code=False)


def _read_weights(
    source: str,
    revision: str,
    config: PreTrainedConfig,
    shape: PreTrainedModel,
    quantization: Quantization,
    device: str,
) -> PreTrainedModel:
    dtype = _choose_dtype(config, shape.num_parameters(), device)
    options: dict[str, Any] = {"device_map": "auto" if device == "cuda" else {"": "cpu"}}
    if quantization == "int8":
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    elif quantization == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if device == "cuda" else dtype,
        )
    model, found = AutoModelForCausalLM.from_pretrained(
        source,
        revision=revision,
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **options,
    )
    if found["missing_keys"]:  # transformers would go on with random numbers in their place
        missing = sorted(found["missing_keys"])
        raise ValueError(f"{len(missing)} weights are missing from its files, such as {missing[0]}")
    return model


def _choose_dtype(config: PreTrainedConfig, parameters: int, device: str) -> torch.dtype:
    """The checkpoint's own on a GPU; on a CPU float32, where half the memory takes it: half precision is slow there."""
    stored = config.get_text_config().dtype or config.dtype or torch.float32
    if device == "cpu" and parameters * 4 <= psutil.virtual_memory().available / 2:
        return torch.float32
    return stored if isinstance(stored, torch.dtype) else getattr(torch, str(stored))


def _choose_device(wanted: Device) -> str:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise LoadError("device cuda was asked for, but torch sees no CUDA GPU here: use --device cpu or auto")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _describe(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, device: str, quantization: Quantization
) -> LoadedModel:
    config = model.config.get_text_config()
    generation = model.generation_config
    eos_ids = _eos_ids(generation.eos_token_id) | _eos_ids(tokenizer.eos_token_id)

    def decode(ids: Sequence[int]) -> str:
        return str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    return LoadedModel(
        model=model,
        template=ChatTemplate(tokenizer),
        decode=decode,
        hidden_ids=_special_ids(tokenizer) | eos_ids,
        eos_ids=eos_ids,
        context=_context(config, tokenizer),
        kv_bytes_per_token=_kv_bytes_per_token(config, model.dtype),
        defaults=SamplingDefaults(
            temperature=1.0 if generation.temperature is None else float(generation.temperature),
            top_p=1.0 if generation.top_p is None else float(generation.top_p),
            top_k=0 if generation.top_k is None else int(generation.top_k),
        ),
        device=device,
        quantization=quantization,
    )


def _special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    added = {token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    return frozenset(tokenizer.all_special_ids) | added


def _eos_ids(value: int | list[int] | None) -> frozenset[int]:
    if value is None:
        return frozenset()
    return frozenset([value] if isinstance(value, int) else value)


def _context(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    stated = getattr(config, "max_position_embeddings", None)
    if stated:
        return int(stated)
    return int(min(tokenizer.model_max_length, UNSTATED_CONTEXT))


def _kv_bytes_per_token(config: PreTrainedConfig, dtype: torch.dtype) -> int:
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * width * dtype.itemsize)


def _quiet_libraries() -> None:
    """Progress bars and per-layer notes do not belong in a server's log."""
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
