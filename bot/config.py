"""Every setting of Steward, read once from `steward.toml`, the environment and `.env`.

The sections [llm], [worker] and [storage] are described where they are used; this file gathers them and knows the rest.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.settings.rules import AnswerIn, AnswerWhen, Store
from llm.config import LLMSettings, TaskModelSettings, WorkerSettings
from llm.tasks.summary import Engine
from storage.config import StorageSettings

CONFIG_FILE = Path("steward.toml")
ENVIRONMENT_PREFIX = "STEWARD_"
SECRET_NAMES = ("DISCORD_TOKEN", "STEWARD_WORKER_TOKEN", "STEWARD_DATABASE_URL", "STEWARD_DATA")

DirectMessages = Literal["auto", "nobody", "everyone"]


class ConfigError(Exception):
    """The configuration cannot be used; the text names what is wrong, what was expected and what to do."""


class BotSettings(BaseModel):
    """Section [bot]: whom Steward serves on Discord."""

    model_config = ConfigDict(extra="forbid")

    guilds: list[int] = Field(
        default_factory=list,
        description="Ids of the servers that are served. Empty: the first server that adds Steward is adopted.",
    )
    direct_messages: DirectMessages | list[int] = Field(
        "auto",
        description="Who may talk in private messages: nobody, everyone, or a list of person ids. "
        "auto: nobody on Discord, everyone in the playground.",
    )
    allowed_bots: list[int] = Field(
        default_factory=list, description="Ids of other bots that Steward answers. Empty: none."
    )
    proxies: list[int] = Field(
        default_factory=list,
        description="Application ids of proxies (PluralKit: 466378653216014359) that may repost a deleted question. "
        "Empty: none.",
    )
    filter_own_text: bool = Field(
        True, description="Whether an answer with slurs in it is taken back, before anybody sees them."
    )
    requests_per_minute: int = Field(12, ge=1, description="Requests that one person may make in a minute.")
    history_messages: int = Field(200, ge=1, description="Longest reply chain that is read, in messages.")
    answer_when: AnswerWhen = Field(
        "addressed",
        description="What is answered: addressed (mentions and replies), mentioned, everything, or nothing. "
        "This and what follows is the default; a server's managers choose for theirs by /settings.",
    )
    answer_in: AnswerIn = Field("channel", description="Where: channel, or thread (a new one for each question).")
    persona: str = Field("", max_length=1000, description="How Steward behaves, added to its instructions.")
    language: str = Field("", max_length=40, description="Language of the answers. Empty: the one it is asked in.")
    requests_per_day: int = Field(0, ge=0, description="Requests that one person may make in a day. 0: no limit.")
    tokens_per_day: int = Field(0, ge=0, description="Tokens that one person may use in a day. 0: no limit.")
    store: Literal["auto"] | Store = Field(
        "auto",
        description="What is kept: addressed (what is said to Steward), everything, or nothing. auto: everything in "
        "the playground, addressed elsewhere.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")


class TasksSettings(TaskModelSettings):
    """Section [tasks]: how the language commands work, and the worker's models for them."""

    summarize: Engine = Field(
        "chat",
        description="Who summarizes: chat (the chat model; the built-in one cannot, so members' own words speak), or "
        "extractive (always members' own words, chosen by the embeddings model).",
    )
    find: Engine = Field(
        "chat",
        description="Who answers /find: chat (the chat model writes sentences, each with its source), or extractive "
        "(the passages that were found speak for themselves).",
    )
    translate: Literal["auto", "chat", "seq2seq"] = Field(
        "auto",
        description="Who translates: chat (the chat model; the built-in one cannot), seq2seq (the encoder-decoder "
        "model), or auto (that one where it knows both languages, else the chat model).",
    )
    summary_items: int = Field(7, ge=1, le=25, description="Messages that an extractive summary shows at most.")


class ModerationSettings(BaseModel):
    """Section [moderation]: nothing can be switched on yet; the section is reserved."""

    model_config = ConfigDict(extra="forbid")


