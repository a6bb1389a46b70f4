"""The settings of [llm], [worker] and the worker's part of [tasks]. Plain models: `bot.config` reads the file."""

from __future__ import annotations

from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

Quantization = Literal["auto", "none", "int8", "nf4"]
Device = Literal["auto", "cpu", "cuda"]
Thinking = Literal["off", "on", "auto"]
Images = Literal["auto", "on", "off"]

HARMLESS_LABELS = (
    "clean", "ham", "harmless", "neither", "neutral", "none", "non-toxic", "normal", "not_toxic", "ok", "safe",
)  # fmt: skip
"""How well-known moderation models call the class in which nothing is wrong."""
OFF = "none"
CHAT = "chat"
"""The name of a task's model that stands for the chat model."""
_EMPTY = "Empty: the built-in one, where there is one; `none`: off."
_OR_CHAT = f"{_EMPTY} `chat`: the chat model does it."


class LLMSettings(BaseModel):
    """Section [llm]: which engine the bot talks to, and how."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = Field(
        None,
        description="Address of the chat engine; of a mere server its /v1. "
        "Empty: the worker that `steward run` starts.",
    )
    tasks_url: str | None = Field(
        None, description="Address of the task models (entities, classify, …). Empty: base_url."
    )
    model: str | None = Field(None, description="Model name to ask for. Empty: the first one that the engine lists.")
    context_tokens: int = Field(
        4096,
        ge=256,
        description="Context of the model in tokens, for an engine that does not state it (ours and vLLM do). "
        "Once set, it is also the most that is used.",
    )
    max_tokens: int = Field(512, ge=1, description="Longest answer, in tokens.")
    temperature: float | None = Field(None, ge=0, le=2, description="0 is greedy; empty leaves it to the engine.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling; empty leaves it to the engine.")
    images: Images = Field(
        "auto",
        description="Whether the model sees pictures that people attach. auto: as the engine's list of models says, "
        "else it is tried once.",
    )
    first_token_timeout_s: float = Field(120, gt=0, description="How long an answer may take to begin, in seconds.")
    token_timeout_s: float = Field(30, gt=0, description="Longest silence inside an answer, in seconds.")

    @field_validator("base_url", "tasks_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        """A secret in it would end up in logs and in /help; STEWARD_WORKER_TOKEN is the place for the key."""
        if url is None:
            return None
        parts = urlsplit(url)
        plain = "@" not in parts.netloc and not parts.query and not parts.fragment
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
            raise ValueError(
                "must be an address such as http://127.0.0.1:8000/v1, without user, password or query; "
                "the engine's key belongs into STEWARD_WORKER_TOKEN"
            )
        return url


class WorkerSettings(BaseModel):
    """Section [worker]: the process that holds the model."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        "embedded", description="Hub id (owner/name, optional @revision), local folder, `embedded`, or `none`."
    )
    adapter: str | None = Field(
        None, description="LoRA adapter over the model: hub id or local folder. It is served under its own name."
    )
    trust_remote_code: list[str] = Field(
        default_factory=list,
        description="Models whose own Python code may run in the worker. "
        "Empty: none; others are refused if they need it.",
    )
    host: str = Field(
        "127.0.0.1", description="Address to listen on. Beyond loopback a STEWARD_WORKER_TOKEN is required."
    )
    port: int = Field(8700, ge=0, le=65535, description="Port to listen on.")
    quantization: Quantization = Field("auto", description="auto, none, int8 or nf4.")
    device: Device = Field("auto", description="auto, cpu or cuda.")
    thinking: Thinking = Field(
        "off",
        description="Whether a model that reasons before it answers does so, where its template can be told: off "
        "answers fastest, on thinks first, auto leaves it to the template.",
    )
    max_waiting: int = Field(
        256,
        ge=1,
        description="Requests that may wait before the worker answers 429; one server, one person or the background "
        "alone cannot take all these places.",
    )
    max_batch_tokens: int = Field(
        512, ge=64, description="Tokens computed in one step: more is throughput, less is a faster first token."
    )
    page_size: int = Field(32, ge=1, description="Tokens per page of the KV cache; prefixes are shared by whole pages.")
    max_running: int = Field(32, ge=1, le=1024, description="Requests that are computed together at most.")
    max_model_len: int | None = Field(
        None, ge=64, description="Longest prompt and answer together, in tokens. Empty: what the model was made for."
    )
    cache_mib: int | None = Field(
        None,
        ge=16,
        description="Memory for the KV cache, in MiB. Empty: on a GPU 80 % of what is free, on a CPU a quarter, "
        "at most 512.",
    )
    queue_timeout_s: float = Field(300, gt=0, description="How long a request may wait for its turn, in seconds.")
    request_timeout_s: float = Field(
        900, gt=0, description="How long a request may take altogether, waiting included, in seconds."
    )
    token_timeout_s: float = Field(
        120,
        gt=0,
        description="Longest silence of the model inside an answer, in seconds; a step of computation that takes as "
        "long hangs: the worker ends, and is started again.",
    )
    drain_s: float = Field(5, ge=0, description="How long running answers may finish after SIGTERM, in seconds.")


Task = Literal["entities", "classify", "zero_shot", "moderations", "embeddings", "seq2seq"]
TASKS: tuple[Task, ...] = get_args(Task)


class TaskModelSettings(BaseModel):
    """The worker's part of section [tasks]: which model serves which task route. `bot.config` adds the bot's part."""

    model_config = ConfigDict(extra="forbid")

    entities: str = Field("", description=f"Names in texts: a token-classification model. {_OR_CHAT}")
    classify: str = Field("", description=f"Fixed labels, such as a sentiment: a text-classification model. {_OR_CHAT}")
    zero_shot: str = Field(
        "", description=f"Labels given on the spot: a text-classification model trained on NLI. {_OR_CHAT}"
    )
    moderations: str = Field("", description=f"What is harmful: a text-classification model. {_EMPTY}")
    embeddings: str = Field(
        "", description=f"Vectors: an encoder, pooled as its sentence-transformers files say. {_EMPTY}"
    )
    seq2seq: str = Field("", description=f"Translation and the like: an encoder-decoder model. {_EMPTY}")
    moderation_threshold: float = Field(
        0.5, ge=0, le=1, description="From which score on a category of the moderation model counts as flagged."
    )
    harmless_labels: list[str] = Field(
        default_factory=lambda: list(HARMLESS_LABELS),
        description="Labels of the moderation model that mean that nothing is wrong, in any case of letters.",
    )
    max_waiting_texts: int = Field(
        4096, ge=32, description="Texts (windows of long ones) that may wait for one task model before it answers 429."
    )
    task_timeout_s: float = Field(120, gt=0, description="Longest time for one request to a task model, in seconds.")
