"""A model's name → model, tokenizer and everything that is known about them. It knows no HTTP, no engine, no queue."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    GenerationConfig,
    GgufConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from llm.config import Device, Quantization
from llm.worker.checkpoint import Checkpoint, obtain, obtain_adapter
from llm.worker.errors import LoadError
from llm.worker.fitting import Fit, choose, possible_fits, quantization_of
from llm.worker.footprint import empty_model, key_values, why_not_batched
from llm.worker.machine import free_memory
from llm.worker.progress import weights_counted
from llm.worker.template import ChatTemplate
from llm.worker.text import Decode

UNSTATED_CONTEXT = 2048  # for the few models whose config names no longest context
DOWNLOADING, LOADING, LOADED = 0.05, 0.3, 0.8  # of the way to a worker that is ready

Report = Callable[[str, float], None]

# What a generation_config may ask for and the engine has not, with the values that mean "not used".
IGNORED: Mapping[str, tuple[object, ...]] = {
    "repetition_penalty": (None, 1, 1.0),
    "no_repeat_ngram_size": (None, 0),
    "encoder_repetition_penalty": (None, 1, 1.0),
    "typical_p": (None, 1, 1.0),
    "min_p": (None, 0, 0.0),
    "bad_words_ids": (None, []),
    "sequence_bias": (None, {}),
}


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
    hidden_ids: frozenset[int]  # special tokens: they steer and are never shown; marks of reasoning are split off
    eos_ids: frozenset[int]
    context: int
    kv_bytes_per_token: int
    defaults: SamplingDefaults
    device: str
    quantization: Quantization
    why: str = ""  # this quantization, in words for the owner
    adapter: str | None = None  # what the owner called the LoRA adapter that is in it
    ignored: Mapping[str, object] = field(default_factory=dict)  # what its generation_config wants and nobody does


def load(
    name: str,
    quantization: Quantization,
    device: Device,
    report: Report,
    trusted: Collection[str] = (),
    adapter: str | None = None,
) -> LoadedModel:
    """Load by hub id, local folder, GGUF file or `embedded…`; what is missing is downloaded. Raises LoadError.

    `trusted` names the models whose own code may run in this process, `adapter` a LoRA adapter to put into the model.
    """
    quiet_libraries()
    target = choose_device(device)
    checkpoint = obtain(name, trusted, _downloading(report, name))
    folder = None
    if adapter is not None:
        folder = obtain_adapter(adapter, _downloading(report, adapter))
    with explained(checkpoint):
        report("reading the model's configuration", 0.1)
        config = read_config(checkpoint)
        if obstacle := why_not_batched(config):
            raise LoadError(f"cannot serve the model {name}: {obstacle}")
        report("reading the tokenizer", 0.2)
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, **checkpoint.options)
        shape = empty_model(config, checkpoint.trusted)
        memory = free_memory(target)
        fits = possible_fits(shape, stated_context(config, tokenizer), target, memory, checkpoint.gguf)
        chosen, why = choose(quantization, fits, memory)
        with weights_counted(_reading(report)):
            model = _read_weights(checkpoint, chosen, target)
    if adapter is not None and folder is not None:
        from llm.worker.adapter import apply_adapter  # peft takes a second to import, and few have an adapter

        report("reading the adapter", LOADED)
        exact = chosen.quantization == "none" and (checkpoint.gguf is not None or quantization_of(config) is None)
        model = apply_adapter(model, adapter, folder, name, merge=exact)
    return _describe(model, tokenizer, target, chosen, why, adapter)


@contextmanager
def explained(checkpoint: Checkpoint) -> Iterator[None]:
    """What the libraries raise over this model's files, as one line for the owner: a LoadError."""
    try:
        yield
    except StrictDataclassError as error:  # a config against the rules of its kind; the rule is in the cause
        raise LoadError(_complaint(checkpoint, error.__cause__ or error)) from error
    except (OSError, ValueError, ImportError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise LoadError(_complaint(checkpoint, error)) from error


def read_config(checkpoint: Checkpoint) -> PreTrainedConfig:
    """The model's config, with a dtype where a GGUF file states none."""
    config = AutoConfig.from_pretrained(checkpoint.folder, **checkpoint.options)
    if checkpoint.gguf is not None and config.dtype is None:
        config.dtype = torch.bfloat16  # its weights are coarser than that
    return config


def _downloading(report: Report, name: str) -> Callable[[int, int], None]:
    def on_bytes(here: int, total: int) -> None:
        part = here / total if total else 1.0
        report(f"downloading {name}: {here / 1e9:.2f} of {total / 1e9:.2f} GB", DOWNLOADING * part)

    return on_bytes


def _reading(report: Report) -> Callable[[float], None]:
    def on_share(share: float) -> None:
        report(f"reading the weights: {share * 100:.0f} %", LOADING + share * (LOADED - LOADING))

    return on_share


def _read_weights(checkpoint: Checkpoint, chosen: Fit, device: str) -> PreTrainedModel:
    options: dict[str, Any] = {"device_map": _device_map(device, chosen)}
    if checkpoint.gguf is not None:
        options["quantization_config"] = GgufConfig(dequantize=True)  # its kernels would be fetched from the hub
    elif chosen.quantization == "int8":
        options["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)
    elif chosen.quantization == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if device == "cuda" else chosen.dtype,
        )
    model, found = AutoModelForCausalLM.from_pretrained(
        checkpoint.folder,
        dtype=chosen.dtype,
        use_safetensors=None if checkpoint.gguf else True,
        output_loading_info=True,
        **checkpoint.options,
        **options,
    )
    if found["missing_keys"]:  # transformers would go on with random numbers in their place
        missing = sorted(found["missing_keys"])
        raise ValueError(f"{len(missing)} weights are missing from its files, such as {missing[0]}")
    elsewhere = sorted({str(place) for place in getattr(model, "hf_device_map", {}).values()} & {"cpu", "disk"})
    if device == "cuda" and elsewhere:
        raise ValueError(f"a part of it found no room on the GPU and would run from {elsewhere[0]}: quantize it more")
    return model


def _device_map(device: str, chosen: Fit) -> str | dict[str, int | str]:
    """One GPU where one has room, because nothing has to travel then; all of them otherwise."""
    if device == "cpu":
        return {"": "cpu"}
    free = [torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())]
    roomiest = max(range(len(free)), key=free.__getitem__)
    return {"": roomiest} if chosen.needed <= chosen.allowed / sum(free) * free[roomiest] else "auto"


