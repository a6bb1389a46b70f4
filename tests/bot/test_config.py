from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import ConfigError, Secrets, Settings, load
from tests.conftest import REPOSITORY


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No steward.toml and no STEWARD_ variables of the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEWARD_DATA", raising=False)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "steward.toml"
    path.write_text(text)
    return path


def test_defaults_need_no_file() -> None:
    settings = load()
    assert settings.worker.model == "embedded"
    assert settings.worker.port == 8700
    assert settings.playground.port == 8080


def test_environment_wins_over_the_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(empty_folder, "[worker]\nport = 9001\nmodel = 'a/b'\n[bot]\nguilds = [1]\n")
    monkeypatch.setenv("STEWARD_WORKER__PORT", "9002")
    monkeypatch.setenv("STEWARD_BOT__DIRECT_MESSAGES", "everyone")
    settings = load()
    assert (settings.worker.port, settings.worker.model) == (9002, "a/b")
    assert (settings.bot.guilds, settings.bot.direct_messages) == ([1], "everyone")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[bot]\nguids = [1]", "bot.guids is not a known setting. Did you mean bot.guilds?"),
        ("[wroker]\nport = 1", r"wroker is not a known setting. Did you mean section \[worker\]?"),
        ("[worker]\nport = 'x'", "worker.port: .*got 'x'"),
        ("[worker]\nquantization = 'int4'", "worker.quantization: .*'nf4'"),
        ("[worker\n", "is not valid TOML"),
        ("discord_token = 'x'", "discord_token is not a known setting"),
    ],
)
def test_a_mistake_is_named_with_its_mend(empty_folder: Path, text: str, said: str) -> None:
    write(empty_folder, text)
    with pytest.raises(ConfigError, match=said):
        load()


@pytest.mark.parametrize("name", ["STEWARD_WOKER__PORT", "STEWARD_WORKER_TOKN"])
def test_a_misspelled_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigError, match=f"{name} is not known. The nearest known name is STEWARD_WORKER"):
        load()


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        load(tmp_path / "other.toml")


def test_secrets_are_never_shown() -> None:
    secrets = Secrets.from_environment({"DISCORD_TOKEN": "abc.def", "STEWARD_WORKER_TOKEN": " "})
    assert secrets.discord_token is not None
    assert secrets.discord_token.get_secret_value() == "abc.def"
    assert secrets.worker_token is None
    assert "abc.def" not in repr(secrets)


def settings_with_defaults() -> list[tuple[str, object, str]]:
    """Every setting as (section.key, default, description)."""
    sections = Settings()
    return [
        (f"{section}.{key}", getattr(getattr(sections, section), key), field.description or "")
        for section in Settings.model_fields
        for key, field in type(getattr(sections, section)).model_fields.items()
    ]


def shown(default: object) -> str:
    if default is None or default in ("", []):
        return "[]" if default == [] else "empty"
    return str(default)


def test_the_readme_documents_every_setting() -> None:
    """The table is the settings' own descriptions: a row that is missing or stale is printed as it must be."""
    readme = (REPOSITORY / "README.md").read_text()
    rows = [f"| `{name}` | {shown(default)} | {text} |" for name, default, text in settings_with_defaults()]
    stale = [row for row in rows if row not in readme]
    assert not stale, "README.md lacks these rows:\n" + "\n".join(stale)


def test_the_example_file_loads_and_names_every_setting() -> None:
    example = REPOSITORY / "steward.example.toml"
    load(example)
    text = example.read_text()
    missing = [name for name, _, _ in settings_with_defaults() if f"{name.partition('.')[2]} =" not in text]
    assert not missing