class PlaygroundSettings(BaseModel):
    """Section [playground]: the Discord on this machine that is used while there is no DISCORD_TOKEN."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field("127.0.0.1", description="Address of the page; other hosts cannot reach it.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the page.")
    state: Path = Field(
        Path("data/playground/discord.sqlite3"), description="File that keeps the playground's messages over restarts."
    )
    database: str = Field(
        "sqlite:///data/playground/steward.sqlite3",
        description="Steward's database while it runs in the playground: trying leaves no trace in the real one.",
    )


class Settings(BaseSettings):
    """All sections of `steward.toml`; `STEWARD_<SECTION>__<KEY>` in the environment wins over the file."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", env_ignore_empty=True
    )

    bot: BotSettings = Field(default_factory=BotSettings)
    llm: LLMSettings = Field(default_factory=lambda: LLMSettings())
    worker: WorkerSettings = Field(default_factory=lambda: WorkerSettings())
    tasks: TasksSettings = Field(default_factory=lambda: TasksSettings())
    storage: StorageSettings = Field(default_factory=lambda: StorageSettings())
    moderation: ModerationSettings = Field(default_factory=ModerationSettings)
    playground: PlaygroundSettings = Field(default_factory=lambda: PlaygroundSettings())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first; the file's values are handed in by `load` as plain arguments, so they come second."""
        return env_settings, init_settings


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only the environment may hold. `repr` never shows a value."""

    discord_token: SecretStr | None = None
    worker_token: SecretStr | None = None
    database_url: SecretStr | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Secrets:
        """Reads the secrets; an empty value counts as absent (compose files pass those)."""

        def secret(name: str) -> SecretStr | None:
            value = environment.get(name, "").strip()
            return SecretStr(value) if value else None

        return cls(secret("DISCORD_TOKEN"), secret("STEWARD_WORKER_TOKEN"), secret("STEWARD_DATABASE_URL"))


def load(path: Path | None = None) -> Settings:
    """Reads the settings from `path` (default: `steward.toml` where there is one) and the environment.

    Raises ConfigError for a missing or broken file, an unknown key (naming the nearest known one) or a bad value.
    """
    if path is not None and not path.is_file():
        raise ConfigError(
            f"There is no configuration file at {path}. Copy steward.example.toml there, or leave --config out."
        )
    _refuse_unknown_environment(os.environ)
    source = path or CONFIG_FILE
    try:
        values = TomlConfigSettingsSource(Settings, source)() if source.is_file() else {}
    except ValueError as error:  # tomllib.TOMLDecodeError and a file that is not UTF-8
        raise ConfigError(f"{source} is not valid TOML: {error}") from error
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from error


def _refuse_unknown_environment(environment: Mapping[str, str]) -> None:
    """A misspelled section in the environment would otherwise be dropped in silence."""
    for name in environment:
        if not name.startswith(ENVIRONMENT_PREFIX) or name in SECRET_NAMES:
            continue
        section, separator, _ = name.removeprefix(ENVIRONMENT_PREFIX).partition("__")
        if not separator or section.lower() not in Settings.model_fields:
            known = [f"{ENVIRONMENT_PREFIX}{key.upper()}__" for key in Settings.model_fields] + list(SECRET_NAMES)
            nearest = difflib.get_close_matches(name, known, 1, cutoff=0)[0]
            raise ConfigError(f"The environment variable {name} is not known. The nearest known name is {nearest}….")


def _explain(error: ValidationError, source: Path) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        where = [str(part) for part in problem["loc"] if not str(part).startswith(("literal[", "list["))]
        name = ".".join(where)
        if problem["type"] == "extra_forbidden":
            lines.append(f"{name} is not a known setting.{_nearest(where)}")
        else:
            lines.append(f"{name}: {problem['msg']} (got {_shown(problem['input'])}).")
    return f"The configuration cannot be used ({source} and STEWARD_… variables):\n  " + "\n  ".join(
        dict.fromkeys(lines)
    )


def _nearest(where: list[str]) -> str:
    """A hint for a misspelled key: in its section when that is known, among the sections otherwise."""
    section = Settings.model_fields.get(where[0])
    if section is None or len(where) == 1:
        known = list(Settings.model_fields)
        return f" Did you mean section [{difflib.get_close_matches(where[0], known, 1, cutoff=0)[0]}]?"
    names = list(_section_model(section.annotation).model_fields)
    if not names:
        return f" Section [{where[0]}] has no settings yet."
    return f" Did you mean {where[0]}.{difflib.get_close_matches(where[1], names, 1, cutoff=0)[0]}?"


def _section_model(annotation: Any) -> type[BaseModel]:  # noqa: ANN401 - pydantic types an annotation as Any
    return next(
        kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type) and issubclass(kind, BaseModel)
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