def _complaint(checkpoint: Checkpoint, error: BaseException) -> str:
    if "trust_remote_code" in str(error):
        return (
            f"the model {checkpoint.name} brings its own code, which is not run unless you trust its author: "
            f'if you do, write trust_remote_code = ["{checkpoint.name.partition("@")[0]}"] under [worker]'
        )
    if checkpoint.gguf is not None and isinstance(error, ImportError):
        return "a GGUF file needs the package gguf: pip install 'steward-bot[models]'"
    return f"cannot load the model {checkpoint.name!r}: {first_line(error)}"


def choose_device(wanted: Device) -> str:
    """ "cuda" or "cpu". Raises LoadError when a GPU was asked for that is not there."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise LoadError("device cuda was asked for, but torch sees no CUDA GPU here: use --device cpu or auto")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def _describe(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    device: str,
    chosen: Fit,
    why: str,
    adapter: str | None,
) -> LoadedModel:
    config = model.config.get_text_config()
    generation = model.generation_config
    template = ChatTemplate(tokenizer)
    eos_ids = _eos_ids(generation.eos_token_id) | _eos_ids(tokenizer.eos_token_id) | template.end_ids
    hidden_ids = (_special_ids(tokenizer) - template.mark_ids) | eos_ids

    def decode(ids: Sequence[int]) -> str:
        shown = [token for token in ids if token not in hidden_ids]
        return str(tokenizer.decode(shown, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    return LoadedModel(
        model=model,
        template=template,
        decode=decode,
        hidden_ids=hidden_ids,
        eos_ids=eos_ids,
        context=stated_context(config, tokenizer),
        kv_bytes_per_token=key_values(config, model.dtype).per_token,
        defaults=SamplingDefaults(
            temperature=1.0 if generation.temperature is None else float(generation.temperature),
            top_p=1.0 if generation.top_p is None else float(generation.top_p),
            top_k=0 if generation.top_k is None else int(generation.top_k),
        ),
        device=device,
        quantization=chosen.quantization,
        why=why,
        adapter=adapter,
        ignored=_ignored(generation),
    )


def _ignored(generation: GenerationConfig) -> dict[str, object]:
    asked = {name: getattr(generation, name, None) for name in IGNORED}
    return {name: value for name, value in asked.items() if value not in IGNORED[name]}


def _special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    added = {token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special}
    return frozenset(tokenizer.all_special_ids) | added


def _eos_ids(value: int | list[int] | None) -> frozenset[int]:
    if value is None:
        return frozenset()
    return frozenset([value] if isinstance(value, int) else value)


def stated_context(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase | None = None) -> int:
    """The longest context that the model was made for, in tokens."""
    stated = getattr(config.get_text_config(), "max_position_embeddings", None)
    if stated:
        return int(stated)
    return UNSTATED_CONTEXT if tokenizer is None else int(min(tokenizer.model_max_length, UNSTATED_CONTEXT))


def quiet_libraries() -> None:
    """Progress bars and per-layer notes do not belong in a server's log."""
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
