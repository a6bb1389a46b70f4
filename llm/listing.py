"""What an engine's list of models and its /health say. Pure: it is handed what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from llm.config import Images, LLMSettings
from llm.errors import EngineUnavailable, SettingsRefused
from llm.failures import NOT_OPENAI
from llm.types import EngineHealth, ModelInfo, WorkerStatus

Entry = Mapping[str, Any]
OWN_WORKER = "steward"
"""Our worker says `"owned_by": "steward"` of its models."""
_SEES: dict[Images, bool | None] = {"auto": None, "on": True, "off": False}
_CONTEXT_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
"""Where an entry of the list states its context: vLLM and ours, OpenRouter and Together, Groq, Mistral."""


def models_of(answer: object) -> list[Entry]:
    """The entries of a listing. Raises SettingsRefused for an answer of another shape, such as a web page."""
    entries = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(entries, list) or not all(
        isinstance(e, Mapping) and isinstance(e.get("id"), str) for e in entries
    ):
        raise SettingsRefused(NOT_OPENAI)
    return entries


def choose(models: Sequence[Entry], settings: LLMSettings) -> ModelInfo:
    """The configured model, else the first one, which is the chat model by INTERFACES.

    Raises SettingsRefused where our worker serves another one, EngineUnavailable where there is none at all."""
    wanted = next((model for model in models if settings.model in (None, model["id"])), None)
    if wanted is not None:
        return _described(wanted, settings)
    if settings.model is None:
        raise EngineUnavailable("the engine lists no model: name one in [llm] model")
    if any(model.get("owned_by") == OWN_WORKER for model in models):
        served = ", ".join(model["id"] for model in models)
        raise SettingsRefused(f"the engine serves {served}, not {settings.model}", param="model")
    return ModelInfo(
        settings.model, settings.context_tokens, "", sees=_SEES[settings.images]
    )  # other engines may serve more than they list


def chat_models(models: Sequence[Entry], settings: LLMSettings) -> list[ModelInfo]:
    """The models that can answer, as far as a list tells: our worker has one, and lists its task models after it."""
    if any(model.get("owned_by") == OWN_WORKER for model in models):
        return [choose(models, settings)]
    return [_described(model, settings) for model in models]


def _described(model: Entry, settings: LLMSettings) -> ModelInfo:
    stated = next((model[name] for name in _CONTEXT_FIELDS if isinstance(model.get(name), int) and model[name] > 0), 0)
    context = most_used(stated, settings) if stated else settings.context_tokens
    owner = str(model.get("owned_by") or "")
    sees = _sees(model) if settings.images == "auto" else _SEES[settings.images]
    return ModelInfo(model["id"], context, owner, _ignored(model.get("ignored")), sees)


def _sees(model: Entry) -> bool | None:
    """Whether the model reads images, where its entry says: ours and OpenRouter's do, at one of two places."""
    nested = model.get("architecture")
    for entry in (model, nested if isinstance(nested, Mapping) else {}):
        if isinstance(modalities := entry.get("input_modalities"), list):
            return "image" in modalities
    return None


def _ignored(stated: object) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in stated.items()) if isinstance(stated, Mapping) else ()


def most_used(stated: int, settings: LLMSettings) -> int:
    """The context that the engine states, but never more than the owner set."""
    return min(stated, settings.context_tokens) if "context_tokens" in settings.model_fields_set else stated


def own_health(answer: object) -> EngineHealth | None:
    """Our worker's health; None where the answer is not of its shape, so that the engine is another one."""
    if not isinstance(answer, Mapping) or answer.get("status") not in get_args(WorkerStatus):
        return None
    progress = answer.get("progress")
    return EngineHealth(
        answer["status"],
        str(answer.get("reason") or ""),
        float(progress) if isinstance(progress, int | float) else None,
    )
