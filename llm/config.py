"""The settings of sections [llm] and [worker]. Plain models: who reads file and environment is `bot.config`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Quantization = Literal["auto", "none", "int8", "nf4"]
Device = Literal["auto", "cpu", "cuda"]


class LLMSettings(BaseModel):
    """Section [llm]: which engine the bot talks to, and how."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = Field(
        None, description="Address of the chat engine, ending in /v1. Empty: the worker that `steward run` starts."
    )
    tasks_url: str | None = Field(
        None, description="Address of the task models (entities, classify, …). Empty: base_url."
    )
    model: str | None = Field(None, description="Model name to ask for. Empty: the first one that the engine lists.")
    context_tokens: int = Field(
        4096,
        ge=256,
        description="Context of the model in tokens, for an engine that does not state it (ours and vLLM do).",
    )
    max_tokens: int = Field(512, ge=1, description="Longest answer, in tokens.")
    temperature: float | None = Field(None, ge=0, le=2, description="0 is greedy; empty leaves it to the engine.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling; empty leaves it to the engine.")
    first_token_timeout_s: float = Field(120, gt=0, description="How long an answer may take to begin, in seconds.")
    token_timeout_s: float = Field(30, gt=0, description="Longest silence inside an answer, in seconds.")


class WorkerSettings(BaseModel):
    """Section [worker]: the process that holds the model."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(
        "embedded", description="Hub id (owner/name, optional @revision), local folder, `embedded`, or `none`."
    )
    host: str = Field(
        "127.0.0.1", description="Address to listen on. Beyond loopback a STEWARD_WORKER_TOKEN is required."
    )
    port: int = Field(8700, ge=0, le=65535, description="Port to listen on.")
    quantization: Quantization = Field("auto", description="auto, none, int8 or nf4.")
    device: Device = Field("auto", description="auto, cpu or cuda.")
    max_waiting: int = Field(256, ge=1, description="Requests that may wait before the worker answers 429.")
    max_batch_tokens: int = Field(
        512, ge=64, description="Tokens computed in one step: more is throughput, less is a faster first token."
    )
    page_size: int = Field(32, ge=1, description="Tokens per page of the KV cache; prefixes are shared by whole pages.")
    max_running: int = Field(32, ge=1, le=1024, description="Requests that are computed together at most.")
    max_model_len: int | None = Field(
        None, ge=64, description="Longest prompt and answer together, in tokens. Empty: what the model was made for."
    )
    cache_mib: int | None = Field(
        None, ge=16, description="Memory for the KV cache, in MiB. Empty: on a GPU what is free, on a CPU 512 at most."
    )
    queue_timeout_s: float = Field(300, gt=0, description="How long a request may wait for its turn, in seconds.")
    token_timeout_s: float = Field(120, gt=0, description="Longest silence of the model inside an answer, in seconds.")
    drain_s: float = Field(5, ge=0, description="How long running answers may finish after SIGTERM, in seconds.")
